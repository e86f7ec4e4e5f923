//! What a study compares, and what differs between the arms.

use serde::{Deserialize, Serialize};

use super::{Experiment, Plan};

/// One axis along which a hypothesis or a part of a report compares runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// The experiments whose runs are compared.
    pub experiments: Vec<String>,
    /// What compares them, such as `hypothesis rises` or `table summary.scores`.
    pub by: String,
    /// The axis whose values are the arms.
    pub axis: String,
    /// What is meant to differ: a trait of the schema; `None` where nothing does.
    pub factor: Option<String>,
    /// What differs besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub besides: Vec<Besides>,
}

/// Something that differs between arms besides what is meant to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Besides {
    /// A trait of the schema, such as `rate`.
    pub what: String,
    /// Whether the study accepts it.
    pub accepted: bool,
    /// What it is, in words, with the arms that have it.
    pub values: Vec<(String, Vec<String>)>,
}

impl Plan {
    /// Returns the comparisons of experiments that are whole in a part of the plan.
    pub(super) fn comparisons_of(&self, part: &[Experiment]) -> Vec<Comparison> {
        let whole = |name: &String| {
            let runs = |all: &[Experiment]| {
                let found = all.iter().find(|one| one.name == *name);
                found.map_or(0, |one| one.runs.len())
            };
            runs(part) == runs(&self.experiments)
        };
        let kept = self.comparisons.iter();
        kept.filter(|one| one.experiments.iter().all(whole))
            .cloned()
            .collect()
    }
}
