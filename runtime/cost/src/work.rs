//! What one job takes, whatever it runs on.

use vpc_compiler::plan::{
    AnswersTask, CorpusTask, EncoderTask, EvalTask, Format, Job, Key, KeyMap, ModelSpec, Plan,
    PretrainTask, SourceSpec, StageTask, Task, TokenizerTask,
};

use crate::flops::{
    TRAINING_PASSES, attention, encoder_forward, encoder_weights, forward, multiplied,
    projector_weights, training,
};
use crate::size::{self, KEPT, Memory};

/// ASSUMED: tokens of text in an item to adapt with or in a question, where no plan says it. Items of
/// LLaVA's instructions are of this order.
pub const ITEM_TOKENS: f64 = 256.0;

/// ASSUMED: tokens of a generated answer: MLE-Bench's and most harnesses' limit for short answers.
pub const ANSWER_TOKENS: f64 = 16.0;

/// ASSUMED: tokens of an answer that explains itself.
pub const EXPLANATION_TOKENS: f64 = 256.0;

/// ASSUMED: options that are compared by likelihood, each read with its question.
pub const OPTIONS: f64 = 4.0;

/// ASSUMED: answers generated side by side, which read the weights once for all of them.
pub const DECODED_TOGETHER: f64 = 32.0;

/// ASSUMED: a token is so many bytes of text, where no text was counted.
pub const BYTES_PER_TOKEN: f64 = 3.5;

/// Fewest tokens of a step for each device: below that, devices wait for each other. llm-foundry's
/// rows on 128 devices have 6 to 18 sequences of 2,048 each, at most three points of utilisation
/// below those on 8.
const TOKENS_PER_DEVICE: u64 = 8_192;

/// What the work of a job is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Work {
    /// Parameters that are trained or scored with.
    pub parameters: u64,
    /// Model FLOPs, attention included, of all that is to do.
    pub flops: f64,
    /// The same of one token, with its backward pass where there is one: what the speed of the CPU
    /// trainer depends on.
    pub flops_per_token: f64,
    /// Steps to do that wait for each other; 0 where there are none.
    pub steps: u64,
    /// Layers that a step goes through.
    pub layers: u64,
    /// Bytes of weights read to generate answers.
    pub decoded: f64,
    /// Text that is made or encoded, in bytes.
    pub text: Text,
    /// What it holds in memory.
    pub memory: Memory,
    /// Bytes that stay in the store.
    pub disk: f64,
    /// Most devices that it can use.
    pub widest: u64,
}

/// Text that is worked on, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Text {
    /// Made or read.
    pub made: f64,
    /// Learned from by a tokenizer.
    pub learned: f64,
    /// Encoded as tokens.
    pub encoded: f64,
}

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
            Task::Tokenizer(task) => tokenizer(task),
            Task::Tokens => self.tokens(job),
            Task::Pretrain(task) => pretrain(task, from),
            Task::Stage(task) => self.stage(job, task),
            Task::Answers(task) => answers(task),
            Task::Eval(EvalTask::HeldOut { model }) => self.held_out(job, model),
            Task::AlignScore(_) => self.align(job),
            Task::Encoder(task) => Work {
                parameters: encoder_weights(task) as u64,
                disk: encoder_weights(task) * size::F32,
                ..Work::on_one()
            },
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
        let encoder = job.inputs_as("encoder").next();
        let encoder = encoder.and_then(|key| self.encoders.get(key).copied());
        stage(task, encoder)
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

impl Work {
    fn on_one() -> Self {
        Self {
            widest: 1,
            ..Self::default()
        }
    }

    /// Whether models compute in it, so that it takes time of devices.
    pub fn is_on_devices(&self) -> bool {
        self.flops > 0.0
    }

    /// Divides a training at a number of its steps: what comes before, with a checkpoint at its end,
    /// and the rest.
    pub(crate) fn split(&self, before: u64) -> (Self, Self) {
        let share = before as f64 / self.steps.max(1) as f64;
        let first = Self {
            steps: before,
            flops: self.flops * share,
            disk: self.parameters as f64 * KEPT,
            ..*self
        };
        let rest = Self {
            steps: self.steps - before,
            flops: self.flops - first.flops,
            ..*self
        };
        (first, rest)
    }
}

/// Bytes of text of a category, where the plan tells them.
fn made(task: &CorpusTask) -> Option<u64> {
    match &task.source {
        SourceSpec::World { bytes, .. } => Some(*bytes),
        SourceSpec::Text { .. } | SourceSpec::Jsonl { .. } | SourceSpec::Planned { .. } => None,
    }
}

fn corpus(task: &CorpusTask) -> Work {
    let bytes = made(task).unwrap_or_default() as f64;
    Work {
        text: Text {
            made: bytes,
            ..Text::default()
        },
        disk: bytes,
        ..Work::on_one()
    }
}

