//! SwiGLU gate: a = silu(gate) · up (Shazeer 2020, eq. 6), on rows that hold gate and up side by side.

use rayon::prelude::*;

use super::lanes::exp;
use super::simd::simd;

/// Rows per unit of work.
const ROWS: usize = 16;

/// Writes silu(gate)·up into `a` [rows, hidden] from `gate_up` [rows, 2·hidden].
pub(crate) fn forward(a: &mut [f32], gate_up: &[f32], hidden: usize) {
    a.par_chunks_mut(ROWS * hidden)
        .zip(gate_up.par_chunks(ROWS * 2 * hidden))
        .for_each(|(a, gate_up)| {
            simd(
                #[inline(always)]
                || {
                    let rows = a
                        .chunks_exact_mut(hidden)
                        .zip(gate_up.chunks_exact(2 * hidden));
                    for (a, row) in rows {
                        let (gate, up) = row.split_at(hidden);
                        for i in 0..hidden {
                            a[i] = gate[i] / (1.0 + exp(-gate[i])) * up[i];
                        }
                    }
                },
            );
        });
}

/// Replaces `gate_up` by its gradient, given `da`.
///
/// With σ the sigmoid of the gate g: dup = da·g·σ, dg = da·up·σ·(1 + g·(1 − σ)).
pub(crate) fn backward(gate_up: &mut [f32], da: &[f32], hidden: usize) {
    gate_up
        .par_chunks_mut(ROWS * 2 * hidden)
        .zip(da.par_chunks(ROWS * hidden))
        .for_each(|(gate_up, da)| {
            simd(
                #[inline(always)]
                || {
                    let rows = gate_up
                        .chunks_exact_mut(2 * hidden)
                        .zip(da.chunks_exact(hidden));
                    for (row, da) in rows {
                        let (gate, up) = row.split_at_mut(hidden);
                        for i in 0..hidden {
                            let (g, u) = (gate[i], up[i]);
                            let sigmoid = 1.0 / (1.0 + exp(-g));
                            up[i] = da[i] * g * sigmoid;
                            gate[i] = da[i] * u * sigmoid * (1.0 + g * (1.0 - sigmoid));
                        }
                    }
                },
            );
        });
}
