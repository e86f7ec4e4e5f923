//! The forward pass.

use std::sync::Arc;

use super::layout::Places;
use super::{Model, Parameters};
use crate::Batch;
use crate::gradient::Activations;
use crate::ops::{
    Attention, Block, Linear, Loss, Mask, Matrix, Tape, attention, checkpoint, cross_entropy,
    embedding, linear, rms_norm, swiglu_residual,
};

impl Model {
    /// Cross-entropy of a checked batch, recorded on `tape`; `count` targets share in the mean.
    pub(crate) fn loss<T: Tape>(
        &self,
        batch: &Batch,
        count: usize,
        activations: Activations,
        tape: T,
    ) -> Loss<T> {
        let parameters = Parameters::new(self);
        let tokens = Arc::from(batch.inputs);
        let hidden = self.hidden(&parameters, &tokens, batch.length, activations, tape);
        cross_entropy(hidden, self.head(&parameters), batch.targets, count)
    }

    /// Output of the last norm, [tokens, width], for checked rows of `length` tokens.
    pub(crate) fn hidden<T: Tape>(
        &self,
        parameters: &Parameters,
        tokens: &Arc<[u32]>,
        length: usize,
        activations: Activations,
        tape: T,
    ) -> Matrix<T> {
        let x = embedding(parameters.table(), tokens, tape);
        self.decode(parameters, x, length, activations)
    }

    /// All blocks and the last norm: from rows [tokens, width] of vectors of text or of images to
    /// rows [tokens, width], for sequences of `length`.
    pub(crate) fn decode<T: Tape>(
        &self,
        parameters: &Parameters,
        mut x: Matrix<T>,
        length: usize,
        activations: Activations,
    ) -> Matrix<T> {
        let places = Places::new(&self.config);
        for layer in 0..self.config.layers {
            let block = self.block(parameters, layer, length);
            x = match activations {
                Activations::Kept => block.forward(x),
                Activations::Recomputed => checkpoint(x, block),
            };
        }
        rms_norm(x, &parameters.0[places.norm()], self.norm_eps())
    }

    /// The output projection, [vocabulary, width]; the embedding table if tied.
    pub(crate) fn head<'a>(&self, parameters: &'a Parameters) -> &'a Matrix {
        &parameters.0[Places::new(&self.config).head()]
    }

    fn block(&self, parameters: &Parameters, layer: usize, length: usize) -> DecoderBlock {
        let at = Places::block(layer);
        let of = |place: usize| parameters.0[place].clone();
        DecoderBlock {
            attention_norm: of(at.attention_norm),
            qkv: Linear::new(of(at.qkv), None),
            attention: Attention {
                heads: self.heads(),
                mask: Mask::Causal,
                rope: Some(Arc::clone(&self.rope)),
                length,
            },
            output: Linear::new(of(at.output), None),
            mlp_norm: of(at.mlp_norm),
            gate_up: of(at.gate_up),
            down: of(at.down),
            eps: self.norm_eps(),
        }
    }

    fn norm_eps(&self) -> f32 {
        self.config.norm_eps as f32
    }
}

/// One block of a Llama-style decoder in one pass.
struct DecoderBlock {
    attention_norm: Matrix,
    qkv: Linear,
    attention: Attention,
    output: Linear,
    mlp_norm: Matrix,
    gate_up: Matrix,
    down: Matrix,
    eps: f32,
}

impl Block for DecoderBlock {
    fn forward<T: Tape>(&self, x: Matrix<T>) -> Matrix<T> {
        let normed = rms_norm(x.branch(), &self.attention_norm, self.eps);
        let mixed = attention(normed, &self.qkv, &self.attention);
        let x = linear(mixed, &self.output, Some(x));
        let normed = rms_norm(x.branch(), &self.mlp_norm, self.eps);
        swiglu_residual(normed, &self.gate_up, &self.down, x)
    }
}
