//! Resizing with the filters and the fixed-point arithmetic of Pillow, so that the levels are its own.
//!
//! Two passes, along rows and along columns, each over 8-bit levels; the filter is as wide as the
//! scale when shrinking, which keeps what is fine from coming out as something else.

use std::ops::Range;

use super::Picture;

/// A filter to resize with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// A triangle.
    Bilinear,
    /// Keys' cubic with a = -0.5.
    Bicubic,
}

/// Bits behind the point of a weight: 32, less 8 of a level and 2 for sums beyond it.
const BITS: u32 = 22;

impl Filter {
    /// Half of its width, in source pixels at scale 1.
    fn support(self) -> f64 {
        match self {
            Self::Bilinear => 1.0,
            Self::Bicubic => 2.0,
        }
    }

    fn at(self, x: f64) -> f64 {
        const A: f64 = -0.5;
        let x = x.abs();
        match self {
            Self::Bilinear if x < 1.0 => 1.0 - x,
            Self::Bicubic if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
            Self::Bicubic if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
            Self::Bilinear | Self::Bicubic => 0.0,
        }
    }
}

/// What one target pixel is made of.
struct Window {
    /// The first source pixel.
    first: usize,
    /// Weights of the source pixels from there on, times 2^22.
    weights: Vec<i32>,
}

/// The windows of some of `to` target pixels.
fn windows(from: usize, to: usize, kept: Range<usize>, filter: Filter) -> Vec<Window> {
    let scale = from as f64 / to as f64;
    let wide = scale.max(1.0);
    let support = filter.support() * wide;
    let window = |target: usize| {
        let centre = (target as f64 + 0.5) * scale;
        let first = (centre - support + 0.5).max(0.0) as usize;
        let end = ((centre + support + 0.5) as usize).min(from);
        let weight = |source: usize| filter.at((source as f64 - centre + 0.5) * (1.0 / wide));
        let weights: Vec<f64> = (first..end).map(weight).collect();
        let factor = 1.0 / weights.iter().sum::<f64>();
        let whole = |weight: f64| {
            let scaled = weight * factor * f64::from(1 << BITS);
            // Halves away from zero.
            (scaled + 0.5_f64.copysign(scaled)) as i32
        };
        Window {
            first,
            weights: weights.into_iter().map(whole).collect(),
        }
    };
    kept.map(window).collect()
}

/// Half a level, so that what is cut off rounds.
const HALF: i32 = 1 << (BITS - 1);

/// A level from a sum of weighted ones.
fn level(sum: i32) -> u8 {
    (sum >> BITS).clamp(0, 255) as u8
}

/// Resizes a picture, as `Image.resize` of Pillow 13 does for RGB.
///
/// # Panics
/// Where the new size has no pixel.
pub fn resize(picture: &Picture, width: usize, height: usize, filter: Filter) -> Picture {
    resize_part(picture, (width, 0..width), (height, 0..height), filter)
}

/// The columns and rows of a resized picture that are asked for, each with how many there would be. The
/// rest is never made, so that a picture a thousand times as wide as high takes no more than others.
pub(super) fn resize_part(
    picture: &Picture,
    (width, columns): (usize, Range<usize>),
    (height, rows): (usize, Range<usize>),
    filter: Filter,
) -> Picture {
    // Which pass comes first shows in the last bit of a level. Earlier versions of Pillow, which begin
    // along rows always, differ there.
    let loses_rows = picture.height > height;
    if loses_rows && picture.height + 2 * width > height + 2 * picture.width {
        across(&down(picture, height, rows, filter), width, columns, filter)
    } else {
        down(
            &across(picture, width, columns, filter),
            height,
            rows,
            filter,
        )
    }
}

/// Resizes each row.
fn across(picture: &Picture, width: usize, kept: Range<usize>, filter: Filter) -> Picture {
    if width == picture.width {
        return picture.part(kept, 0..picture.height);
    }
    let (columns, windows) = (kept.len(), windows(picture.width, width, kept, filter));
    let mut pixels = Vec::with_capacity(columns * picture.height * 3);
    for row in picture.pixels.chunks_exact(picture.width * 3) {
        for Window { first, weights } in &windows {
            let mut sums = [HALF; 3];
            for (pixel, weight) in row[first * 3..].chunks_exact(3).zip(weights) {
                for (sum, level) in sums.iter_mut().zip(pixel) {
                    *sum += i32::from(*level) * weight;
                }
            }
            pixels.extend(sums.map(level));
        }
    }
    Picture::new(columns, picture.height, pixels)
}

/// Resizes each column.
fn down(picture: &Picture, height: usize, kept: Range<usize>, filter: Filter) -> Picture {
    if height == picture.height {
        return picture.part(0..picture.width, kept);
    }
    let (row, rows) = (picture.width * 3, kept.len());
    let mut pixels = Vec::with_capacity(row * rows);
    let mut sums = vec![HALF; row];
    for Window { first, weights } in windows(picture.height, height, kept, filter) {
        sums.fill(HALF);
        let sources = picture.pixels[first * row..].chunks_exact(row);
        for (levels, weight) in sources.zip(&weights) {
            for (sum, level) in sums.iter_mut().zip(levels) {
                *sum += i32::from(*level) * weight;
            }
        }
        pixels.extend(sums.iter().map(|sum| level(*sum)));
    }
    Picture::new(picture.width, rows, pixels)
}
