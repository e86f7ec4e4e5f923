//! The pointwise functions of plain MLPs, and their derivatives.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::lanes::exp;
use super::simd::simd;

/// Elements per unit of work.
const UNIT: usize = 1 << 12;

/// The function between the two layers of a plain MLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// x·Φ(x), Φ the normal distribution function (Hendrycks & Gimpel 2016): DINOv2, MAE, LLaVA's
    /// projector; `gelu` of `transformers`.
    Gelu,
    /// x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))), the same paper's approximation: SigLIP;
    /// `gelu_pytorch_tanh`.
    GeluTanh,
    /// x·σ(1.702·x), its coarser one: OpenAI's CLIP; `quick_gelu`.
    QuickGelu,
    /// max(x, 0); its slope at 0 is 0, as in PyTorch; `relu`.
    Relu,
    /// x·σ(x); `silu`.
    Silu,
}

impl Activation {
    /// The function of each element of `x`, into `y`.
    pub(crate) fn forward(self, y: &mut [f32], x: &[f32]) {
        match self {
            Self::Gelu => each(y, x, |_, x| x * normal(x)),
            Self::GeluTanh => each(y, x, |_, x| x * sigmoid(2.0 * tanh_argument(x))),
            Self::QuickGelu => each(y, x, |_, x| x * sigmoid(QUICK * x)),
            // What is no number stays none.
            Self::Relu => each(y, x, |_, x| if x < 0.0 { 0.0 } else { x }),
            Self::Silu => each(y, x, |_, x| x * sigmoid(x)),
        }
    }

    /// Replaces the gradient in `dy` by that of the function's argument `x`.
    pub(crate) fn backward(self, dy: &mut [f32], x: &[f32]) {
        match self {
            Self::Gelu => each(dy, x, |dy, x| {
                let x = within_flat(x);
                dy * exp(-0.5 * x * x).mul_add(x * DENSITY, normal(x))
            }),
            Self::GeluTanh => each(dy, x, |dy, x| {
                let x = within_flat(x);
                let slope = TANH * (3.0 * CUBE * x).mul_add(x, 1.0);
                dy * gate_slope(2.0 * tanh_argument(x), 2.0 * slope * x)
            }),
            Self::QuickGelu => each(dy, x, |dy, x| {
                let x = within_flat(x);
                dy * gate_slope(QUICK * x, QUICK * x)
            }),
            Self::Relu => each(dy, x, |dy, x| {
                if x > 0.0 {
                    dy
                } else if x <= 0.0 {
                    0.0
                } else {
                    x
                }
            }),
            Self::Silu => each(dy, x, |dy, x| {
                let x = within_flat(x);
                dy * gate_slope(x, x)
            }),
        }
    }
}

/// Far out all slopes are 0 or 1; powers of `x` must not overflow before they are multiplied by 0.
#[inline(always)]
fn within_flat(x: f32) -> f32 {
    x.clamp(-100.0, 100.0)
}

/// √(2/π).
const TANH: f32 = 0.797_884_6;
const CUBE: f32 = 0.044_715;
const QUICK: f32 = 1.702;
/// 1 ÷ √(2π), the normal density at 0.
const DENSITY: f32 = 0.398_942_3;

