//! What each kind of job computes.

use serde::{Deserialize, Serialize};

use super::{Fraction, Key, ModelSpec, Record};

/// A job's work, with everything that bears on its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Task {
    /// Reads or makes a category's text and splits it into training and held-out documents.
    Corpus(CorpusTask),
    /// Trains or imports a tokenizer.
    Tokenizer(TokenizerTask),
    /// Encodes a corpus with a tokenizer.
    Tokens,
    /// Trains a language model from scratch.
    Pretrain(Box<PretrainTask>),
    /// Measures a model on held-out text.
    Eval(EvalTask),
}

/// Text of one category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorpusTask {
    /// Where the text comes from.
    pub source: SourceSpec,
    /// Share of documents held out of training.
    pub held_out: Fraction,
}

/// Where text comes from. Paths are for reading; identity is the digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum SourceSpec {
    /// Plain text, cut into documents at blank lines.
    Text {
        /// The file.
        path: String,
        /// blake3 of its bytes.
        digest: Key,
    },
    /// One JSON object per line.
    Jsonl {
        /// The file.
        path: String,
        /// blake3 of its bytes.
        digest: Key,
        /// The fields that make up the text.
        fields: Vec<String>,
        /// What stands between the fields.
        join: String,
    },
    /// The synthetic world.
    World {
        /// Source style, such as `web`.
        style: String,
        /// Seed of the generator.
        seed: u64,
        /// Bytes of text, reached within one document.
        bytes: u64,
    },
}

/// How a tokenizer comes about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum TokenizerTask {
    /// Byte-level BPE trained on the training side of corpora.
    Trained {
        /// Size of the vocabulary.
        vocabulary: u64,
        /// Bytes of text to learn from.
        sample: u64,
        /// Share of the sample from each corpus, in the order of the inputs.
        shares: Vec<Fraction>,
    },
    /// A Hugging Face `tokenizer.json`.
    Imported {
        /// The file.
        path: String,
        /// blake3 of its bytes.
        digest: Key,
        /// Size of the vocabulary, checked on import.
        vocabulary: u64,
    },
}

/// A pre-training run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PretrainTask {
    /// Shape of the model.
    pub model: ModelSpec,
    /// Share of each category, in the order of the `tokens` inputs; zero shares are left out.
    pub shares: Vec<Fraction>,
    /// Tokens trained on: whole steps, at least the budget.
    pub tokens: u64,
    /// Sequences per step.
    pub batch: u64,
    /// Optimiser steps.
    pub steps: u64,
    /// Learning-rate schedule.
    pub schedule: ScheduleSpec,
    /// Peak learning rate.
    pub rate: Fraction,
    /// AdamW's decay of matrices.
    pub weight_decay: Fraction,
    /// AdamW's decay of the first moment.
    pub beta1: Fraction,
    /// AdamW's decay of the second moment.
    pub beta2: Fraction,
    /// Largest norm of the whole gradient; 0 for no clipping.
    pub clip: Fraction,
    /// Seed of all random streams of the run.
    pub seed: u64,
    /// Steps after which a checkpoint is kept. An operation: it does not bear identity.
    pub keep: Vec<u64>,
}

/// A learning-rate schedule in steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleSpec {
    /// Its shape after warm-up.
    pub shape: ScheduleShape,
    /// Steps of linear warm-up.
    pub warmup: u64,
    /// Steps of decay at the end; `wsd` only, else 0.
    pub decay: u64,
    /// Rate at the end, as a share of the peak.
    pub floor: Fraction,
}

/// The shape of a schedule after warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleShape {
    /// The peak rate throughout.
    Constant,
    /// Half a cosine down to the floor.
    Cosine,
    /// A straight line down to the floor.
    Linear,
    /// Warm-up, stable, decay.
    Wsd,
}

/// An evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "suite", rename_all = "snake_case")]
pub enum EvalTask {
    /// Loss on the held-out side of each `tokens` input.
    HeldOut {
        /// Shape of the evaluated model.
        model: ModelSpec,
    },
}

impl Task {
    /// Returns the kind's word.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Corpus(_) => "corpus",
            Self::Tokenizer(_) => "tokenizer",
            Self::Tokens => "tokens",
            Self::Pretrain(_) => "pretrain",
            Self::Eval(_) => "eval",
        }
    }

    /// Returns the kind's semantic version: it rises when the same specification comes to give
    /// other results.
    pub const fn version(&self) -> u32 {
        match self {
            Self::Corpus(_)
            | Self::Tokenizer(_)
            | Self::Tokens
            | Self::Pretrain(_)
            | Self::Eval(_) => 1,
        }
    }

    /// Returns the fields that bear identity.
    pub fn record(&self) -> Record {
        match self {
            Self::Corpus(task) => task.source.record().with("held_out", task.held_out),
            Self::Tokenizer(task) => task.record(),
            Self::Tokens => Record::default(),
            Self::Pretrain(task) => task.record(),
            Self::Eval(EvalTask::HeldOut { model: _ }) => {
                // The model's shape is part of its own key.
                Record::default().with("suite", "held_out")
            }
        }
    }
}

impl SourceSpec {
    fn record(&self) -> Record {
        let record = Record::default();
        match self {
            Self::Text { path: _, digest } => {
                record.with("from", "text").with("digest", *digest.bytes())
            }
            Self::Jsonl {
                path: _,
                digest,
                fields,
                join,
            } => {
                let fields: Vec<_> = fields.iter().map(|field| field.as_str().into()).collect();
                record
                    .with("from", "jsonl")
                    .with("digest", *digest.bytes())
                    .with("fields", fields)
                    .with("join", join.as_str())
            }
            Self::World { style, seed, bytes } => record
                .with("from", "world")
                .with("style", style.as_str())
                .with("seed", *seed)
                .with("bytes", *bytes),
        }
    }
}

impl TokenizerTask {
    fn record(&self) -> Record {
        let record = Record::default();
        match self {
            Self::Trained {
                vocabulary,
                sample,
                shares,
            } => record
                .with("from", "trained")
                .with("vocabulary", *vocabulary)
                .with("sample", *sample)
                .with("shares", list(shares)),
            Self::Imported {
                path: _,
                digest,
                vocabulary,
            } => record
                .with("from", "imported")
                .with("digest", *digest.bytes())
                .with("vocabulary", *vocabulary),
        }
    }

    /// Returns the size of the vocabulary.
    pub const fn vocabulary(&self) -> u64 {
        match self {
            Self::Trained { vocabulary, .. } | Self::Imported { vocabulary, .. } => *vocabulary,
        }
    }
}

impl PretrainTask {
    fn record(&self) -> Record {
        let shape = match self.schedule.shape {
            ScheduleShape::Constant => "constant",
            ScheduleShape::Cosine => "cosine",
            ScheduleShape::Linear => "linear",
            ScheduleShape::Wsd => "wsd",
        };
        self.model
            .record()
            .with("shares", list(&self.shares))
            .with("tokens", self.tokens)
            .with("batch", self.batch)
            .with("schedule", shape)
            .with("warmup", self.schedule.warmup)
            .with("decay", self.schedule.decay)
            .with("floor", self.schedule.floor)
            .with("rate", self.rate)
            .with("weight_decay", self.weight_decay)
            .with("beta1", self.beta1)
            .with("beta2", self.beta2)
            .with("clip", self.clip)
            .with("seed", self.seed)
    }
}

fn list(fractions: &[Fraction]) -> Vec<super::Value> {
    fractions
        .iter()
        .map(|fraction| (*fraction).into())
        .collect()
}
