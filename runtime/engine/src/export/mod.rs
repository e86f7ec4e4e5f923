//! A finished model, with its tokenizer, as a folder that Hugging Face's `transformers` loads.

mod card;
mod words;

use std::path::Path;

use vpc_compiler::plan::Key;
use vpc_data::{DataError, Tokenizer};
use vpc_store::{Manifest, NewFolder, Store, StoreError};
use vpc_train::huggingface::{FieldError, read_config};
use vpc_train::{CheckpointError, Model};

use crate::jobs::{CONFIG, MODEL, TOKENIZER};
use card::Card;

/// Why a job cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The kind of job makes no model.
    #[error("{job} is a `{kind}` job; only models (`pretrain`, checkpoints) can be exported")]
    Kind {
        /// The job.
        job: String,
        /// Its kind.
        kind: String,
    },
    /// What the model was made of is gone.
    #[error("the store no longer has {what} of {job}; run the study again to make it")]
    Gone {
        /// The job.
        job: String,
        /// What is missing.
        what: &'static str,
    },
    /// The filed shape is not one that this version knows.
    #[error("the filed `config.json`: {0}")]
    Config(#[from] FieldError),
    /// The filed weights cannot be read, or the new ones not be written.
    #[error(transparent)]
    Checkpoint(CheckpointError),
    /// The filed tokenizer cannot be read.
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

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedModel {
    /// Names of the files, in the order of writing.
    pub files: Vec<String>,
    /// Parameters of the model.
    pub parameters: u64,
}

/// Writes a finished model into a new folder, whole or not at all.
///
/// The weights are F32, in one file or in shards of at most `shard` bytes. The tokenizer is the one
/// that the model's text was encoded with. The card says what the store knows.
pub fn export(
    store: &Store,
    job: &Manifest,
    to: &Path,
    shard: u64,
) -> Result<ExportedModel, ExportError> {
    let run = run_of(store, job)?;
    let folder = NewFolder::begin(to)?;
    let config = read_config(&store.read(job.file(CONFIG)?)?)?;
    let model = Model::load(&config, &store.read(job.file(MODEL)?)?)?;
    let json = tokenizer_json(store, &run)?;
    let tokenizer = Tokenizer::from_json(&json)?;
    let end = tokenizer.end_text();
    let card = Card::of(store, job, &run, &config, &end)?;
    let texts = [
        (
            CONFIG,
            Model::config_json_with_end(&config, tokenizer.end()),
        ),
        ("generation_config.json", words::generation(tokenizer.end())),
        (
            "tokenizer_config.json",
            words::tokenizer(&end, config.context),
        ),
        ("README.md", card.text()),
    ];
    let mut files = Vec::new();
    let mut write = |name: &str, bytes: &[u8]| {
        files.push(name.to_owned());
        folder.write(name, |out| {
            let done = out.write_all(bytes);
            done.map_err(|error| ExportError::Store(StoreError::of_write(error)))
        })
    };
    for (name, text) in texts {
        write(name, text.as_bytes())?;
    }
    write(TOKENIZER, &json)?;
    for file in model.weight_files(shard) {
        files.push(file.name().to_owned());
        folder.write(file.name(), |out| Ok::<_, ExportError>(file.write(out)?))?;
    }
    folder.publish()?;
    Ok(ExportedModel {
        files,
        parameters: config.parameters(),
    })
}

/// The training run that a model is of: itself, or what a checkpoint was taken out of.
fn run_of(store: &Store, job: &Manifest) -> Result<Manifest, ExportError> {
    match &*job.kind {
        "pretrain" => Ok(job.clone()),
        "checkpoint" => {
            let run = inputs(job, "model").next();
            known(store, run, job, "the training run")
        }
        kind => Err(ExportError::Kind {
            job: name(job).to_owned(),
            kind: kind.to_owned(),
        }),
    }
}

/// The tokenizer of the text that a run reads.
fn tokenizer_json(store: &Store, run: &Manifest) -> Result<Vec<u8>, ExportError> {
    const WHAT: &str = "the tokenizer";
    let tokens = known(store, inputs(run, "tokens").next(), run, WHAT)?;
    let tokenizer = inputs(&tokens, "tokenizer").next();
    let found = tokenizer.map(|key| store.find(key)).transpose()?.flatten();
    let found = found.ok_or_else(|| gone(run, WHAT))?;
    Ok(store.read(found.file(TOKENIZER)?)?.to_vec())
}

/// What is known of an input, finished or evicted.
fn known(
    store: &Store,
    key: Option<Key>,
    job: &Manifest,
    what: &'static str,
) -> Result<Manifest, ExportError> {
    let found = key.map(|key| store.look_back(key)).transpose()?.flatten();
    found.ok_or_else(|| gone(job, what))
}

fn gone(job: &Manifest, what: &'static str) -> ExportError {
    let job = name(job).to_owned();
    ExportError::Gone { job, what }
}

fn inputs<'m>(job: &'m Manifest, role: &'m str) -> impl Iterator<Item = Key> + 'm {
    let inputs = job.inputs.iter().filter(move |(of, _)| of == role);
    inputs.map(|(_, key)| *key)
}

/// The first of a job's names.
fn name(job: &Manifest) -> &str {
    job.labels.first().map_or("", String::as_str)
}
