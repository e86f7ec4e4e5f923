//! Folders as Hugging Face's `transformers` reads and writes them, for Llama models.
//!
//! Read: `config.json`, and `model.safetensors` or its shards with their index. Only safetensors:
//! pickles can run programs and are refused. What `config.json` asks for and this crate does not
//! have is refused by the field's name and value.

mod config;
mod error;
mod folder;
mod write;

pub(crate) use config::{Fields, NEUTRAL};
pub(crate) use folder::{LONGEST_CONFIG, holds, open, read_text};

pub use config::read_config;
pub use error::{FieldError, HuggingFaceError};
pub use folder::{Pretrained, read_shape};
pub use write::WeightFile;

/// The shape of a model.
pub const CONFIG: &str = "config.json";

/// All weights in one file.
pub const WEIGHTS: &str = "model.safetensors";

/// Which shard has which tensor.
pub const INDEX: &str = "model.safetensors.index.json";
