//! Sum of two vectors in place.

use rayon::prelude::*;

use super::simd::simd;

/// Elements per unit of work.
const UNIT: usize = 1 << 14;

/// sum ← sum + part, of equal length.
pub(crate) fn add(sum: &mut [f32], part: &[f32]) {
    sum.par_chunks_mut(UNIT)
        .zip(part.par_chunks(UNIT))
        .for_each(|(sum, part)| {
            simd(
                #[inline(always)]
                || {
                    for (sum, part) in sum.iter_mut().zip(part) {
                        *sum += part;
                    }
                },
            );
        });
}
