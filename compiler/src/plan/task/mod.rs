//! What each kind of job computes.

mod items;
mod measure;
mod sight;
mod text;
mod train;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use items::{Ask, Broken, ItemFields, ItemsSpec, PartSpec, PicturesSpec, PublishedFile, Split};
pub use measure::{AlignTask, AnswersTask, EvalTask, Format, Layers, Overall, Pooling, Score};
pub use sight::{
    Activation, Choice, DatasetFrom, DatasetTask, EncoderTask, EncoderWeights, Family,
    FeaturesTask, FileSpec, Lessons, Mlp, Modules, Projector, Sight, StageTask,
};
pub use text::{CorpusTask, SourceSpec, TokenizerTask};
pub use train::{Precision, PretrainTask, ScheduleShape, ScheduleSpec};

use super::{Fraction, Key, Operation, Record};

/// A job's work, with everything that bears on its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Task {
    /// Reads or makes a category's text and splits it into training and held-out documents.
    Corpus(Box<CorpusTask>),
    /// Trains or imports a tokenizer.
    Tokenizer(Box<TokenizerTask>),
    /// Encodes a corpus with a tokenizer.
    Tokens,
    /// Trains a language model from scratch.
    Pretrain(Box<PretrainTask>),
    /// Takes a checkpoint out of a `pretrain` run.
    Checkpoint {
        /// Optimiser steps done at the checkpoint.
        step: u64,
    },
    /// Makes or chooses items to adapt with.
    Dataset(Box<DatasetTask>),
    /// Imports or trains a vision encoder.
    Encoder(Box<EncoderTask>),
    /// Computes what a frozen encoder makes of pictures.
    Features(FeaturesTask),
    /// Runs one stage of an adaptation.
    Stage(Arc<StageTask>),
    /// Lets a model answer the questions of a benchmark, and scores the answers.
    Answers(Arc<AnswersTask>),
    /// Lets another model judge the explanations among answers.
    Judged {
        /// The model that judges, by its name at the endpoint.
        judge: String,
    },
    /// Measures a model on held-out text, or adds up the answers of a suite.
    Eval(EvalTask),
    /// Compares a language model with vision encoders.
    AlignScore(AlignTask),
}

