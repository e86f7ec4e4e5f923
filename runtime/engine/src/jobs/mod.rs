//! What each kind of job does.

mod adapted;
mod align;
mod answers;
mod checkpoint;
pub(crate) mod corpus;
mod course;
mod curve;
pub(crate) mod dataset;
mod encoder;
mod endpoint;
mod errand;
mod explosion;
mod features;
mod filing;
mod held_out;
mod judged;
mod mind;
mod pace;
mod pretrain;
pub(crate) mod questions;
mod record;
pub(crate) mod sheet;
mod sight;
mod stage;
mod stoppable;
mod suite;
mod tokenizer;
mod tokens;
mod training;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vpc_compiler::plan::{EvalTask, Job, Key, ModelSpec, Plan, Task};
use vpc_store::{Blob, Claim, Draft, Manifest, Store, host};
use vpc_train::ModelConfig;

pub(crate) use adapted::{Filed, PROJECTOR};
pub(crate) use answers::{Reader, beginning};
pub(crate) use endpoint::{SEED, said};
pub(crate) use features::look_at;
pub(crate) use mind::Mind;
pub(crate) use pretrain::train_config;
pub use record::answers;
pub(crate) use sight::preprocess;
pub(crate) use tokenizer::FILE as TOKENIZER;

use crate::elsewhere::Elsewhere;
use crate::error::JobError;
use crate::event::{Event, Observer, Progress};
use crate::gpus::Gpus;
use crate::log::now;
use crate::options::{Options, Stop};
use crate::steps::{Held, Steps};
use crate::support::why_not;

/// Everything a job works with.
pub(crate) struct Bench<'r> {
    pub(crate) plan: &'r Plan,
    pub(crate) store: &'r Store,
    pub(crate) options: &'r Options,
    pub(crate) stop: &'r Stop,
    pub(crate) observer: &'r dyn Observer,
    pub(crate) job: &'r Job,
    pub(crate) inputs: BTreeMap<Key, Manifest>,
    /// Steps at which jobs to do take checkpoints out of this one.
    pub(crate) wanted: BTreeSet<u64>,
    pub(crate) threads: usize,
    /// Jobs that were there under this one's names before, the latest first.
    pub(crate) earlier: Vec<Key>,
    /// Where the checkpoints of a training run are kept.
    pub(crate) steps: Steps,
    /// Steps of the run's trunk at which somebody leaves it or wants a checkpoint.
    pub(crate) points: BTreeSet<u64>,
    /// The run's trunk, as long as it is this run that computes it.
    pub(crate) trunk: Held,
    /// What filing cost a training job, in nanoseconds: the time that it waited, and the processor time of what was
    /// done beside it.
    pub(crate) filing: AtomicU64,
    /// Models elsewhere, for all jobs of the run.
    pub(crate) elsewhere: &'r Elsewhere,
    /// GPUs, for all trainings of the run.
    pub(crate) gpus: &'r Gpus,
}

/// The file of a model's weights.
pub(crate) const MODEL: &str = "model.safetensors";

/// The file of a model's shape, as others read it.
pub(crate) const CONFIG: &str = "config.json";

/// The file of what a run's optimiser remembers.
const OPTIMIZER: &str = "optimizer.safetensors";

/// The file of a run's loss curve.
const CURVE: &str = "curve.csv";

fn not_yet(task: &Task) -> JobError {
    JobError::Unsupported(why_not(task).unwrap_or_default().into_owned())
}

