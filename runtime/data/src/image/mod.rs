//! Pictures: decoded within limits, and made ready for a vision encoder as its own processor does.

use std::ops::Range;

mod decode;
mod encode;
mod preprocess;
mod resample;

pub use decode::{ImageError, Limits, decode};
pub use encode::png;
pub use preprocess::{Preprocess, Shape};
pub use resample::{Filter, resize};

/// A picture in RGB, 8 bits a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    /// [height, width, 3], rows from the top.
    pixels: Vec<u8>,
}

impl Picture {
    /// A picture of these pixels, [height, width, 3], rows from the top.
    ///
    /// # Panics
    /// Where there are not `width * height * 3` of them, or none.
    pub fn new(width: usize, height: usize, pixels: Vec<u8>) -> Self {
        assert!(
            width > 0 && height > 0 && pixels.len() == width * height * 3,
            "a picture of {width} x {height} has 3 bytes for each pixel"
        );
        Self {
            width,
            height,
            pixels,
        }
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// [height, width, 3], rows from the top.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Some of its columns and rows.
    pub(crate) fn part(&self, columns: Range<usize>, rows: Range<usize>) -> Self {
        let (width, height) = (columns.len(), rows.len());
        let all = self.pixels.chunks_exact(self.width * 3);
        let pixels = all
            .skip(rows.start)
            .take(height)
            .flat_map(|row| &row[columns.start * 3..columns.end * 3])
            .copied()
            .collect();
        Self::new(width, height, pixels)
    }
}

#[cfg(test)]
mod tests;
