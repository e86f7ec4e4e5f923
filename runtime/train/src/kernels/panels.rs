//! Matrix products whose every result has one order of summation, whatever else is computed with it.
//!
//! The `gemm` crate chooses kernels and blocks by shape, so a row's bits may depend on how many rows
//! there are. Here each result is summed over the inner dimension from first to last with fused
//! multiply-adds, in a lane of its own. Tiles decide only which results are computed together.
#![expect(unsafe_code, reason = "512-bit instructions on a panel, by address")]

use rayon::prelude::*;

use super::gemm::Write;
use super::simd::simd;

/// Results per panel that lie side by side: two 512-bit registers.
pub(crate) const PANEL: usize = 32;
/// Rows that are tiled and handed to a thread together; a panel stays in cache meanwhile.
const ROWS: usize = 64;

/// One panel's results for one row.
pub(crate) type Lanes = [f32; PANEL];

/// A weight matrix cut into panels of [`PANEL`] outputs: [panels, inputs, `PANEL`], the last filled
/// up with zeros.
#[derive(Clone, Debug)]
pub(crate) struct Panels {
    inputs: usize,
    outputs: usize,
    values: Vec<f32>,
}

impl Panels {
    /// Repacks `weight` [outputs, inputs].
    pub(crate) fn new(weight: &[f32], inputs: usize) -> Self {
        let outputs = weight.len() / inputs;
        let mut values = vec![0.0; outputs.div_ceil(PANEL) * inputs * PANEL];
        values
            .par_chunks_mut(inputs * PANEL)
            .zip(weight.par_chunks(PANEL * inputs))
            .for_each(|(panel, rows)| {
                for (lane, row) in rows.chunks_exact(inputs).enumerate() {
                    for (lanes, &weight) in panel.chunks_exact_mut(PANEL).zip(row) {
                        lanes[lane] = weight;
                    }
                }
            });
        Self {
            inputs,
            outputs,
            values,
        }
    }

    /// y (+)= x·Wᵀ: `x` [rows, inputs], `y` [rows, outputs].
    pub(crate) fn linear(&self, y: &mut [f32], write: Write, x: &[f32]) {
        let rows = x.len() / self.inputs;
        if rows == 0 {
            return;
        }
        // By panel first, so that each weight is read once; then brought into rows.
        let mut results = vec![[0.0; PANEL]; self.outputs.div_ceil(PANEL) * rows];
        results
            .par_chunks_mut(rows)
            .zip(self.values.par_chunks_exact(self.inputs * PANEL))
            .for_each(|(results, panel)| {
                results
                    .par_chunks_mut(ROWS)
                    .zip(x.par_chunks(ROWS * self.inputs))
                    .for_each(|(results, x)| tiles(results, x, self.inputs, panel));
            });
        y.par_chunks_exact_mut(self.outputs)
            .enumerate()
            .for_each(|(row, y)| {
                for (panel, y) in y.chunks_mut(PANEL).enumerate() {
                    let lanes = &results[panel * rows + row];
                    for (y, lane) in y.iter_mut().zip(lanes) {
                        *y = if write == Write::Add {
                            *y + lane
                        } else {
                            *lane
                        };
                    }
                }
            });
    }
}

/// Results of one panel [inputs, `PANEL`] for `results.len()` rows of `x`, each `step` apart and
/// as long as the panel.
pub(crate) fn tiles(results: &mut [Lanes], x: &[f32], step: usize, panel: &[f32]) {
    let (mut results, mut x) = (results, x);
    while !results.is_empty() {
        let rows = match results.len() {
            12.. => tile::<12>(results, x, step, panel),
            8.. => tile::<8>(results, x, step, panel),
            4.. => tile::<4>(results, x, step, panel),
            2.. => tile::<2>(results, x, step, panel),
            _ => tile::<1>(results, x, step, panel),
        };
        results = &mut results[rows..];
        x = &x[(rows * step).min(x.len())..];
    }
}