#[inline(always)]
fn tanh_argument(x: f32) -> f32 {
    TANH * (CUBE * x * x).mul_add(x, x)
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// d(x·σ(u))/dx = σ + σ·(1 − σ)·x·u′, given u and x·u′.
#[inline(always)]
fn gate_slope(u: f32, x_slope: f32) -> f32 {
    let gate = sigmoid(u);
    (gate * (1.0 - gate)).mul_add(x_slope, gate)
}

/// Φ(x), the normal distribution function, within 2·10⁻⁷, and from −8 on within 10⁻⁵ of itself, without branches.
///
/// As erfc(|x|/√2)/2 or its complement, by the Chebyshev fit of Press et al. (Numerical Recipes,
/// `erfcc`): unlike (1 + erf)/2 it keeps its digits far out on the left.
#[inline(always)]
fn normal(x: f32) -> f32 {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / 0.5_f32.mul_add(z, 1.0);
    let p = 0.170_872_77_f32;
    let p = p.mul_add(t, -0.822_152_23);
    let p = p.mul_add(t, 1.488_515_9);
    let p = p.mul_add(t, -1.135_204);
    let p = p.mul_add(t, 0.278_868_08);
    let p = p.mul_add(t, -0.186_288_06);
    let p = p.mul_add(t, 0.096_784_18);
    let p = p.mul_add(t, 0.374_091_96);
    let p = p.mul_add(t, 1.000_023_7);
    let p = p.mul_add(t, -1.265_512_2);
    let tail = 0.5 * t * exp(z.mul_add(-z, p));
    if x > 0.0 { 1.0 - tail } else { tail }
}

/// y ← f(y, x), element by element.
#[inline(always)]
fn each(y: &mut [f32], x: &[f32], f: impl Fn(f32, f32) -> f32 + Sync) {
    y.par_chunks_mut(UNIT)
        .zip(x.par_chunks(UNIT))
        .for_each(|(y, x)| {
            simd(
                #[inline(always)]
                || {
                    // The iterator's own loop would be a function by itself, of baseline instructions.
                    for (y, &x) in y.iter_mut().zip(x) {
                        *y = f(*y, x);
                    }
                },
            );
        });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference;

    const ALL: [Activation; 5] = [
        Activation::Gelu,
        Activation::GeluTanh,
        Activation::QuickGelu,
        Activation::Relu,
        Activation::Silu,
    ];

    #[test]
    fn the_normal_distribution_is_right_also_far_out() {
        for step in -80_000..=80_000 {
            let x = step as f32 * 1e-4;
            let exact = reference::normal(f64::from(x));
            let error = (f64::from(normal(x)) - exact).abs();
            assert!(
                error < 2e-7 && error < 1e-5 * exact,
                "Φ({x}) is off by {error:e} of {exact:e}"
            );
        }
    }

    #[test]
    fn values_and_slopes_are_right_over_a_wide_range() {
        let x: Vec<f32> = (-40_000..=40_000).map(|step| step as f32 * 5e-4).collect();
        for activation in ALL {
            let mut y = vec![f32::NAN; x.len()];
            activation.forward(&mut y, &x);
            let mut dy = vec![1.0; x.len()];
            activation.backward(&mut dy, &x);
            for ((&x, y), slope) in x.iter().zip(y).zip(dy) {
                let f = |x: f64| reference::activation(activation, x);
                let (x, h) = (f64::from(x), 1e-5);
                if activation == Activation::Relu && x == 0.0 {
                    assert_eq!((y, slope), (0.0, 0.0));
                    continue;
                }
                let error = (f64::from(y) - f(x)).abs();
                assert!(
                    error < 4e-7 * x.abs().max(1.0),
                    "{activation:?}({x}) is off by {error:e}"
                );
                let exact = (f(x + h) - f(x - h)) / (2.0 * h);
                let error = (f64::from(slope) - exact).abs();
                assert!(error < 2e-6, "{activation:?}′({x}) is off by {error:e}");
            }
        }
    }

    #[test]
    fn far_out_they_are_nothing_or_their_argument() {
        for activation in ALL {
            let x = [f32::NAN, 1e30, -1e30];
            let mut y = [0.0; 3];
            activation.forward(&mut y, &x);
            assert!(y[0].is_nan());
            assert_eq!(y[1].to_bits(), 1e30_f32.to_bits(), "{activation:?}");
            assert!(y[2].abs() < 1e-6, "{activation:?}: {}", y[2]);
            let mut dy = [1.0; 3];
            activation.backward(&mut dy, &x);
            assert!(dy[0].is_nan());
            assert!(
                (dy[1] - 1.0).abs() < 1e-6 && dy[2].abs() < 1e-6,
                "{activation:?}: {dy:?}"
            );
        }
    }
}
