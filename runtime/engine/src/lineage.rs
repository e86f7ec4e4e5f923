//! What a finished model came from: its training run, its stages, its tokenizer, its encoder.

use std::mem;

use vpc_compiler::plan::Key;
use vpc_data::DataError;
use vpc_store::{Manifest, Store, StoreError};
use vpc_train::vision::{Encoder, VisionError};

use crate::jobs::{CONFIG, MODEL, TOKENIZER};

/// Why it is not known what a job came from.
#[derive(Debug, thiserror::Error)]
pub enum LineageError {
    /// The kind of job makes no model.
    #[error(
        "{job} is a `{kind}` job; only models (`pretrain` jobs, their checkpoints, and stages of `adapt` \
         jobs) can be exported or asked"
    )]
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
    /// The filed encoder cannot be read.
    #[error(transparent)]
    Encoder(#[from] VisionError),
    /// The filed tokenizer cannot be read.
    #[error(transparent)]
    Tokenizer(#[from] DataError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The jobs that made a model.
pub(crate) struct Lineage<'s> {
    store: &'s Store,
    run: Manifest,
    /// A checkpoint and stages after it, the latest first.
    later: Vec<Manifest>,
}

impl<'s> Lineage<'s> {
    /// Looks back from a job that made a model to its training run.
    pub(crate) fn of(store: &'s Store, job: &Manifest) -> Result<Self, LineageError> {
        let mut later = Vec::new();
        let mut run = job.clone();
        while run.kind != "pretrain" {
            if !matches!(run.kind.as_str(), "checkpoint" | "stage") {
                return Err(LineageError::Kind {
                    job: name(&run).to_owned(),
                    kind: run.kind,
                });
            }
            let before = known(store, inputs(&run, "model").next(), &run, "the model")?;
            later.push(mem::replace(&mut run, before));
        }
        Ok(Self { store, run, later })
    }

    /// The training run.
    pub(crate) fn run(&self) -> &Manifest {
        &self.run
    }

    /// The stages of its adaptation, in their order.
    pub(crate) fn stages(&self) -> impl Iterator<Item = &Manifest> {
        let jobs = self.later.iter().rev();
        jobs.filter(|job| job.kind == "stage")
    }

    /// The `tokenizer.json` of the text that the model reads: a stage has it as its own input, which is all
    /// there is where the run was adopted and its text never made.
    pub(crate) fn tokenizer_json(&self) -> Result<Vec<u8>, LineageError> {
        const WHAT: &str = "the tokenizer";
        let run = &self.run;
        let mut stages = self.later.iter();
        let own = stages.find_map(|job| inputs(job, "tokenizer").next());
        let key = match own {
            Some(key) => Some(key),
            None => {
                let tokens = known(self.store, inputs(run, "tokens").next(), run, WHAT)?;
                inputs(&tokens, "tokenizer").next()
            }
        };
        let found = finished(self.store, key, run, WHAT)?;
        Ok(self.store.read(found.file(TOKENIZER)?)?.to_vec())
    }

    /// The encoder that the model looks through: that of its latest stage with pictures.
    pub(crate) fn encoder(&self) -> Result<Encoder, LineageError> {
        const WHAT: &str = "the encoder";
        let looked = self
            .later
            .iter()
            .find_map(|job| Some((job, inputs(job, "features").next()?)));
        let Some((job, features)) = looked else {
            return Err(gone(self.later.first().unwrap_or(&self.run), WHAT));
        };
        let features = known(self.store, Some(features), job, WHAT)?;
        let key = inputs(&features, "encoder").next();
        let found = finished(self.store, key, job, WHAT)?;
        let open = |name| self.store.read(found.file(name)?);
        Ok(Encoder::load(&open(CONFIG)?, &open(MODEL)?)?)
    }
}

/// What is known of an input, finished or evicted.
fn known(
    store: &Store,
    key: Option<Key>,
    job: &Manifest,
    what: &'static str,
) -> Result<Manifest, LineageError> {
    let found = key.map(|key| store.look_back(key)).transpose()?.flatten();
    found.ok_or_else(|| gone(job, what))
}

/// An input whose files are there.
fn finished(
    store: &Store,
    key: Option<Key>,
    job: &Manifest,
    what: &'static str,
) -> Result<Manifest, LineageError> {
    let found = key.map(|key| store.find(key)).transpose()?.flatten();
    found.ok_or_else(|| gone(job, what))
}

fn gone(job: &Manifest, what: &'static str) -> LineageError {
    let job = name(job).to_owned();
    LineageError::Gone { job, what }
}

/// The inputs of a job that play a part in it.
pub(crate) fn inputs<'m>(job: &'m Manifest, role: &'m str) -> impl Iterator<Item = Key> + 'm {
    let inputs = job.inputs.iter().filter(move |(of, _)| of == role);
    inputs.map(|(_, key)| *key)
}

/// The first of a job's names.
pub(crate) fn name(job: &Manifest) -> &str {
    job.labels.first().map_or("", String::as_str)
}