/// Does a job and files what it made.
pub(crate) fn perform(bench: &Bench<'_>) -> Result<Manifest, JobError> {
    match &bench.job.task {
        Task::Corpus(task) => corpus::make(bench, task),
        Task::Tokenizer(task) => tokenizer::make(bench, task),
        Task::Tokens => tokens::make(bench),
        Task::Pretrain(task) => pretrain::make(bench, task),
        Task::Eval(EvalTask::HeldOut { model }) => held_out::make(bench, model),
        Task::Eval(EvalTask::Benchmarks { groups, overall }) => {
            suite::make(bench, groups, *overall)
        }
        Task::Answers(task) => answers::make(bench, task),
        Task::Checkpoint { step } => checkpoint::make(bench, *step),
        Task::Dataset(task) => dataset::make(bench, task),
        Task::Encoder(task) => encoder::make(bench, task),
        Task::Features(task) => features::make(bench, task),
        Task::Stage(task) => stage::make(bench, task),
        Task::AlignScore(task) => align::make(bench, task),
        Task::Judged { judge } => judged::make(bench, judge),
    }
}

impl Bench<'_> {
    /// Returns what is known of an input.
    fn input(&self, key: Key) -> Result<&Manifest, JobError> {
        let manifest = self.inputs.get(&key);
        manifest.ok_or_else(|| JobError::InputGone(self.name_of(key)))
    }

    /// Returns a file of an input, verified.
    fn open(&self, key: Key, name: &str) -> Result<Blob, JobError> {
        Ok(self.store.read(self.input(key)?.file(name)?)?)
    }

    /// Returns the digest of a file of an input: what settles an order, where one must be settled.
    ///
    /// Keys will not do: an input may come to have another key and the same content.
    fn content(&self, key: Key, name: &str) -> Result<[u8; 32], JobError> {
        Ok(*self.input(key)?.file(name)?.digest.bytes())
    }

    /// Returns the name of another job of the plan.
    fn name_of(&self, key: Key) -> String {
        self.plan
            .job(key)
            .map_or_else(|| key.short(), |job| job.name().to_owned())
    }

    /// Returns the name of the category behind a `tokens` job.
    fn category_of(&self, tokens: Key) -> String {
        let name = self.name_of(tokens);
        let category = name
            .strip_prefix("tokens/")
            .and_then(|rest| rest.split('@').next());
        category.unwrap_or(&name).to_owned()
    }

    /// Says what is known of the job, for publishing.
    fn draft(&self, metrics: Value, begun: Instant) -> Result<Draft, JobError> {
        self.draft_of(metrics, begun.elapsed().as_secs_f64())
    }

    /// Says what is known of the job, and how many seconds it takes to make.
    pub(crate) fn draft_of(&self, metrics: Value, seconds: f64) -> Result<Draft, JobError> {
        Ok(Draft {
            kind: self.job.task.kind().to_owned(),
            spec: spec(&self.job.task, self.plan.build.as_deref())?,
            inputs: self
                .job
                .inputs
                .iter()
                .map(|input| (input.role.to_string(), input.key))
                .collect(),
            labels: self.job.names(),
            metrics,
            made: json!({
                "build": self.options.build,
                "seconds": seconds,
                "threads": self.threads,
                "host": host(),
                "at": now(),
                SAW: self.saw(),
            }),
        })
    }

    /// What the inputs held when the job was done, in their order; see [`content`].
    pub(crate) fn saw(&self) -> Vec<String> {
        let inputs = self.job.inputs.iter();
        let inputs = inputs.filter_map(|input| self.inputs.get(&input.key));
        inputs.map(content).collect()
    }

    /// Takes the trunk of a run that goes on from a step, where it computes part of it; false where
    /// another run has it.
    pub(crate) fn take_trunk(&self, from: u64) -> Result<bool, JobError> {
        let Some(trunk) = self.steps.on_trunk(from) else {
            self.trunk.release();
            return Ok(true);
        };
        if self.trunk.is_taken() {
            return Ok(true);
        }
        Ok(match self.store.claim(trunk.key)? {
            Claim::Taken(lock) => {
                self.trunk.take(lock);
                true
            }
            Claim::Busy => false,
        })
    }

    /// Does what files something, and counts the time.
    fn filing<T>(&self, file: impl FnOnce() -> Result<T, JobError>) -> Result<T, JobError> {
        let begun = Instant::now();
        let filed = file();
        self.count_filing(begun.elapsed());
        filed
    }

    /// Counts processor time that filing took beside a training.
    fn count_filing(&self, took: Duration) {
        let took = took.as_nanos() as u64;
        self.filing.fetch_add(took, Ordering::Relaxed);
    }

    /// Tells how much of a job is done.
    fn tell_done(&self, of: &'static str, done: usize, all: usize) {
        let progress = Progress {
            step: done as u64,
            steps: all as u64,
            of,
            tokens_per_second: None,
            steps_per_second: 0.0,
            loss: None,
        };
        self.observer.event(Event::Progress(self.job, progress));
    }

    /// Leaves a job when the run was asked to stop.
    fn check_stop(&self) -> Result<(), JobError> {
        if self.stop.asked() {
            Err(JobError::Stopped)
        } else {
            Ok(())
        }
    }
}