fn tokenizer(task: &TokenizerTask) -> Work {
    let sample = match task {
        TokenizerTask::Trained { sample, .. } => *sample,
        TokenizerTask::Imported { .. } | TokenizerTask::Planned { .. } => 0,
    };
    Work {
        text: Text {
            learned: sample as f64,
            ..Text::default()
        },
        ..Work::on_one()
    }
}

fn pretrain(task: &PretrainTask, from: u64) -> Work {
    let model = &task.model;
    let steps = task.steps.saturating_sub(from);
    let per_step = task.batch.saturating_mul(model.context);
    let kept = task
        .keep
        .get()
        .iter()
        .filter(|step| **step < task.steps)
        .count();
    Work {
        parameters: model.parameters(),
        flops: steps as f64 * per_step as f64 * training(model),
        flops_per_token: training(model),
        steps,
        layers: model.layers,
        memory: size::training(model, task.batch),
        disk: model.parameters() as f64 * KEPT * (kept + 1) as f64,
        widest: (per_step / TOKENS_PER_DEVICE).clamp(1, task.batch.max(1)),
        ..Work::default()
    }
}

/// A stage: an item is its text and, where it is seen, its picture's tokens, at most the context.
///
/// Frozen parts have no gradients of weights: the encoder runs forwards alone unless it is trained,
/// and a frozen language model still hands the gradient back to the projector: 2 passes instead of 3
/// for its weights. Attention has none, so that it always counts 3.
fn stage(task: &StageTask, encoder: Option<&EncoderTask>) -> Work {
    let model = &task.model;
    let seen = task.sight.as_ref();
    let visual = seen.map_or(0.0, |sight| sight.visual_tokens as f64);
    let tokens = (ITEM_TOKENS + visual).min(model.context as f64);
    let passes = |is_trained: bool| if is_trained { TRAINING_PASSES } else { 2.0 };
    let weights = 2.0 * multiplied(model) * passes(task.train.model);
    let read = tokens * (weights + TRAINING_PASSES * attention(model, tokens));
    let eyes = encoder.filter(|_| seen.is_some());
    let looked = eyes.map_or(0.0, encoder_forward);
    let looked = looked
        * if task.train.encoder {
            TRAINING_PASSES
        } else {
            1.0
        };
    let projector = seen.zip(eyes).map_or(0.0, |(sight, encoder)| {
        let inner = sight.projector.width.unwrap_or(model.width) as f64;
        let layers = sight.projector.layers;
        projector_weights(encoder.width as f64, inner, model.width as f64, layers)
    });
    let projected = visual * 2.0 * projector * passes(task.train.projector);
    let parts = [
        (model.parameters() as f64, task.train.model),
        (projector, task.train.projector),
        (eyes.map_or(0.0, encoder_weights), task.train.encoder),
    ];
    let sum = |trained: bool| -> f64 {
        let chosen = parts.iter().filter(|part| part.1 == trained);
        chosen.map(|part| part.0).sum()
    };
    let per_item = read + looked + projected;
    let per_step = (task.batch as f64 * tokens) as u64;
    Work {
        parameters: (sum(true) + sum(false)) as u64,
        flops: task.items as f64 * per_item,
        flops_per_token: per_item / tokens.max(1.0),
        steps: task.steps,
        layers: model.layers,
        memory: size::adapting(model, sum(true), sum(false), tokens),
        disk: sum(true) * KEPT,
        widest: (per_step / TOKENS_PER_DEVICE).clamp(1, task.batch.max(1)),
        ..Work::default()
    }
}

/// Answers: every question is read once, or once with each option; an answer is generated token by
/// token, which reads all weights for every token.
fn answers(task: &AnswersTask) -> Work {
    let Some(model) = task.model.as_deref() else {
        return Work::on_one();
    };
    let items = task.items as f64;
    let question = match task.format {
        Format::Perplexity => model.context as f64,
        Format::Likelihood => OPTIONS * ITEM_TOKENS,
        Format::Choice | Format::YesNo | Format::ShortAnswer => ITEM_TOKENS,
    };
    let generated = match task.format {
        Format::Perplexity | Format::Likelihood => 0.0,
        _ if task.explain => EXPLANATION_TOKENS,
        _ => ANSWER_TOKENS,
    };
    let visual = if task.images { VISUAL_TOKENS } else { 0.0 };
    let tokens = question + visual + generated;
    let per_token = forward(model, tokens.min(model.context as f64));
    let weights = model.parameters() as f64 * 2.0;
    Work {
        parameters: model.parameters(),
        flops: items * tokens * per_token,
        flops_per_token: per_token,
        layers: model.layers,
        decoded: items * generated * weights / DECODED_TOGETHER,
        memory: size::scoring(model),
        ..Work::on_one()
    }
}

/// ASSUMED: tokens of a picture in a question, those of the standard library's adaptations: the plan
/// of an answer does not say how its model sees.
const VISUAL_TOKENS: f64 = 576.0;
