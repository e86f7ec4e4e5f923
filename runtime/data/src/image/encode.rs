//! Pictures as PNG files.

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::Picture;
use crate::error::DataError;

/// A picture as PNG, RGB with 8 bits a channel.
///
/// # Errors
/// [`DataError::Write`] where the encoder refuses it.
pub fn png(picture: &Picture) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    let (width, height) = (picture.width() as u32, picture.height() as u32);
    PngEncoder::new(&mut bytes)
        .write_image(picture.pixels(), width, height, ExtendedColorType::Rgb8)
        .map_err(|error| DataError::Write {
            what: "picture",
            source: std::io::Error::other(error),
        })?;
    Ok(bytes)
}
