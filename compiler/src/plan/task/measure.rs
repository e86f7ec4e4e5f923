//! Evaluations, answers and the alignment score.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ItemsSpec;
use crate::plan::{Fraction, ModelSpec, Record, Value};

/// An evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "suite", rename_all = "snake_case")]
pub enum EvalTask {
    /// Loss on the held-out side of each `tokens` input.
    HeldOut {
        /// Shape of the evaluated model.
        model: Arc<ModelSpec>,
    },
    /// Scores of groups, and of all, from the answers to benchmarks.
    Benchmarks {
        /// The benchmarks of each group, as numbers of `answers` inputs.
        groups: Arc<[Vec<u64>]>,
        /// How they make one number.
        overall: Overall,
    },
}

/// How the benchmarks of a suite make one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overall {
    /// The mean over benchmarks.
    MeanOfBenchmarks,
    /// The mean over the means of groups.
    MeanOfGroups,
    /// The mean over questions.
    ByItems,
    /// There is none.
    None,
}

/// Answers of a model to the questions of a benchmark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswersTask {
    /// Shape of the model; `None` where an endpoint answers.
    pub model: Option<Arc<ModelSpec>>,
    /// The model at the endpoint that answers.
    pub endpoint: Option<String>,
    /// The questions.
    pub data: ItemsSpec,
    /// How many there are; where it is known from the data it does not bear identity.
    pub items: u64,
    /// How they are asked and scored.
    pub format: Format,
    /// Whether pictures are shown.
    pub images: bool,
    /// Whether an explanation is asked for before the answer.
    pub explain: bool,
    /// Whether options are compared as whole answers, and not by the byte.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole: bool,
    /// How short answers are scored.
    #[serde(default, skip_serializing_if = "Score::is_exact")]
    pub score: Score,
}

/// How a short answer is scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Score {
    /// Whether it equals a right one when normalised.
    #[default]
    Exact,
    /// The same, or a number within 5% of a right one.
    Relaxed,
    /// Whether a right one stands in it.
    Contained,
    /// By how many annotators gave it.
    Agreement,
}

impl Score {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks for it")]
    const fn is_exact(&self) -> bool {
        matches!(self, Self::Exact)
    }
}

/// How questions are asked and scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Options, answered by letter or text.
    Choice,
    /// Options, compared by likelihood.
    Likelihood,
    /// Yes or no.
    YesNo,
    /// A short answer.
    ShortAnswer,
    /// The perplexity of a text.
    Perplexity,
}

/// A comparison of a language model's representations with vision encoders'.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlignTask {
    /// How many nearest neighbours are compared.
    pub neighbours: u64,
    /// How the tokens of a caption become one vector.
    pub pooling: Pooling,
    /// Which layers are compared.
    pub layers: Layers,
    /// Quantile beyond which features are clamped.
    pub clamp: Fraction,
}

/// How tokens become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// Their mean.
    Mean,
    /// The last one.
    Last,
}

/// Which layers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layers {
    /// The best pair.
    Best,
    /// The last one of each.
    Last,
}

impl EvalTask {
    pub(super) fn record(&self) -> Record<'_> {
        match self {
            // The model's shape is part of its own key.
            Self::HeldOut { model: _ } => Record::default().with("suite", "held_out"),
            Self::Benchmarks { groups, overall } => {
                let members = |group: &Vec<u64>| {
                    Value::List(group.iter().map(|member| (*member).into()).collect())
                };
                let overall = match overall {
                    Overall::MeanOfBenchmarks => "mean_of_benchmarks",
                    Overall::MeanOfGroups => "mean_of_groups",
                    Overall::ByItems => "by_items",
                    Overall::None => "none",
                };
                Record::default()
                    .with("suite", "benchmarks")
                    .with("groups", groups.iter().map(members).collect::<Vec<_>>())
                    .with("overall", overall)
            }
        }
    }
}

impl AnswersTask {
    /// Returns what the questions are.
    pub(crate) fn data_record(&self) -> Record<'_> {
        let record = self.data.onto(Record::default(), "data");
        // What is planned is known by its description alone.
        if matches!(self.data, ItemsSpec::Scenes { .. }) {
            record.with("items", self.items)
        } else {
            record
        }
    }

    pub(super) fn record(&self) -> Record<'_> {
        let Self {
            model: _, // part of its own key
            endpoint,
            data: _, // below
            items: _,
            format,
            images,
            explain,
            whole,
            score,
        } = self;
        let format = match format {
            Format::Choice => "choice",
            Format::Likelihood => "likelihood",
            Format::YesNo => "yes_no",
            Format::ShortAnswer => "short_answer",
            Format::Perplexity => "perplexity",
        };
        let record = self
            .data_record()
            .with("format", format)
            .with("images", *images)
            .unless(&false, "explain", *explain);
        let record = if *whole {
            record.with("compare", "whole")
        } else {
            record
        };
        let record = match score {
            Score::Exact => record,
            Score::Relaxed => record.with("score", "relaxed"),
            Score::Contained => record.with("score", "contained"),
            Score::Agreement => record.with("score", "agreement"),
        };
        match endpoint {
            Some(endpoint) => record.with("endpoint", endpoint.as_str()),
            None => record,
        }
    }
}

impl AlignTask {
    pub(super) fn record(&self) -> Record<'_> {
        let Self {
            neighbours,
            pooling,
            layers,
            clamp,
        } = self;
        let pooling = match pooling {
            Pooling::Mean => "mean",
            Pooling::Last => "last",
        };
        let layers = match layers {
            Layers::Best => "best",
            Layers::Last => "last",
        };
        Record::default()
            .with("neighbours", *neighbours)
            .with("pooling", pooling)
            .with("layers", layers)
            .with("clamp", *clamp)
    }
}
