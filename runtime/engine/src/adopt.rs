//! Filing what was made elsewhere as the result of a job, after a look that it can be one.

mod shape;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use vpc_compiler::plan::{Job, ModelSpec, Plan, Task, TokenizerTask};
use vpc_data::{DataError, Tokenizer};
use vpc_store::{Begun, Draft, Ended, Entry, Manifest, Store, StoreError, host};
use vpc_train::huggingface::{CONFIG, HuggingFaceError, Pretrained, read_shape};
use vpc_train::{CheckpointError, Model};

use crate::jobs::{MODEL, TOKENIZER, model_config, spec};
use crate::log::now;

/// Where an artifact comes from.
#[derive(Debug, Clone, Copy)]
pub struct Adopted<'a> {
    /// The folder it lies in.
    pub from: &'a Path,
    /// Where it comes from, in words.
    pub note: Option<&'a str>,
    /// What this program calls itself.
    pub build: &'a str,
    /// What the journal calls the study.
    pub study: &'a str,
}

/// Why something cannot be adopted.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// The kind of job cannot be adopted.
    #[error(
        "{job} is a `{kind}` job; only models (`pretrain`, checkpoints) and tokenizers can be adopted"
    )]
    Kind {
        /// The job.
        job: String,
        /// Its kind.
        kind: &'static str,
    },
    /// The file cannot be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The folder does not hold the job's model.
    #[error("the folder does not hold the job's model: {0}")]
    Model(#[from] Box<HuggingFaceError>),
    /// The weights cannot be laid out for the store.
    #[error(transparent)]
    Weights(#[from] CheckpointError),
    /// The folder's `config.json` tells of another model.
    #[error("`{}` tells of another model: `{field}` is {found} there, and {wanted} in the study", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// The field that differs.
        field: &'static str,
        /// Its value in the file.
        found: String,
        /// What the study asks for.
        wanted: String,
    },
    /// The file is no tokenizer.
    #[error("`{}` is no tokenizer: {source}", path.display())]
    Tokenizer {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<DataError>,
    },
    /// The tokenizer has another vocabulary.
    #[error("`{}` has a vocabulary of {found}, and the study asks for {wanted}", path.display())]
    Vocabulary {
        /// The file.
        path: PathBuf,
        /// Entries there.
        found: u64,
        /// Entries asked for.
        wanted: u64,
    },
    /// A record could not be written as JSON.
    #[error("the record of the job cannot be written: {0}")]
    Record(#[from] serde_json::Error),
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was filed.
#[derive(Debug)]
pub struct Filed {
    /// The job's manifest.
    pub manifest: Manifest,
    /// How many tensors were of each type of half precision, and were widened to F32.
    pub widened: BTreeMap<String, usize>,
    /// Whether a `config.json` was compared with the study.
    pub is_compared: bool,
}

/// Files the content of a folder as the result of a job.
///
/// What can be checked is: every field of `config.json`, names, shapes and types of weights, sizes
/// of vocabularies. Whether the
/// model was trained as the study says nobody can see; the record says that it was adopted.
pub fn adopt(
    plan: &Plan,
    job: &Job,
    store: &Store,
    adopted: &Adopted<'_>,
) -> Result<Filed, AdoptError> {
    let (mut widened, mut is_compared) = (BTreeMap::new(), false);
    let mut model = |model: &ModelSpec| {
        let found = read_model(model, adopted.from)?;
        (widened, is_compared) = (found.widened, found.is_compared);
        Ok::<_, AdoptError>(found.files)
    };
    let (files, metrics) = match &job.task {
        Task::Pretrain(task) => {
            let metrics = json!({
                "steps": task.steps,
                "tokens": task.tokens,
                "parameters": task.model.parameters(),
            });
            (model(&task.model)?, metrics)
        }
        Task::Checkpoint { step } => {
            let run = job.inputs_as("model").next().and_then(|run| plan.job(run));
            match run.map(|run| &run.task) {
                Some(Task::Pretrain(task)) => (model(&task.model)?, json!({ "step": step })),
                _ => return Err(kind_of(job)),
            }
        }
        Task::Tokenizer(task) => tokenizer(task, adopted.from)?,
        _ => return Err(kind_of(job)),
    };
    let mut attempt = store.attempt(job.key)?;
    for (name, bytes) in &files {
        attempt.write(name, bytes)?;
    }
    let path = std::path::absolute(adopted.from).unwrap_or_else(|_| adopted.from.to_owned());
    let inputs = job.inputs.iter();
    let draft = Draft {
        kind: job.task.kind().to_owned(),
        spec: spec(&job.task, plan.build.as_deref())?,
        inputs: inputs
            .map(|input| (input.role.to_string(), input.key))
            .collect(),
        labels: job.names(),
        metrics,
        made: json!({
            "build": adopted.build,
            "host": host(),
            "at": now(),
            "adopted": {
                "from": path.to_string_lossy(),
                "note": adopted.note,
                "widened": widened,
            },
        }),
    };
    let manifest = attempt.publish(draft)?;
    tell(job, store, adopted)?;
    Ok(Filed {
        manifest,
        widened,
        is_compared,
    })
}

fn tell(job: &Job, store: &Store, adopted: &Adopted<'_>) -> Result<(), StoreError> {
    let (study, build) = (adopted.study.to_owned(), adopted.build.to_owned());
    let mut journal = store.journal(&Begun::new("adopt", study, Vec::new(), build, now()))?;
    journal.add(&Entry::Job {
        key: job.key,
        kind: job.task.kind().to_owned(),
        labels: job.names(),
        ended: Ended::Adopted,
        took: None,
        at: now(),
    })?;
    journal.end(now())
}

fn kind_of(job: &Job) -> AdoptError {
    AdoptError::Kind {
        job: job.name().to_owned(),
        kind: job.task.kind(),
    }
}

/// Files of an artifact by name.
type Files = Vec<(&'static str, Vec<u8>)>;

/// A model in the form of the store, and how it was found.
struct Found {
    files: Files,
    widened: BTreeMap<String, usize>,
    is_compared: bool,
}

/// Reads a model of the study's shape; `config.json`, where there is one, must tell of the same.
fn read_model(model: &ModelSpec, folder: &Path) -> Result<Found, AdoptError> {
    let config = model_config(model);
    let found = read_shape(folder).map_err(Box::new)?;
    if let Some(differs) = found
        .as_ref()
        .and_then(|found| shape::differs(found, &config))
    {
        return Err(AdoptError::Config {
            path: folder.join(CONFIG),
            field: differs.field,
            found: differs.found,
            wanted: differs.wanted,
        });
    }
    let read = Pretrained::read_as(folder, &config).map_err(Box::new)?;
    let weights = read.model.encode()?;
    let config = Model::config_json(&config).into_bytes();
    Ok(Found {
        files: vec![(MODEL, weights), (CONFIG, config)],
        widened: read.widened,
        is_compared: found.is_some(),
    })
}

fn tokenizer(task: &TokenizerTask, folder: &Path) -> Result<(Files, Value), AdoptError> {
    let path = folder.join(TOKENIZER);
    let json = read(&path)?;
    let found = match Tokenizer::from_json(&json) {
        Ok(tokenizer) => tokenizer.vocabulary() as u64,
        Err(source) => {
            let source = Box::new(source);
            return Err(AdoptError::Tokenizer { path, source });
        }
    };
    let wanted = task.vocabulary();
    if found != wanted {
        return Err(AdoptError::Vocabulary {
            path,
            found,
            wanted,
        });
    }
    Ok((vec![(TOKENIZER, json)], json!({ "vocabulary": found })))
}

fn read(path: &Path) -> Result<Vec<u8>, AdoptError> {
    fs::read(path).map_err(|source| AdoptError::Read {
        path: path.to_owned(),
        source,
    })
}
