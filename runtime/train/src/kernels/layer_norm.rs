//! LayerNorm: y = (x − mean) · rsqrt(variance + ε) · gain + bias, per row (Ba et al. 2016, eq. 3).

use rayon::prelude::*;

use super::buffer::buffer;
use super::columns::add_up;
use super::gemm::Write;
use super::lanes::{dot, dot3, sum};
use super::simd::simd;

/// Rows per unit of work; weight gradients are summed per unit, then over units in order.
const ROWS: usize = 32;

/// Mean and reciprocal standard deviation of a row.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moments {
    mean: f32,
    scale: f32,
}

/// Normalises `x` [rows, gain.len()] into `y`; returns what was measured of each row.
///
/// The variance is that of the centred values, in a second pass: exact where the mean is large.
pub(crate) fn forward(
    y: &mut [f32],
    x: &[f32],
    (gain, bias): (&[f32], &[f32]),
    eps: f32,
) -> Vec<Moments> {
    let width = gain.len();
    let mut moments = vec![Moments::default(); x.len() / width];
    y.par_chunks_mut(ROWS * width)
        .zip(x.par_chunks(ROWS * width))
        .zip(moments.par_chunks_mut(ROWS))
        .for_each(|((y, x), moments)| {
            simd(
                #[inline(always)]
                || {
                    let rows = y.chunks_exact_mut(width).zip(x.chunks_exact(width));
                    for ((y, x), moments) in rows.zip(moments) {
                        let mean = sum(x) / width as f32;
                        for i in 0..width {
                            y[i] = x[i] - mean;
                        }
                        let scale = 1.0 / (dot(y, y) / width as f32 + eps).sqrt();
                        for i in 0..width {
                            y[i] = (y[i] * scale).mul_add(gain[i], bias[i]);
                        }
                        *moments = Moments { mean, scale };
                    }
                },
            );
        });
    moments
}

/// What [`forward`] leaves behind for its gradient.
pub(crate) struct Saved<'a> {
    pub(crate) x: &'a [f32],
    pub(crate) gain: &'a [f32],
    pub(crate) moments: &'a [Moments],
}

/// Input gradient into `dx`, gain and bias gradients into `dgain` and `dbias`, each set or added.
///
/// With s the row's scale, x̂ = (x − mean)·s and ŷ = dy·gain: dx = s·(ŷ − mean(ŷ) − x̂·mean(ŷ·x̂)),
/// dgain = Σ dy·x̂ and dbias = Σ dy over rows.
pub(crate) fn backward(
    (dx, write_x): (&mut [f32], Write),
    (dgain, write_gain): (&mut [f32], Write),
    (dbias, write_bias): (&mut [f32], Write),
    dy: &[f32],
    saved: &Saved,
) {
    let width = saved.gain.len();
    let units = saved.moments.len().div_ceil(ROWS);
    let (mut gains, mut biases) = (buffer(units * width), buffer(units * width));
    dx.par_chunks_mut(ROWS * width)
        .zip(dy.par_chunks(ROWS * width))
        .zip(saved.x.par_chunks(ROWS * width))
        .zip(saved.moments.par_chunks(ROWS))
        .zip(gains.par_chunks_mut(width))
        .zip(biases.par_chunks_mut(width))
        .for_each_init(
            || buffer(width),
            |normal, (((((dx, dy), x), moments), gains), biases)| {
                let saved = Saved {
                    x,
                    moments,
                    ..*saved
                };
                simd(
                    #[inline(always)]
                    || rows_backward((dx, write_x), (gains, biases), dy, &saved, normal),
                );
            },
        );
    add_up(dgain, write_gain, &gains);
    add_up(dbias, write_bias, &biases);
}

/// The gradient of one unit of rows; `normal` is a work row.
#[inline(always)]
fn rows_backward(
    (dx, write): (&mut [f32], Write),
    (gains, biases): (&mut [f32], &mut [f32]),
    dy: &[f32],
    saved: &Saved,
    normal: &mut [f32],
) {
    let gain = saved.gain;
    let width = gain.len();
    gains.fill(0.0);
    biases.fill(0.0);
    let rows = dx.chunks_exact_mut(width).zip(dy.chunks_exact(width));
    for (((dx, dy), x), moments) in rows.zip(saved.x.chunks_exact(width)).zip(saved.moments) {
        let Moments { mean, scale } = *moments;
        for i in 0..width {
            normal[i] = (x[i] - mean) * scale;
        }
        let shift = dot(dy, gain) / width as f32;
        let pull = dot3(dy, gain, normal) / width as f32;
        for i in 0..width {
            let gradient = scale * (dy[i] * gain[i] - shift - normal[i] * pull);
            dx[i] = if write == Write::Set {
                gradient
            } else {
                dx[i] + gradient
            };
            gains[i] += dy[i] * normal[i];
            biases[i] += dy[i];
        }
    }
}
