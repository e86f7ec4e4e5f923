//! One fused AdamW update (Loshchilov & Hutter 2019, algorithm 2).

use rayon::prelude::*;

use super::simd::simd;

/// Elements per unit of work.
const UNIT: usize = 1 << 14;

/// The numbers of one update, with bias corrections folded in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Update {
    /// Factor on the gradient (clipping).
    pub(crate) gradient: f32,
    pub(crate) beta1: f32,
    pub(crate) beta2: f32,
    /// Learning rate ÷ (1 − β₁ᵗ).
    pub(crate) step: f32,
    /// 1 − learning rate · weight decay, or 1 where decay does not apply.
    pub(crate) keep: f32,
    /// 1 ÷ √(1 − β₂ᵗ).
    pub(crate) root: f32,
    pub(crate) eps: f32,
}

/// w ← keep·w − step·m ÷ (root·√v + ε), after m and v have taken in the scaled gradient.
pub(crate) fn apply(
    update: Update,
    weights: &mut [f32],
    gradient: &[f32],
    (first, second): (&mut [f32], &mut [f32]),
) {
    weights
        .par_chunks_mut(UNIT)
        .zip(gradient.par_chunks(UNIT))
        .zip(first.par_chunks_mut(UNIT).zip(second.par_chunks_mut(UNIT)))
        .for_each(|((weights, gradient), (first, second))| {
            simd(
                #[inline(always)]
                || unit(update, weights, gradient, first, second),
            );
        });
}

#[inline(always)]
fn unit(u: Update, weights: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
    let moments = first.iter_mut().zip(second);
    for ((weight, &gradient), (m, v)) in weights.iter_mut().zip(gradient).zip(moments) {
        let gradient = gradient * u.gradient;
        *m = m.mul_add(u.beta1, gradient * (1.0 - u.beta1));
        *v = v.mul_add(u.beta2, gradient * gradient * (1.0 - u.beta2));
        *weight = *weight * u.keep - u.step * *m / (v.sqrt() * u.root + u.eps);
    }
}
