//! Reading text with a trained model: scores of continuations, generation, representations.
//!
//! What is promised: the bits of a sequence's results depend on the model and on that sequence
//! alone. They are the same at any batch size, in any company, at any number of threads, and
//! whether the sequence is read at once or token by token. Every number of a token is summed in an
//! order that only its own sequence decides (`kernels::panels`, `kernels::cached_attention`).
//! [`Model::logits`](crate::Model::logits) of the training forward agrees up to rounding.

mod error;
mod generate;
mod options;
mod pass;
mod representation;
mod sampling;
mod score;
mod sequence;

pub use error::InferenceError;
pub use generate::{End, Generated, Generation, Reads, Request, generate};
pub use options::Options;
pub use representation::Pooling;
pub use sampling::Sampling;
pub use score::{Continuation, Score};
pub use sequence::{Given, Sequence};

use rayon::prelude::*;

use crate::Model;
use crate::kernels::panels::Panels;

/// A model made ready for inference.
///
/// Holds its matrices once more, in the layout that the kernels read: as much memory as the model.
#[derive(Clone, Debug)]
pub struct Inference {
    model: Model,
    blocks: Vec<Block>,
    head: Panels,
}

/// Matrices of one decoder block.
#[derive(Clone, Debug)]
struct Block {
    qkv: Panels,
    output: Panels,
    gate_up: Panels,
    down: Panels,
}

impl Inference {
    /// Lays the weights of `model` out for inference.
    pub fn new(model: &Model) -> Self {
        let config = model.config();
        let block = |layer| {
            let weights = model.block_weights(layer);
            Block {
                qkv: Panels::new(weights.qkv, config.width),
                output: Panels::new(weights.output, config.width),
                gate_up: Panels::new(weights.gate_up, config.width),
                down: Panels::new(weights.down, config.hidden),
            }
        };
        Self {
            blocks: (0..config.layers).into_par_iter().map(block).collect(),
            head: Panels::new(model.head_weights(), config.width),
            model: model.clone(),
        }
    }

    /// The model that was laid out.
    pub fn model(&self) -> &Model {
        &self.model
    }
}
