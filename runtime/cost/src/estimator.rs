//! What each job of a plan takes, with what must be looked up of the jobs it needs.

use vpc_compiler::plan::{
    CorpusTask, EncoderTask, EvalTask, Job, Key, KeyMap, ModelSpec, Plan, StageTask, Task,
    TokenizerTask,
};

use crate::flops::{encoder_forward, forward};
use crate::size;
use crate::work::{
    BYTES_PER_TOKEN, ITEM_TOKENS, Text, Work, answers, corpus, encoder, features, made, pretrain,
    stage,
};

/// What is known beside the plan.
#[derive(Debug, Default)]
pub struct Facts {
    /// For each job of the plan: the step from which it is to be done; none where it is not.
    pub from: Vec<Option<u64>>,
    /// Held-out tokens of finished `tokens` jobs.
    pub held_out: KeyMap<u64>,
}

/// Looks up what a job depends on.
#[derive(Debug)]
pub struct Estimator<'p> {
    encoders: KeyMap<&'p EncoderTask>,
    /// What looked at the pictures of each `features` job.
    looked: KeyMap<&'p EncoderTask>,
    corpora: KeyMap<&'p CorpusTask>,
    /// Models and text of evaluations, where there are any that need them.
    models: KeyMap<&'p ModelSpec>,
    /// Items of data sets.
    items: KeyMap<u64>,
    /// The corpus of each `tokens` job.
    encoded: KeyMap<Key>,
    facts: &'p Facts,
}

impl<'p> Estimator<'p> {
    /// Prepares for the jobs of a plan.
    pub fn new(plan: &'p Plan, facts: &'p Facts) -> Self {
        let mut all = Self {
            encoders: KeyMap::default(),
            looked: KeyMap::default(),
            corpora: KeyMap::default(),
            models: KeyMap::default(),
            items: KeyMap::default(),
            encoded: KeyMap::default(),
            facts,
        };
        let aligns = |job: &Job| matches!(job.task, Task::AlignScore(_));
        let has_aligned = plan.jobs.iter().any(aligns);
        for job in &plan.jobs {
            match &job.task {
                Task::Encoder(task) => {
                    all.encoders.insert(job.key, task);
                }
                Task::Features(_) => {
                    let encoder = job.inputs_as("encoder").next();
                    if let Some(task) = encoder.and_then(|key| all.encoders.get(key).copied()) {
                        all.looked.insert(job.key, task);
                    }
                }
                Task::Corpus(task) => {
                    all.corpora.insert(job.key, task);
                }
                Task::Dataset(task) => {
                    all.items.insert(job.key, task.items);
                }
                Task::Tokens => {
                    for corpus in job.inputs_as("corpus") {
                        all.encoded.insert(job.key, corpus);
                    }
                }
                Task::Pretrain(task) if has_aligned => {
                    all.models.insert(job.key, &task.model);
                }
                Task::Checkpoint { .. } if has_aligned => {
                    let run = job.inputs_as("model").next();
                    if let Some(model) = run.and_then(|run| all.models.get(run).copied()) {
                        all.models.insert(job.key, model);
                    }
                }
                _ => {}
            }
        }
        all
    }

    /// Returns what a job takes that begins at a step, of a training one.
    pub fn work(&self, job: &Job, from: u64) -> Work {
        match &job.task {
            Task::Corpus(task) => corpus(task),
            Task::Tokenizer(task) => self.tokenizer(job, task),
            Task::Tokens => self.tokens(job),
            Task::Pretrain(task) => pretrain(task, from),
            Task::Stage(task) => self.stage(job, task),
            Task::Answers(task) => answers(task),
            Task::Eval(EvalTask::HeldOut { model }) => self.held_out(job, model),
            Task::AlignScore(_) => self.align(job),
            Task::Encoder(task) => encoder(task),
            Task::Features(task) => features(task, self.looked.get(job.key).copied()),
            // A copy of what is there, a choice of items, a sum of scores; a judge answers elsewhere.
            Task::Checkpoint { .. }
            | Task::Dataset(_)
            | Task::Judged { .. }
            | Task::Eval(EvalTask::Benchmarks { .. }) => Work::on_one(),
        }
    }

    /// Bytes of a corpus; none where the plan does not know them.
    fn bytes(&self, corpus: Key) -> Option<f64> {
        let task = self.corpora.get(corpus)?;
        made(task).map(|bytes| bytes as f64)
    }

    fn tokenizer(&self, job: &Job, task: &TokenizerTask) -> Work {
        let sample = match task {
            TokenizerTask::Trained { sample, .. } => *sample as f64,
            TokenizerTask::Imported { .. } | TokenizerTask::Planned { .. } => 0.0,
        };
        // There may be less text than is asked for.
        let there = job.inputs_as("corpus").map(|key| self.bytes(key));
        let there: Option<f64> = there.sum();
        Work {
            text: Text {
                learned: there.map_or(sample, |there| sample.min(there)),
                ..Text::default()
            },
            ..Work::on_one()
        }
    }

    fn tokens(&self, job: &Job) -> Work {
        let bytes = job
            .inputs_as("corpus")
            .next()
            .and_then(|key| self.bytes(key));
        let bytes = bytes.unwrap_or_default();
        Work {
            text: Text {
                encoded: bytes,
                ..Text::default()
            },
            disk: bytes / BYTES_PER_TOKEN * 2.0,
            ..Work::on_one()
        }
    }

    /// Held-out tokens of a category: as counted, or by the size of its text.
    fn held_out_tokens(&self, tokens: Key) -> Option<f64> {
        if let Some(counted) = self.facts.held_out.get(tokens) {
            return Some(*counted as f64);
        }
        let corpus = *self.encoded.get(tokens)?;
        let share = self.corpora.get(corpus)?.held_out.to_f64();
        Some(self.bytes(corpus)? * share / BYTES_PER_TOKEN)
    }

    fn held_out(&self, job: &Job, model: &ModelSpec) -> Work {
        let tokens = job.inputs_as("tokens");
        let tokens: f64 = tokens.filter_map(|key| self.held_out_tokens(key)).sum();
        let per_token = forward(model, model.context as f64);
        Work {
            parameters: model.parameters(),
            flops: tokens * per_token,
            flops_per_token: per_token,
            layers: model.layers,
            memory: size::scoring(model),
            ..Work::on_one()
        }
    }

    fn stage(&self, job: &Job, task: &StageTask) -> Work {
        let looking = job.inputs_as("encoder").next();
        let looking = looking.and_then(|key| self.encoders.get(key).copied());
        let looked_up = job.inputs_as("features").next();
        let looked_up = looked_up.and_then(|key| self.looked.get(key).copied());
        stage(task, looking, looked_up)
    }

    fn align(&self, job: &Job) -> Work {
        let model = job.inputs_as("model").next();
        let model = model.and_then(|key| self.models.get(key).copied());
        let items = job.inputs_as("items").filter_map(|key| self.items.get(key));
        let items: u64 = items.sum();
        let seen = job.inputs_as("encoder");
        let seen = seen.filter_map(|key| self.encoders.get(key).copied());
        let seen: f64 = seen.map(encoder_forward).sum();
        let read = model.map_or(0.0, |model| ITEM_TOKENS * forward(model, ITEM_TOKENS));
        Work {
            parameters: model.map_or(0, ModelSpec::parameters),
            flops: items as f64 * (read + seen),
            flops_per_token: model.map_or(0.0, |model| forward(model, ITEM_TOKENS)),
            memory: model.map(size::scoring).unwrap_or_default(),
            ..Work::on_one()
        }
    }
}
