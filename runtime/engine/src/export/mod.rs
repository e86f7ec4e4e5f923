//! A finished model, with its tokenizer, as a folder that Hugging Face's `transformers` loads.

mod adaptation;
mod card;
mod llava;
mod usage;
mod words;

use std::path::Path;

use vpc_data::{DataError, Tokenizer};
use vpc_store::{Manifest, NewFolder, Store, StoreError};
use vpc_train::adapted::AdaptError;
use vpc_train::huggingface::{FieldError, read_config};
use vpc_train::{CheckpointError, Model};

use crate::error::JobError;
use crate::jobs::{CONFIG, MODEL, PROJECTOR, TOKENIZER};
use crate::lineage::{Lineage, LineageError};
use card::Card;
pub use llava::export_llava;
use usage::Use;

/// Why a job cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The job is no model, or what it was made of is gone.
    #[error(transparent)]
    Lineage(LineageError),
    /// The model reads text alone.
    #[error(
        "{job} sees no pictures, so there is nothing for LLaVA's layout; export its language model with \
         `--to hf`"
    )]
    Blind {
        /// The job.
        job: String,
    },
    /// The layout has no place for the model's encoder or projector.
    #[error("{job}: {source}; adapt it so, or export its language model alone with `--to hf`")]
    Layout {
        /// The job.
        job: String,
        /// What has no place, and what would have.
        source: AdaptError,
    },
    /// The filed model cannot be read.
    #[error(transparent)]
    Filed(JobError),
    /// The filed shape is not one that this version knows.
    #[error("the filed `config.json`: {0}")]
    Config(#[from] FieldError),
    /// The filed weights cannot be read, or the new ones not be written.
    #[error(transparent)]
    Checkpoint(CheckpointError),
    /// The filed tokenizer cannot be read, or not name what stands for a picture.
    #[error(transparent)]
    Tokenizer(#[from] DataError),
    /// The store, or the new folder.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A refused write is the store's error.
impl From<CheckpointError> for ExportError {
    fn from(error: CheckpointError) -> Self {
        match error {
            CheckpointError::Write(source) => Self::Store(StoreError::of_write(source)),
            other => Self::Checkpoint(other),
        }
    }
}

/// What the store says is the store's error.
impl From<LineageError> for ExportError {
    fn from(error: LineageError) -> Self {
        match error {
            LineageError::Store(source) => Self::Store(source),
            other => Self::Lineage(other),
        }
    }
}

/// What the store says is the store's error.
impl From<JobError> for ExportError {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Store(source) => Self::Store(source),
            other => Self::Filed(other),
        }
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedModel {
    /// Names of the files, in the order of writing.
    pub files: Vec<String>,
    /// Parameters of the model.
    pub parameters: u64,
    /// Whether the model sees, and what it sees with was left out.
    pub left_sight: bool,
}

/// Writes a finished model into a new folder, whole or not at all; of one that sees, its language
/// model alone.
///
/// The weights are F32, in one file or in shards of at most `shard` bytes. The tokenizer is the one
/// that the model's text was encoded with. The card says what the store knows.
pub fn export(
    store: &Store,
    job: &Manifest,
    to: &Path,
    shard: u64,
) -> Result<ExportedModel, ExportError> {
    let lineage = Lineage::of(store, job)?;
    let folder = Exported::begin(to)?;
    let config = read_config(&store.read(job.file(CONFIG)?)?)?;
    let model = Model::load(&config, &store.read(job.file(MODEL)?)?)?;
    let json = lineage.tokenizer_json()?;
    let tokenizer = Tokenizer::from_json(&json)?;
    let end = tokenizer.end_text();
    let card = Card::of(store, job, &lineage, &config, &end)?;
    let mut folder = folder.with(&[
        (
            CONFIG,
            Model::config_json_with_end(&config, tokenizer.end()).as_bytes(),
        ),
        (
            "generation_config.json",
            words::generation(tokenizer.end()).as_bytes(),
        ),
        (
            "tokenizer_config.json",
            words::tokenizer(&end, config.context).as_bytes(),
        ),
        ("README.md", card.text(&Use::Text).as_bytes()),
        (TOKENIZER, &json),
    ])?;
    for file in model.weight_files(shard) {
        folder.names.push(file.name().to_owned());
        let write = |out: &mut dyn std::io::Write| Ok::<_, ExportError>(file.write(out)?);
        folder.folder.write(file.name(), write)?;
    }
    Ok(ExportedModel {
        left_sight: job.files.contains_key(PROJECTOR),
        ..folder.publish(config.parameters())?
    })
}

/// A folder that is being written.
struct Exported {
    folder: NewFolder,
    names: Vec<String>,
}

impl Exported {
    fn begin(to: &Path) -> Result<Self, ExportError> {
        Ok(Self {
            folder: NewFolder::begin(to)?,
            names: Vec::new(),
        })
    }

    fn with(mut self, files: &[(&str, &[u8])]) -> Result<Self, ExportError> {
        for (name, bytes) in files {
            self.names.push((*name).to_owned());
            self.folder.write(name, |out| {
                let done = out.write_all(bytes);
                done.map_err(|error| ExportError::Store(StoreError::of_write(error)))
            })?;
        }
        Ok(self)
    }

    fn publish(self, parameters: u64) -> Result<ExportedModel, ExportError> {
        self.folder.publish()?;
        Ok(ExportedModel {
            files: self.names,
            parameters,
            left_sight: false,
        })
    }
}
