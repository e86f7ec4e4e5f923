//! Reading and writing parameters and moments as safetensors.

mod read;
mod shard;
mod write;

use safetensors::{Dtype, SafeTensorError};
use thiserror::Error;

pub(crate) use read::{Precision, Reader};
pub(crate) use shard::{Shard, repeated};
pub(crate) use write::{Entry, Numbers, encode, encode_parts};

use crate::ConfigError;

/// Why a checkpoint could not be read or written.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// The model asked for cannot be built.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The file is not well-formed safetensors.
    #[error("not a valid safetensors file: {0}")]
    Format(#[from] SafeTensorError),
    /// Two tensors have one name.
    #[error("tensor `{0}` is there twice")]
    Twice(String),
    /// A parameter is not in the file.
    #[error("tensor `{0}` is missing")]
    Missing(String),
    /// The file holds a tensor that the model has no place for.
    #[error("tensor `{0}` is not part of this model")]
    Unknown(String),
    /// A tensor is of another size than the model's.
    #[error("tensor `{name}` has shape {found:?}; this model needs {expected:?}")]
    Shape {
        /// Name of the tensor.
        name: String,
        /// Shape in the file.
        found: Vec<usize>,
        /// Shape in the model.
        expected: Vec<usize>,
    },
    /// A tensor is of another number type.
    #[error("tensor `{name}` holds {found:?}; only {read} is read")]
    Type {
        /// Name of the tensor.
        name: String,
        /// Type in the file.
        found: Dtype,
        /// What can be read.
        read: &'static str,
    },
    /// The numbers are those of another model.
    #[error("the numbers do not fit this model: other matrices, or of other sizes")]
    OtherShape,
    /// The optimiser's file does not say how many steps were done.
    #[error("the optimiser's file has no valid `step` in its metadata: {0}")]
    Step(String),
    /// The file could not be read.
    #[error("it cannot be read: {0}")]
    Read(std::io::Error),
    /// The file could not be written.
    #[error("the checkpoint could not be written")]
    Write(#[from] std::io::Error),
}
