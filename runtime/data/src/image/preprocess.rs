//! Pictures as the numbers that a vision encoder reads.

use super::resample::resize_part;
use super::{Filter, Picture, resize};

/// How a picture of any size becomes a square.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The shorter side is brought to so many pixels, and the middle is cut out.
    Middle {
        /// Pixels of the shorter side.
        shorter: usize,
    },
    /// Both sides are brought to the square's.
    Squeezed,
}

/// What is done to a picture before an encoder sees it.
///
/// The same as the processors of `transformers` do with Pillow: sizes, levels and numbers (f32).
#[derive(Debug, Clone, PartialEq)]
pub struct Preprocess {
    /// Pixels along a side of the square.
    pub side: usize,
    /// How it becomes a square.
    pub shape: Shape,
    /// The filter to resize with.
    pub filter: Filter,
    /// What is taken away from each channel, whose levels are from 0 to 1.
    pub mean: [f32; 3],
    /// What the rest is divided by.
    pub deviation: [f32; 3],
}

/// Means and deviations of ImageNet.
const IMAGENET: ([f32; 3], [f32; 3]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);

impl Preprocess {
    /// As CLIP and MetaCLIP do (`CLIPImageProcessor`).
    pub fn clip(side: usize) -> Self {
        Self {
            side,
            shape: Shape::Middle { shorter: side },
            filter: Filter::Bicubic,
            mean: [0.481_454_66, 0.457_827_5, 0.408_210_73],
            deviation: [0.268_629_54, 0.261_302_6, 0.275_777_1],
        }
    }

    /// As DINOv2 does (`BitImageProcessor`): a margin is cut off, of 32 pixels in all at 224.
    pub fn dinov2(side: usize) -> Self {
        let (mean, deviation) = IMAGENET;
        Self {
            side,
            shape: Shape::Middle {
                shorter: side * 256 / 224,
            },
            filter: Filter::Bicubic,
            mean,
            deviation,
        }
    }

    /// As masked autoencoders do (`ViTImageProcessor` with ImageNet's means).
    pub fn mae(side: usize) -> Self {
        let (mean, deviation) = IMAGENET;
        Self {
            side,
            shape: Shape::Squeezed,
            filter: Filter::Bilinear,
            mean,
            deviation,
        }
    }

    /// As plain vision transformers do (`ViTImageProcessor`).
    pub fn vit(side: usize) -> Self {
        Self {
            mean: [0.5; 3],
            deviation: [0.5; 3],
            ..Self::mae(side)
        }
    }

    /// The numbers of a picture, [3, side, side].
    pub fn apply(&self, picture: &Picture) -> Vec<f32> {
        let side = self.side;
        let square = match self.shape {
            Shape::Squeezed => resize(picture, side, side, self.filter),
            Shape::Middle { shorter } => {
                let (width, height) = picture_size(picture, shorter);
                // Where halves are left over, the upper left one of the middles.
                let middle = |length: usize| {
                    let first = (length - side) / 2;
                    (length, first..first + side)
                };
                resize_part(picture, middle(width), middle(height), self.filter)
            }
        };
        let number = |channel: usize, level: u8| {
            // In f64 first, as `rescale` of transformers does.
            let share = (f64::from(level) * (1.0 / 255.0)) as f32;
            (share - self.mean[channel]) / self.deviation[channel]
        };
        let plane = |channel: usize| {
            let pixels = square.pixels().chunks_exact(3);
            pixels.map(move |pixel| number(channel, pixel[channel]))
        };
        (0..3).flat_map(plane).collect()
    }
}

/// Width and height where the shorter side has so many pixels; the longer one is rounded down.
fn picture_size(picture: &Picture, shorter: usize) -> (usize, usize) {
    let (width, height) = (picture.width(), picture.height());
    if width <= height {
        (shorter, shorter * height / width)
    } else {
        (shorter * width / height, shorter)
    }
}
