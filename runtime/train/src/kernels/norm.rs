//! Sum of squares in double precision, in one fixed order.

use rayon::prelude::*;

use super::simd::simd;

/// Elements per unit of work.
const UNIT: usize = 1 << 14;
const LANES: usize = 16;

/// Σ vᵢ², accumulated in f64: lanes within a unit, then units in order.
pub(crate) fn sum_of_squares(values: &[f32]) -> f64 {
    let units: Vec<f64> = values
        .par_chunks(UNIT)
        .map(|unit| {
            simd(
                #[inline(always)]
                || unit_squares(unit),
            )
        })
        .collect();
    units.iter().sum()
}

#[inline(always)]
fn unit_squares(values: &[f32]) -> f64 {
    let mut lanes = [0.0f64; LANES];
    let blocks = values.chunks_exact(LANES);
    let rest = blocks.remainder();
    for block in blocks {
        for i in 0..LANES {
            let value = f64::from(block[i]);
            lanes[i] = value.mul_add(value, lanes[i]);
        }
    }
    let rest: f64 = rest.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
    lanes.iter().sum::<f64>() + rest
}
