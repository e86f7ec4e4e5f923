//! Filing what was made elsewhere as the result of a job, after a look that it can be one.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use vpc_compiler::plan::{Job, ModelSpec, Plan, Task, TokenizerTask};
use vpc_data::{DataError, Tokenizer};
use vpc_store::{Begun, Draft, Ended, Entry, Manifest, Store, StoreError, host};
use vpc_train::{CheckpointError, Model};

use crate::jobs::{CONFIG, MODEL, TOKENIZER, model_config, spec};
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
    /// The weights are not those of the job's model.
    #[error("`{}` does not hold the weights of the job's model: {source}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<CheckpointError>,
    },
    /// The folder's `config.json` tells of another model.
    #[error("`{}` tells of another model: `{field}` is {found} there, and {wanted} in the study", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// The field that differs.
        field: String,
        /// Its value in the file.
        found: Box<Value>,
        /// What the study asks for.
        wanted: Box<Value>,
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

/// Files the content of a folder as the result of a job.
///
/// What can be checked is: names, shapes and types of weights, sizes of vocabularies. Whether the
/// model was trained as the study says nobody can see; the record says that it was adopted.
pub fn adopt(
    plan: &Plan,
    job: &Job,
    store: &Store,
    adopted: &Adopted<'_>,
) -> Result<Manifest, AdoptError> {
    let (files, metrics) = match &job.task {
        Task::Pretrain(task) => {
            let metrics = json!({
                "steps": task.steps,
                "tokens": task.tokens,
                "parameters": task.model.parameters(),
            });
            (model(&task.model, adopted.from)?, metrics)
        }
        Task::Checkpoint { step } => {
            let run = job.inputs_as("model").next().and_then(|run| plan.job(run));
            match run.map(|run| &run.task) {
                Some(Task::Pretrain(task)) => {
                    (model(&task.model, adopted.from)?, json!({ "step": step }))
                }
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
            "adopted": { "from": path.to_string_lossy(), "note": adopted.note },
        }),
    };
    let manifest = attempt.publish(draft)?;
    tell(job, store, adopted)?;
    Ok(manifest)
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

fn model(model: &ModelSpec, folder: &Path) -> Result<Files, AdoptError> {
    let path = folder.join(MODEL);
    let weights = read(&path)?;
    let config = model_config(model);
    Model::load(&config, &weights).map_err(|source| AdoptError::Weights {
        path,
        source: Box::new(source),
    })?;
    let wanted = Model::config_json(&config);
    agree(&folder.join(CONFIG), &wanted)?;
    Ok(vec![(MODEL, weights), (CONFIG, wanted.into_bytes())])
}

/// Compares a `config.json`, where there is one, in the fields that shapes do not tell.
fn agree(path: &Path, wanted: &str) -> Result<(), AdoptError> {
    if !path.exists() {
        return Ok(());
    }
    let found: Value = serde_json::from_slice(&read(path)?)?;
    let wanted: Value = serde_json::from_str(wanted)?;
    let fields = [
        "num_attention_heads",
        "num_key_value_heads",
        "rope_theta",
        "rms_norm_eps",
        "tie_word_embeddings",
        "hidden_act",
    ];
    for field in fields {
        if let (Some(there), Some(ours)) = (found.get(field), wanted.get(field))
            && there
                .as_f64()
                .is_none_or(|there| Some(there) != ours.as_f64())
            && there != ours
        {
            return Err(AdoptError::Config {
                path: path.to_owned(),
                field: field.to_owned(),
                found: Box::new(there.clone()),
                wanted: Box::new(ours.clone()),
            });
        }
    }
    Ok(())
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
