//! The forward pass.

use std::sync::Arc;

use dfdx::tensor::{Cpu, Merge, Tape};

use super::layout::{BlockPlaces, Places};
use super::{Model, Parameters};
use crate::Batch;
use crate::ops::attention::attention;
use crate::ops::embedding::embedding;
use crate::ops::head::{Loss, cross_entropy};
use crate::ops::linear::linear_residual;
use crate::ops::matrix::Matrix;
use crate::ops::rms_norm::rms_norm;
use crate::ops::swiglu::swiglu_residual;

impl Model {
    /// Cross-entropy of a checked batch, recorded on `tape`; `count` targets share in the mean.
    pub(crate) fn loss<T: Tape<f32, Cpu> + Merge<T>>(
        &self,
        batch: &Batch,
        count: usize,
        tape: T,
    ) -> Loss<T> {
        let parameters = Parameters::new(self);
        let tokens = Arc::from(batch.inputs);
        let hidden = self.hidden(&parameters, &tokens, batch.length, tape);
        cross_entropy(hidden, self.head(&parameters), batch.targets, count)
    }

    /// Output of the last norm, [tokens, width], for checked rows of `length` tokens.
    pub(crate) fn hidden<T: Tape<f32, Cpu> + Merge<T>>(
        &self,
        parameters: &Parameters,
        tokens: &Arc<[u32]>,
        length: usize,
        tape: T,
    ) -> Matrix<T> {
        let places = Places::new(&self.config);
        let mut x = embedding(&parameters.0[Places::EMBEDDING], tokens, tape);
        for layer in 0..self.config.layers {
            x = self.block(parameters, Places::block(layer), x, length);
        }
        rms_norm(x, &parameters.0[places.norm()], self.norm_eps())
    }

    /// The output projection, [vocabulary, width]; the embedding table if tied.
    pub(crate) fn head<'a>(&self, parameters: &'a Parameters) -> &'a Matrix {
        &parameters.0[Places::new(&self.config).head()]
    }

    fn block<T: Tape<f32, Cpu> + Merge<T>>(
        &self,
        parameters: &Parameters,
        at: BlockPlaces,
        x: Matrix<T>,
        length: usize,
    ) -> Matrix<T> {
        let of = |place: usize| &parameters.0[place];
        let normed = rms_norm(x.branch(), of(at.attention_norm), self.norm_eps());
        let mixed = attention(normed, of(at.qkv), &self.rope, self.heads(), length);
        let x = linear_residual(mixed, of(at.output), x);
        let normed = rms_norm(x.branch(), of(at.mlp_norm), self.norm_eps());
        swiglu_residual(normed, of(at.gate_up), of(at.down), x)
    }

    fn norm_eps(&self) -> f32 {
        self.config.norm_eps as f32
    }
}
