//! AdamW's settings and its state.

use serde::{Deserialize, Serialize};

use crate::ConfigError;
use crate::config::within;
use crate::kernels::adamw::{Update, apply};

/// AdamW with decoupled weight decay (Loshchilov & Hutter 2019); decay spares norm gains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Optimizer {
    /// Peak learning rate.
    pub rate: f64,
    /// Decay of the first moment per step.
    pub beta1: f64,
    /// Decay of the second moment per step.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Share of each matrix weight removed per step, times the learning rate.
    pub weight_decay: f64,
    /// Largest global gradient norm; longer gradients are scaled down to it. 0 turns it off.
    pub clip: f64,
}

impl Optimizer {
    /// Checks that every setting is in its range.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let share = |value: f64| (0.0..1.0).contains(&value);
        within(
            "rate",
            self.rate,
            self.rate >= 0.0,
            "a finite number, at least 0",
        )?;
        within(
            "beta1",
            self.beta1,
            share(self.beta1),
            "at least 0 and below 1",
        )?;
        within(
            "beta2",
            self.beta2,
            share(self.beta2),
            "at least 0 and below 1",
        )?;
        within("eps", self.eps, self.eps > 0.0, "a finite number above 0")?;
        let decay = self.weight_decay;
        within(
            "weight_decay",
            decay,
            decay >= 0.0,
            "a finite number, at least 0",
        )?;
        within(
            "clip",
            self.clip,
            self.clip >= 0.0,
            "a finite number, at least 0 (0 is off)",
        )
    }

    /// Factor on gradients of global norm `norm`: min(1, clip ÷ (norm + 10⁻⁶)), as in PyTorch.
    pub(crate) fn clip_factor(&self, norm: f64) -> f64 {
        if self.clip == 0.0 {
            1.0
        } else {
            (self.clip / (norm + 1e-6)).min(1.0)
        }
    }

    /// The numbers of update `step` (from 0) at learning rate `rate`, for matrices that decay:
    /// `[β₁, β₂, rate ÷ (1 − β₁ᵗ), 1 − rate·decay, 1 ÷ √(1 − β₂ᵗ), ε]` with t = step + 1.
    ///
    /// With the clipped gradient g, an update is m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g²,
    /// w ← keep·w − step·m ÷ (root·√v + ε). A matrix that does not decay keeps all of w.
    pub fn numbers(&self, step: u64, rate: f64) -> [f32; 6] {
        let update = self.update(step, rate, 1.0);
        [
            update.beta1,
            update.beta2,
            update.step,
            update.keep,
            update.root,
            update.eps,
        ]
    }

    /// The numbers of update `step` (from 0) at learning rate `rate`, for matrices.
    pub(crate) fn update(&self, step: u64, rate: f64, clip_factor: f64) -> Update {
        let time = (step + 1) as f64;
        Update {
            gradient: clip_factor as f32,
            beta1: self.beta1 as f32,
            beta2: self.beta2 as f32,
            step: (rate / (1.0 - self.beta1.powf(time))) as f32,
            keep: (1.0 - rate * self.weight_decay) as f32,
            root: (1.0 / (1.0 - self.beta2.powf(time)).sqrt()) as f32,
            eps: self.eps as f32,
        }
    }
}

/// First and second moments of one parameter.
#[derive(Clone, Debug)]
pub(crate) struct Moments {
    pub(crate) first: Vec<f32>,
    pub(crate) second: Vec<f32>,
}

impl Moments {
    /// Moments before the first step.
    pub(crate) fn zero(len: usize) -> Self {
        Self {
            first: vec![0.0; len],
            second: vec![0.0; len],
        }
    }

    /// Takes in `gradient` and moves `weights`; `decays` says whether weight decay applies.
    pub(crate) fn step(
        &mut self,
        update: Update,
        decays: bool,
        weights: &mut [f32],
        gradient: &[f32],
    ) {
        let update = Update {
            keep: if decays { update.keep } else { 1.0 },
            ..update
        };
        apply(
            update,
            weights,
            gradient,
            (&mut self.first, &mut self.second),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Algorithm 2 of the paper, in f64, one weight.
    fn plain(o: &Optimizer, rate: f64, decays: bool, gradients: &[f64], mut weight: f64) -> f64 {
        let (mut m, mut v) = (0.0, 0.0);
        for (i, gradient) in gradients.iter().enumerate() {
            let time = i as f64 + 1.0;
            m = o.beta1 * m + (1.0 - o.beta1) * gradient;
            v = o.beta2 * v + (1.0 - o.beta2) * gradient * gradient;
            let (m_hat, v_hat) = (
                m / (1.0 - o.beta1.powf(time)),
                v / (1.0 - o.beta2.powf(time)),
            );
            let decay = if decays {
                rate * o.weight_decay * weight
            } else {
                0.0
            };
            weight -= decay + rate * m_hat / (v_hat.sqrt() + o.eps);
        }
        weight
    }

    #[test]
    fn matches_the_plain_algorithm() {
        let optimizer = Optimizer {
            rate: 1e-2,
            beta1: 0.9,
            beta2: 0.95,
            eps: 1e-8,
            weight_decay: 0.1,
            clip: 0.0,
        };
        let gradients = [0.3, -0.2, 1e-4, 0.0, 5.0, -0.7, 0.1];
        for decays in [true, false] {
            let mut moments = Moments::zero(37);
            let mut weights = vec![0.5; 37];
            for (step, gradient) in gradients.iter().enumerate() {
                let update = optimizer.update(step as u64, optimizer.rate, 1.0);
                moments.step(update, decays, &mut weights, &[*gradient as f32; 37]);
            }
            let exact = plain(&optimizer, optimizer.rate, decays, &gradients, 0.5);
            for weight in weights {
                assert!(
                    (f64::from(weight) - exact).abs() < 1e-6,
                    "{weight} is not {exact}"
                );
            }
        }
    }

    #[test]
    fn clipping_scales_only_long_gradients() {
        let clip = |clip, norm| {
            let optimizer = Optimizer {
                rate: 1.0,
                beta1: 0.9,
                beta2: 0.9,
                eps: 1.0,
                weight_decay: 0.0,
                clip,
            };
            optimizer.clip_factor(norm)
        };
        assert!((clip(1.0, 4.0) - 0.25).abs() < 1e-6);
        assert!((clip(1.0, 0.5) - 1.0).abs() < f64::EPSILON);
        assert!((clip(0.0, 1e9) - 1.0).abs() < f64::EPSILON);
    }
}
