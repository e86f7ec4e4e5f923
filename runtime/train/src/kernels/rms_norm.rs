//! RMSNorm: y = x · rsqrt(mean(x²) + ε) · gain, per row (Zhang & Sennrich 2019, eq. 4).

use rayon::prelude::*;

use super::buffer::buffer;
use super::columns::add_up;
use super::gemm::Write;
use super::lanes::{dot, dot3};
use super::simd::simd;

/// Rows per unit of work; the gain gradient is summed per unit, then over units in order.
const ROWS: usize = 32;

/// Normalises `x` [rows, gain.len()] into `y`; returns the reciprocal root mean square of each row.
pub(crate) fn forward(y: &mut [f32], x: &[f32], gain: &[f32], eps: f32) -> Vec<f32> {
    let width = gain.len();
    let mut scales = buffer(x.len() / width);
    y.par_chunks_mut(ROWS * width)
        .zip(x.par_chunks(ROWS * width))
        .zip(scales.par_chunks_mut(ROWS))
        .for_each(|((y, x), scales)| {
            simd(
                #[inline(always)]
                || {
                    let rows = y.chunks_exact_mut(width).zip(x.chunks_exact(width));
                    for ((y, x), scale) in rows.zip(scales) {
                        *scale = 1.0 / (dot(x, x) / width as f32 + eps).sqrt();
                        for i in 0..width {
                            y[i] = x[i] * *scale * gain[i];
                        }
                    }
                },
            );
        });
    scales
}

/// What [`forward`] leaves behind for its gradient.
pub(crate) struct Saved<'a> {
    pub(crate) x: &'a [f32],
    pub(crate) gain: &'a [f32],
    pub(crate) scales: &'a [f32],
}

/// Input gradient into `dx` (set or added) and gain gradient into `dgain` (set or added).
///
/// With s the row's scale and ŷ = dy·gain: dx = s·(ŷ − x·s²·mean(ŷ·x)), dgain = Σ dy·x·s over rows.
pub(crate) fn backward(
    (dx, write_x): (&mut [f32], Write),
    (dgain, write_gain): (&mut [f32], Write),
    dy: &[f32],
    saved: &Saved,
) {
    let width = saved.gain.len();
    let mut partial = buffer(saved.scales.len().div_ceil(ROWS) * width);
    dx.par_chunks_mut(ROWS * width)
        .zip(dy.par_chunks(ROWS * width))
        .zip(saved.x.par_chunks(ROWS * width))
        .zip(saved.scales.par_chunks(ROWS))
        .zip(partial.par_chunks_mut(width))
        .for_each(|((((dx, dy), x), scales), partial)| {
            let saved = Saved {
                x,
                scales,
                ..*saved
            };
            simd(
                #[inline(always)]
                || rows_backward(dx, write_x, partial, dy, &saved),
            );
        });
    add_up(dgain, write_gain, &partial);
}

#[inline(always)]
fn rows_backward(dx: &mut [f32], write: Write, partial: &mut [f32], dy: &[f32], saved: &Saved) {
    let gain = saved.gain;
    let width = gain.len();
    partial.fill(0.0);
    let rows = dx.chunks_exact_mut(width).zip(dy.chunks_exact(width));
    for (((dx, dy), x), &scale) in rows.zip(saved.x.chunks_exact(width)).zip(saved.scales) {
        let pull = dot3(dy, gain, x) * scale * scale / width as f32;
        for i in 0..width {
            let gradient = scale * (dy[i] * gain[i] - x[i] * pull);
            dx[i] = if write == Write::Set {
                gradient
            } else {
                dx[i] + gradient
            };
            partial[i] += dy[i] * x[i] * scale;
        }
    }
}