impl Task {
    /// Returns the kind's word.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Corpus(_) => "corpus",
            Self::Tokenizer(_) => "tokenizer",
            Self::Tokens => "tokens",
            Self::Pretrain(_) => "pretrain",
            Self::Checkpoint { .. } => "checkpoint",
            Self::Dataset(_) => "dataset",
            Self::Encoder(_) => "encoder",
            Self::Features(_) => "features",
            Self::Stage(_) => "stage",
            Self::Answers(_) => "answers",
            Self::Judged { .. } => "judged",
            Self::Eval(_) => "eval",
            Self::AlignScore(_) => "align_score",
        }
    }

    /// Returns the kind's semantic version: it rises when the same specification comes to give
    /// other results.
    pub const fn version(&self) -> u32 {
        match self {
            // 2: orders are settled by the content of inputs, and what is found of them stands in
            // their order; keys have no part in either any more. Of answers 2: they are filed in
            // columns, no longer as lines.
            Self::Tokenizer(_) | Self::Pretrain(_) | Self::Eval(_) | Self::Answers(_) => 2,
            Self::Corpus(_)
            | Self::Tokens
            | Self::Checkpoint { .. }
            | Self::Dataset(_)
            | Self::Encoder(_)
            | Self::Features(_)
            | Self::Stage(_)
            | Self::Judged { .. }
            | Self::AlignScore(_) => 1,
        }
    }

    /// Returns whether two jobs do the same with their inputs, whatever share each input has.
    pub fn is_alike(&self, other: &Self) -> bool {
        let (mine, others) = (self.record(), other.record());
        let fields = |record: &Record| record.fields().filter(|field| field.0 != "shares").count();
        self.kind() == other.kind()
            && fields(&mine) == fields(&others)
            && mine
                .fields()
                .all(|(name, value)| name == "shares" || others.field(name) == Some(value))
    }

    /// Returns the shares of the inputs in their order, where the job gives them shares.
    pub fn shares(&self) -> &[Fraction] {
        match self {
            Self::Pretrain(task) => &task.shares,
            Self::Tokenizer(task) => match &**task {
                TokenizerTask::Trained { shares, .. } => shares,
                TokenizerTask::Imported { .. } | TokenizerTask::Planned { .. } => &[],
            },
            Self::Corpus(_)
            | Self::Tokens
            | Self::Checkpoint { .. }
            | Self::Dataset(_)
            | Self::Encoder(_)
            | Self::Features(_)
            | Self::Stage(_)
            | Self::Answers(_)
            | Self::Judged { .. }
            | Self::Eval(_)
            | Self::AlignScore(_) => &[],
        }
    }

    /// Returns the data files and folders that the job reads: where each lies, and the digest of its
    /// content. Paths are for people, not for keys.
    #[expect(
        clippy::disallowed_methods,
        reason = "messages name files by where they lie"
    )]
    pub fn data(&self) -> impl Iterator<Item = (&str, Key)> {
        fn of_spec(file: &FileSpec) -> Option<(&Operation<String>, Key)> {
            match file {
                FileSpec::File { path, digest } => Some((path, *digest)),
                FileSpec::Planned { .. } => None,
            }
        }
        let (file, items) = match self {
            Self::Corpus(task) => match &task.source {
                SourceSpec::Text { path, digest } | SourceSpec::Jsonl { path, digest, .. } => {
                    (Some((path, *digest)), None)
                }
                SourceSpec::World { .. } | SourceSpec::Planned { .. } => (None, None),
            },
            Self::Tokenizer(task) => match &**task {
                TokenizerTask::Imported { path, digest, .. } => (Some((path, *digest)), None),
                TokenizerTask::Trained { .. } | TokenizerTask::Planned { .. } => (None, None),
            },
            Self::Dataset(task) => match &task.from {
                DatasetFrom::Source(items) => (None, Some(items)),
                DatasetFrom::Chosen(_) | DatasetFrom::Joined => (None, None),
            },
            Self::Encoder(task) => match &task.weights {
                EncoderWeights::Files(file) => (of_spec(file), None),
                _ => (None, None),
            },
            Self::Answers(task) => (None, Some(&task.data)),
            Self::Tokens
            | Self::Pretrain(_)
            | Self::Checkpoint { .. }
            | Self::Features(_)
            | Self::Stage(_)
            | Self::Judged { .. }
            | Self::Eval(_)
            | Self::AlignScore(_) => (None, None),
        };
        let items = items.into_iter().flat_map(ItemsSpec::data);
        let all = file.into_iter().chain(items);
        all.map(|(path, digest)| (path.get().as_str(), digest))
    }

    /// Returns the fields that bear identity.
    pub fn record(&self) -> Record<'_> {
        match self {
            Self::Corpus(task) => task.record(),
            Self::Tokenizer(task) => task.record(),
            Self::Tokens => Record::default(),
            Self::Pretrain(task) => task.record(),
            Self::Checkpoint { step } => Record::default().with("step", *step),
            Self::Dataset(task) => task.record(),
            Self::Encoder(task) => task.record(),
            Self::Features(task) => task.record(),
            Self::Stage(task) => task.record(),
            Self::Answers(task) => task.record(),
            Self::Judged { judge } => Record::default().with("judge", judge.as_str()),
            Self::Eval(task) => task.record(),
            Self::AlignScore(task) => task.record(),
        }
    }
}

fn list(fractions: &[Fraction]) -> Vec<super::Value<'static>> {
    fractions
        .iter()
        .map(|fraction| (*fraction).into())
        .collect()
}