/// The first `R` rows; returns how many those are.
///
/// Each size is compiled on its own: together, the compiler keeps some of their sums in memory, or
/// does them one by one, at a tenth of the speed.
fn tile<const R: usize>(results: &mut [Lanes], x: &[f32], step: usize, panel: &[f32]) -> usize {
    let inputs = panel.len() / PANEL;
    let rows: [&[f32]; R] = std::array::from_fn(|row| &x[row * step..][..inputs]);
    #[cfg(target_arch = "x86_64")]
    if super::simd::has_avx512() {
        // SAFETY: every feature the function is compiled for was detected just above.
        results[..R].copy_from_slice(&unsafe { sums_avx512(rows, panel) });
        return R;
    }
    let sums = simd(
        #[inline(always)]
        || sums(rows, panel),
    );
    results[..R].copy_from_slice(&sums);
    R
}

/// The same bits as [`sums`]. Written out, since the compiler reads the panel anew for each row.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn sums_avx512<const R: usize>(rows: [&[f32]; R], panel: &[f32]) -> [Lanes; R] {
    use std::arch::x86_64::{
        _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
    };
    const HALF: usize = PANEL / 2;
    let steps = panel.as_chunks::<PANEL>().0;
    assert!(rows.iter().all(|row| row.len() == steps.len()));
    let mut sums = [[_mm512_setzero_ps(); 2]; R];
    for (input, weights) in steps.iter().enumerate() {
        let at = weights.as_ptr();
        // SAFETY: `at` is the address of `PANEL` numbers.
        let weights = unsafe { [_mm512_loadu_ps(at), _mm512_loadu_ps(at.add(HALF))] };
        for (sums, row) in sums.iter_mut().zip(rows) {
            // SAFETY: every row has as many numbers as there are steps, which was asserted.
            let value = _mm512_set1_ps(unsafe { *row.get_unchecked(input) });
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = _mm512_fmadd_ps(value, weights, *sum);
            }
        }
    }
    let mut lanes = [[0.0; PANEL]; R];
    for (lanes, sums) in lanes.iter_mut().zip(sums) {
        let at = lanes.as_mut_ptr();
        // SAFETY: `at` is the address of `PANEL` numbers.
        unsafe {
            _mm512_storeu_ps(at, sums[0]);
            _mm512_storeu_ps(at.add(HALF), sums[1]);
        }
    }
    lanes
}

#[inline(always)]
fn sums<const R: usize>(rows: [&[f32]; R], panel: &[f32]) -> [Lanes; R] {
    let mut sums = [[0.0_f32; PANEL]; R];
    for (input, weights) in panel.chunks_exact(PANEL).enumerate() {
        for (sums, row) in sums.iter_mut().zip(rows) {
            let value = row[input];
            for lane in 0..PANEL {
                sums[lane] = value.mul_add(weights[lane], sums[lane]);
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn every_result_is_summed_in_one_order() {
        for (rows, inputs, outputs) in [(1, 1, 1), (3, 7, 5), (16, 33, 64), (131, 48, 97)] {
            let x = Stream::new(1, "test", "x").normals(rows * inputs, 1.0);
            let weight = Stream::new(1, "test", "w").normals(outputs * inputs, 1.0);
            let mut y = vec![1.0; rows * outputs];
            Panels::new(&weight, inputs).linear(&mut y, Write::Add, &x);
            for (row, y) in y.chunks(outputs).enumerate() {
                for (output, y) in y.iter().enumerate() {
                    let pairs = x[row * inputs..][..inputs]
                        .iter()
                        .zip(&weight[output * inputs..]);
                    let sum = pairs.fold(0.0_f32, |sum, (x, w)| x.mul_add(*w, sum));
                    assert_eq!(y.to_bits(), (1.0 + sum).to_bits());
                }
            }
        }
    }
}
