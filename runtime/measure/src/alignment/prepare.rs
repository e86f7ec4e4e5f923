//! Vectors made ready for comparison: outliers cut off, then all of length 1.

use rayon::prelude::*;

use super::AlignmentError;

/// Lengths below this count as this, as in `torch.nn.functional.normalize`.
const SHORTEST: f64 = 1e-12;

/// Cuts off the outliers of a model's vectors and gives each the length 1, in place.
///
/// `layers` is `[layers][n·width]`. Numbers are clamped to ±q, where q is the magnitude of rank
/// ⌊quantile · count⌋ from 0, in rising order, among all numbers of all layers; a quantile of 1
/// leaves them as they are. A vector of zeros stays one. Fails, with nothing changed, where the
/// quantile is outside [0, 1], a number is not finite, or a layer holds no whole vectors.
pub fn prepare(layers: &mut [Vec<f32>], width: usize, quantile: f64) -> Result<(), AlignmentError> {
    if !(0.0..=1.0).contains(&quantile) {
        return Err(AlignmentError::Quantile { quantile });
    }
    for (layer, numbers) in layers.iter().enumerate() {
        check(layer, numbers, width)?;
    }
    let count: usize = layers.iter().map(Vec::len).sum();
    let rank = (quantile * count as f64) as usize;
    let most = (rank < count).then(|| magnitude(layers, rank));
    for numbers in layers {
        numbers.par_chunks_mut(width).for_each(|vector| {
            if let Some(most) = most {
                for x in &mut *vector {
                    *x = x.clamp(-most, most);
                }
            }
            normalise(vector);
        });
    }
    Ok(())
}

/// Fails where these are not at least one whole vector of finite numbers.
pub(super) fn check(layer: usize, numbers: &[f32], width: usize) -> Result<(), AlignmentError> {
    if numbers.is_empty() || !numbers.len().is_multiple_of(width) {
        let numbers = numbers.len();
        return Err(AlignmentError::Shape { numbers, width });
    }
    match numbers.iter().position(|x| !x.is_finite()) {
        Some(at) => Err(AlignmentError::NotFinite { layer, at }),
        None => Ok(()),
    }
}

/// Divides by the Euclidean length.
fn normalise(vector: &mut [f32]) {
    let squares: f64 = vector.iter().map(|&x| f64::from(x).powi(2)).sum();
    let length = squares.sqrt().max(SHORTEST);
    for x in vector {
        *x = (f64::from(*x) / length) as f32;
    }
}

/// The magnitude of `rank`, from 0 in rising order; `rank` is below the count of numbers.
///
/// Bits of numbers from 0 on rise as the numbers do: the upper half is found by counting, then the
/// lower half among those that have it, and no number is copied or moved.
fn magnitude(layers: &[Vec<f32>], rank: usize) -> f32 {
    let bits = || layers.iter().flatten().map(|x| x.abs().to_bits());
    let (upper, rank) = ranked(bits().map(|bits| bits >> 16), rank);
    let having = bits().filter(|bits| bits >> 16 == upper);
    let (lower, _) = ranked(having.map(|bits| bits & 0xFFFF), rank);
    f32::from_bits(upper << 16 | lower)
}

/// The number of `rank` among numbers below 2^16, and its rank among its equals.
fn ranked(numbers: impl Iterator<Item = u32>, mut rank: usize) -> (u32, usize) {
    let mut counts = vec![0; 1 << 16];
    for number in numbers {
        counts[number as usize] += 1;
    }
    let mut number = 0;
    for (own, count) in (0..).zip(counts) {
        number = own;
        if rank < count {
            break;
        }
        rank -= count;
    }
    (number, rank)
}
