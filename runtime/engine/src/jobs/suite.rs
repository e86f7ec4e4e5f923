//! `eval` of a suite: the values of its benchmarks, and how they make one number.

use std::time::Instant;

use serde_json::{Value, json};
use vpc_compiler::plan::Overall;
use vpc_measure::suite::{self, Score, SuiteError, fill};
use vpc_store::Manifest;

use super::Bench;
use crate::error::JobError;

pub(super) fn make(
    bench: &Bench<'_>,
    groups: &[Vec<u64>],
    overall: Overall,
) -> Result<Manifest, JobError> {
    let begun = Instant::now();
    let (mut scored, mut benchmarks) = (Vec::new(), Vec::new());
    for key in bench.job.inputs_as("answers") {
        let gone = || JobError::InputGone(bench.name_of(key));
        let metrics = &bench.inputs.get(&key).ok_or_else(gone)?.metrics;
        let number = |name: &str| metrics.get(name).and_then(Value::as_f64).ok_or_else(gone);
        let (value, count) = (number("value")?, number("items")? as u64);
        scored.push(Score { value, count });
        let error = metrics.get("error").cloned().unwrap_or_default();
        benchmarks.push(json!({ "value": value, "items": count, "error": error }));
    }
    let groups: Vec<Vec<Score>> = groups
        .iter()
        .map(|group| {
            let members = group.iter();
            members
                .filter_map(|at| scored.get(*at as usize).copied())
                .collect()
        })
        .collect();
    let found =
        json!({ "benchmarks": benchmarks, "overall": one_number(&scored, &groups, overall)? });
    let draft = bench.draft(found, begun)?;
    Ok(bench.store.attempt(bench.job.key)?.publish(draft)?)
}

/// The overall value of a suite, where it has one. A benchmark in several groups counts once, but where
/// groups are averaged.
fn one_number(
    all: &[Score],
    groups: &[Vec<Score>],
    overall: Overall,
) -> Result<Option<f64>, SuiteError> {
    let all = || [all.to_vec()];
    let filled = match overall {
        Overall::None => return Ok(None),
        Overall::MeanOfBenchmarks => fill(&all(), suite::Overall::MeanOfBenchmarks),
        Overall::MeanOfGroups => fill(groups, suite::Overall::MeanOfGroups),
        Overall::ByItems => fill(&all(), suite::Overall::ByCount),
    };
    Ok(Some(filled?.overall))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_makes_its_number() {
        let one = |value, count| Score { value, count };
        let all = [one(0.5, 10), one(0.7, 30), one(0.9, 60)];
        // The first stands in both groups.
        let groups = [vec![all[0], all[1]], vec![all[0], all[2]]];
        let is = |overall, expected: f64| {
            let number = one_number(&all, &groups, overall).expect("a score");
            (number.expect("a number") - expected).abs() < 1e-12
        };
        assert!(is(Overall::MeanOfBenchmarks, 0.7));
        assert!(is(Overall::MeanOfGroups, 0.65));
        assert!(is(Overall::ByItems, 0.05 + 0.21 + 0.54));
        assert_eq!(one_number(&all, &groups, Overall::None), Ok(None));
        assert!(one_number(&[], &[], Overall::MeanOfGroups).is_err());
    }
}
