//! Suites: from scores of benchmarks to groups and to one number, and rankings by several criteria.

mod ranking;

pub use ranking::{Criterion, Formula, RankingError, combined, ranks};

/// How a suite's overall score comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overall {
    /// The mean over all benchmarks.
    MeanOfBenchmarks,
    /// The mean of the groups' scores, every group alike.
    MeanOfGroups,
    /// The mean over all items: benchmarks weighted by their counts.
    ByCount,
}

/// A benchmark's score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// The score, in any unit that all share.
    pub value: f64,
    /// Over how many items; read by [`Overall::ByCount`] alone.
    pub count: u64,
}

/// The scores of a suite.
#[derive(Debug, Clone, PartialEq)]
pub struct Filled {
    /// Each group's score, in the given order: the mean of its benchmarks.
    pub groups: Vec<f64>,
    /// The overall score.
    pub overall: f64,
}

/// A suite that has no score.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SuiteError {
    /// Nothing to average.
    #[error("the suite has no groups; name at least one")]
    NoGroups,
    /// A group without scores.
    #[error("group {group} has no scores; give it at least one benchmark")]
    EmptyGroup {
        /// Its place, from 0.
        group: usize,
    },
    /// No items at all, where items are what is averaged over.
    #[error("no benchmark has an item; a mean by count needs at least one")]
    NoItems,
}

/// Adds up a suite, given the scores of each group's benchmarks.
pub fn fill(groups: &[Vec<Score>], overall: Overall) -> Result<Filled, SuiteError> {
    if groups.is_empty() {
        return Err(SuiteError::NoGroups);
    }
    if let Some(group) = groups.iter().position(Vec::is_empty) {
        return Err(SuiteError::EmptyGroup { group });
    }
    let values = |group: &Vec<Score>| mean(group.iter().map(|score| (score.value, 1.0)));
    let group_scores: Vec<f64> = groups.iter().map(values).collect();
    let all = || groups.iter().flatten();
    let overall = match overall {
        Overall::MeanOfBenchmarks => mean(all().map(|score| (score.value, 1.0))),
        Overall::MeanOfGroups => mean(group_scores.iter().map(|&value| (value, 1.0))),
        Overall::ByCount if all().all(|score| score.count == 0) => return Err(SuiteError::NoItems),
        Overall::ByCount => mean(all().map(|score| (score.value, score.count as f64))),
    };
    Ok(Filled {
        groups: group_scores,
        overall,
    })
}

/// The mean of values with their weights.
fn mean(weighted: impl Iterator<Item = (f64, f64)>) -> f64 {
    let add = |(sum, weights), (value, weight)| (sum + value * weight, weights + weight);
    let (sum, weights) = weighted.fold((0.0, 0.0), add);
    sum / weights
}

/// A score in per cent of a baseline's; `None` where that is 0 or no number.
pub fn relative(score: f64, baseline: f64) -> Option<f64> {
    (baseline.is_finite() && baseline != 0.0).then(|| 100.0 * score / baseline)
}

#[cfg(test)]
mod tests;
