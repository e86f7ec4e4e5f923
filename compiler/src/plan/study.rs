//! Experiments and reports as the runtime reads results back.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::{Fraction, Hypothesis, Key, Metric, Report};

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
    /// What it may cost at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// Its claims.
    pub hypotheses: Vec<Hypothesis>,
    /// Its reports.
    pub reports: Vec<Report>,
}

/// What an experiment may cost at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Hours on one device.
    pub hours: Fraction,
    /// Where it is declared: `path:line:column`.
    pub place: String,
}

/// An axis and its values as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axis {
    /// Its name.
    pub name: String,
    /// Its values, in order.
    pub values: Vec<String>,
    /// Jobs whose `seed` it is: an axis of replication, nested within the runs it starts from.
    pub seeds: Vec<String>,
}

/// A declared job at one point of the axes it depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The job's name within the experiment.
    pub job: Arc<str>,
    /// `experiment/job[axis=value,…]`.
    pub label: Arc<str>,
    /// Axis and value, for just the axes the job depends on.
    pub point: Arc<[(Arc<str>, Arc<str>)]>,
    /// The job that computes it.
    pub key: Key,
    /// What an evaluation measures, by name.
    pub items: Vec<Item>,
}

/// One thing an evaluation measures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its name in the study, such as a category's.
    pub name: Arc<str>,
    /// What is measured of it where a report does not say.
    pub metric: Metric,
    /// Whether a judge measured the soundness and depth of explanations too.
    pub judged: bool,
    /// The jobs it is read from: the input it is measured on, or the answers it adds up.
    pub keys: SmallVec<[Key; 1]>,
}
