//! Decoder models on dfdx's tape with fused operations: training, checkpoints, evaluation.
//!
//! A [`Trainer`] takes one step per [`Batch`]; a [`Model`] scores text. Both give the same bits at any
//! number of threads, alone or beside others, interrupted or not. [`Inference`] scores continuations
//! and generates, in the same bits at any batch size as well. Checkpoints are safetensors under the
//! names `transformers` uses for Llama; [`huggingface`] reads and writes its folders.
//!
//! [`vision`] has the encoders of images, [`adapted`] the decoders that read them among text.
//!
//! Layers, from the bottom: `kernels` (plain slices), `ops` (kernels on the tape), `model` (the
//! network and its parameters), then [`Trainer`]. [`Inference`] stands on kernels and weights alone.

pub mod adapted;
mod batch;
mod checkpoint;
mod config;
mod course;
mod error;
mod evaluation;
mod gradient;
pub mod huggingface;
mod inference;
mod kernels;
mod memory;
mod model;
pub mod ops;
mod optimizer;
mod random;
#[cfg(test)]
mod reference;
mod schedule;
mod state;
mod threads;
mod trainer;
pub mod vision;
mod weights;

pub use batch::{Batch, BatchError};
pub use checkpoint::CheckpointError;
pub use config::{ConfigError, ModelConfig, TrainConfig};
pub use course::Course;
pub use error::TrainError;
pub use gradient::Activations;
pub use inference::{
    Continuation, End, Generated, Generation, Given, Inference, InferenceError, Options, Pooling,
    Reads, Request, Sampling, Score, Sequence, generate,
};
pub use memory::keep_freed_memory;
pub use model::Model;
pub use optimizer::Optimizer;
pub use schedule::Schedule;
pub use state::{MatrixPlaces, MatrixShape, MatrixState, State, matrices};
pub use threads::{ThreadsError, with_threads};
pub use trainer::{StepReport, Trainer};
