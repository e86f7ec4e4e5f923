//! Why a folder is not read.

use std::path::PathBuf;

use thiserror::Error;

use crate::{CheckpointError, ConfigError};

/// Why a Hugging Face folder could not be read.
#[derive(Debug, Error)]
pub enum HuggingFaceError {
    /// A file cannot be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file is a link, a pipe, a device or a folder.
    #[error(
        "`{}` is {what}; only plain files are read: copy the folder with what its links mean, \
         `cp -rL`", path.display()
    )]
    NotPlain {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// A text file is longer than any such file is.
    #[error("`{}` has {bytes} bytes; no more than {most} are read of it", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The largest size.
        most: u64,
    },
    /// The shape of the model is not one that is built here.
    #[error("`{}`: {source}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<FieldError>,
    },
    /// There are no weights.
    #[error("there is neither `model.safetensors` nor `model.safetensors.index.json` in `{}`", path.display())]
    NoWeights {
        /// The folder.
        path: PathBuf,
    },
    /// The weights are a pickle.
    #[error(
        "`{}` is a pickle, which can run any program when it is read, so it is not; where you \
         trust it, write it anew as safetensors with transformers: \
         `AutoModelForCausalLM.from_pretrained(OLD).save_pretrained(NEW)`", path.display()
    )]
    Pickle {
        /// The file.
        path: PathBuf,
    },
    /// The index of shards cannot be followed.
    #[error("`{}`: {problem}", path.display())]
    Index {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The files are too small for the model that `config.json` tells of.
    #[error(
        "the weights in `{}` have {bytes} bytes, too few for the {parameters} parameters of its \
         `config.json`", path.display()
    )]
    TooSmall {
        /// The folder.
        path: PathBuf,
        /// Bytes of all weights.
        bytes: u64,
        /// Parameters of the model.
        parameters: u64,
    },
    /// The weights are not those of the model.
    #[error("`{}`: {source}", path.display())]
    Weights {
        /// The file, or the folder where several disagree.
        path: PathBuf,
        /// What is wrong.
        source: Box<CheckpointError>,
    },
}

/// Why a `config.json` is not one of a model that is built here.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum FieldError {
    /// It is no JSON object.
    #[error("it is no JSON object: {0}")]
    Json(String),
    /// A field is given twice.
    #[error("`{0}` is there twice")]
    Twice(String),
    /// A field without which there is no model.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A field has a value of another type, or out of range.
    #[error("`{name}` is {value}; it must be {wanted}")]
    Value {
        /// The field.
        name: String,
        /// Its value, as JSON.
        value: String,
        /// What can be read.
        wanted: String,
    },
    /// A field that bears on the model in a way that is not known here.
    #[error(
        "`{name}` is {value}; what it does to the model is not known here. If it does nothing, \
         take it out"
    )]
    Unknown {
        /// The field.
        name: String,
        /// Its value, as JSON.
        value: String,
    },
    /// The fields make no model.
    #[error(transparent)]
    Shape(#[from] ConfigError),
}
