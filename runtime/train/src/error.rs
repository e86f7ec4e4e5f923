//! What can go wrong in training.

use thiserror::Error;

use crate::{BatchError, CheckpointError, ConfigError};

/// Why a trainer could not be made or a step not be taken.
#[derive(Debug, Error)]
pub enum TrainError {
    /// The configuration cannot be built.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A checkpoint cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The batch does not fit the model.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The loss or the gradient is no longer a number; the weights were left as they were.
    #[error("training diverged at step {step}: loss {loss}, gradient norm {grad_norm}")]
    Diverged {
        /// The step that was not taken, from 0.
        step: u64,
        /// Its loss, mean nats per token.
        loss: f64,
        /// Its global gradient norm.
        grad_norm: f64,
    },
    /// dfdx could not allocate.
    #[error("out of memory in the tensor library: {0}")]
    Tensor(dfdx::tensor::CpuError),
}

impl From<dfdx::tensor::CpuError> for TrainError {
    fn from(error: dfdx::tensor::CpuError) -> Self {
        Self::Tensor(error)
    }
}
