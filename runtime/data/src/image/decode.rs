//! PNG, JPEG and WebP files as pictures, whatever their bytes are.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, ImageReader};

use super::Picture;

/// What a picture may be at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Pixels along a side.
    pub side: u32,
    /// Pixels in all.
    pub pixels: u64,
    /// Bytes that a decoder may take.
    pub memory: u64,
}

impl Default for Limits {
    /// 32,768 pixels a side, 2^26 in all, 512 MiB: photographs pass, bombs do not.
    fn default() -> Self {
        Self {
            side: 1 << 15,
            pixels: 1 << 26,
            memory: 512 << 20,
        }
    }
}

/// Why a file is no picture.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The bytes begin like no format that is read.
    #[error("neither PNG nor JPEG nor WebP, by its first bytes; convert it to one of them")]
    Format,
    /// The header promises more than is allowed.
    #[error(
        "{width} x {height} pixels, which is more than {most} in all or {side} a side; scale it down"
    )]
    Large {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Pixels allowed.
        most: u64,
        /// Pixels along a side allowed.
        side: u32,
    },
    /// There is no pixel.
    #[error("0 pixels")]
    Empty,
    /// The decoder gave up.
    #[error("it cannot be decoded ({0}); it may be cut short")]
    Broken(String),
}

/// Decodes a picture: the format is told by content, never by a name.
///
/// Transparency is left out, grey and palettes become RGB, and of 16 bits the upper 8 are kept. PNG and
/// lossless WebP are exact; decoders of JPEG and lossy WebP differ in rounding, a few levels at most.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Picture, ImageError> {
    let broken = |error: image::ImageError| ImageError::Broken(error.to_string());
    let reader = |cursor| -> Result<ImageReader<Cursor<&[u8]>>, ImageError> {
        let mut reader = ImageReader::new(cursor)
            .with_guessed_format()
            .map_err(|error| ImageError::Broken(error.to_string()))?;
        match reader.format() {
            Some(ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP) => {}
            _ => return Err(ImageError::Format),
        }
        let mut most = image::Limits::default();
        most.max_image_width = Some(limits.side);
        most.max_image_height = Some(limits.side);
        most.max_alloc = Some(limits.memory);
        reader.limits(most);
        Ok(reader)
    };
    // The header alone is believed before anything is lent to it.
    let (width, height) = reader(Cursor::new(bytes))?
        .into_dimensions()
        .map_err(broken)?;
    let large = width.max(height) > limits.side;
    if large || u64::from(width) * u64::from(height) > limits.pixels {
        return Err(ImageError::Large {
            width,
            height,
            most: limits.pixels,
            side: limits.side,
        });
    }
    let image = reader(Cursor::new(bytes))?.decode().map_err(broken)?;
    let pixels = match image {
        DynamicImage::ImageLuma16(_)
        | DynamicImage::ImageLumaA16(_)
        | DynamicImage::ImageRgb16(_)
        | DynamicImage::ImageRgba16(_) => {
            let wide = image.into_rgb16().into_raw();
            wide.into_iter().map(|level| (level >> 8) as u8).collect()
        }
        // Grey is spread over the channels and transparency dropped, level by level.
        image => image.into_rgb8().into_raw(),
    };
    if width == 0 || height == 0 {
        return Err(ImageError::Empty);
    }
    Ok(Picture::new(width as usize, height as usize, pixels))
}
