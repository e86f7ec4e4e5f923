//! Experiments and reports as the runtime reads results back.

use serde::{Deserialize, Serialize};

use super::Key;

/// One experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Experiment {
    /// Its name.
    pub name: String,
    /// Its documentation string.
    pub doc: String,
    /// Its axes in the order declared.
    pub axes: Vec<Axis>,
    /// Each declared job at each point of its axes.
    pub runs: Vec<Run>,
    /// Its reports.
    pub reports: Vec<Report>,
}

/// An axis and its values as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axis {
    /// Its name.
    pub name: String,
    /// Its values, in order.
    pub values: Vec<String>,
}

/// A declared job at one point of the axes it depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The job's name within the experiment.
    pub job: String,
    /// `experiment/job[axis=value,…]`.
    pub label: String,
    /// Axis and value, for just the axes the job depends on.
    pub point: Vec<(String, String)>,
    /// The job that computes it.
    pub key: Key,
    /// What an evaluation measures, by name.
    pub items: Vec<Item>,
}

/// One thing an evaluation measures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its name in the study, such as a category's.
    pub name: String,
    /// The input it is measured on.
    pub key: Key,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Its name.
    pub name: String,
    /// Its documentation string.
    pub doc: String,
    /// Its tables.
    pub tables: Vec<Table>,
}

/// A table of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its documentation string.
    pub doc: String,
    /// The measures shown.
    pub cells: Vec<Cell>,
    /// Axes down the side.
    pub rows: Vec<String>,
    /// Axes across the top.
    pub columns: Vec<String>,
}

/// One measure: a metric of an item of an evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// The evaluation's name.
    pub job: String,
    /// The item; `None` means the mean over all items.
    pub item: Option<String>,
    /// The metric.
    pub metric: Metric,
}

/// What is measured of held-out text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Bits needed per byte of text; lower is better.
    BitsPerByte,
    /// Exponential of the mean loss per token; lower is better.
    Perplexity,
}

impl Metric {
    /// Returns the metric's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::BitsPerByte => "bits_per_byte",
            Self::Perplexity => "perplexity",
        }
    }

    /// Returns the metric with a word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::BitsPerByte, Self::Perplexity]
            .into_iter()
            .find(|metric| metric.word() == word)
    }
}

impl Cell {
    /// Returns the measure as written in a study.
    pub fn name(&self) -> String {
        let item = self.item.as_deref().unwrap_or("mean");
        match self.metric {
            Metric::BitsPerByte => format!("{}.{item}", self.job),
            Metric::Perplexity => format!("{}.{item}.{}", self.job, self.metric.word()),
        }
    }
}