/// What a job computes, as its manifest says it: the task, with what else its key speaks of.
pub(crate) fn spec(task: &Task, build: Option<&str>) -> Result<Value, serde_json::Error> {
    let mut spec = serde_json::to_value(task)?;
    if let Some(fields) = spec.as_object_mut() {
        fields.insert(VERSION.to_owned(), task.version().into());
        if let Some(build) = build {
            fields.insert(BUILD.to_owned(), build.into());
        }
    }
    Ok(spec)
}

/// The field of a manifest that tells what the job's inputs held when it was done.
pub(crate) const SAW: &str = "saw";

/// The digest of all that a job made, files and findings, in hexadecimal digits.
pub(crate) fn content(manifest: &Manifest) -> String {
    let mut hash = blake3::Hasher::new();
    for (name, file) in &manifest.files {
        hash.update(&(name.len() as u64).to_le_bytes());
        hash.update(name.as_bytes());
        hash.update(file.digest.bytes());
    }
    hash.update(manifest.metrics.to_string().as_bytes());
    hash.finalize().to_hex().to_string()
}

/// The field of a manifest's specification that tells the version of the kind.
pub(crate) const VERSION: &str = "version";

/// The field that tells the build that the job's key is bound to.
pub(crate) const BUILD: &str = "build";

/// RMSNorm's guard against division by zero, as in Llama 3.
const NORM_EPS: f64 = 1e-5;

/// Returns the trainer's form of a model's shape.
pub(crate) fn model_config(model: &ModelSpec) -> ModelConfig {
    ModelConfig {
        layers: model.layers as usize,
        width: model.width as usize,
        heads: model.heads as usize,
        kv_heads: model.kv_heads as usize,
        hidden: model.hidden as usize,
        context: model.context as usize,
        vocabulary: model.vocabulary as usize,
        rope_base: model.rope_base as f64,
        norm_eps: NORM_EPS,
        tied: model.tied,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiler_and_trainer_count_the_same_parameters() {
        for (kv_heads, tied) in [(4, false), (2, true), (1, false)] {
            let model = ModelSpec {
                layers: 3,
                width: 64,
                heads: 4,
                kv_heads,
                hidden: 176,
                context: 32,
                vocabulary: 300,
                rope_base: 10_000,
                tied,
            };
            assert_eq!(model.parameters(), model_config(&model).parameters());
        }
    }
    /// The forecast counts attention whole, the trainer what its causal kernel does: half.
    #[test]
    fn forecast_and_trainer_count_the_same_but_for_masked_positions() {
        let model = ModelSpec {
            layers: 3,
            width: 64,
            heads: 4,
            kv_heads: 2,
            hidden: 176,
            context: 32,
            vocabulary: 300,
            rope_base: 10_000,
            tied: false,
        };
        let masked = vpc_cost::TRAINING_PASSES * vpc_cost::attention(&model, 32.0) / 2.0;
        let counted = model_config(&model).flops_per_token();
        assert!((vpc_cost::training(&model) - masked - counted).abs() < 0.5);
    }
}
