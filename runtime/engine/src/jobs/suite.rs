//! `eval` of a suite: the values of its benchmarks, and how they make one number.

use std::time::Instant;

use serde_json::{Value, json};
use vpc_compiler::plan::Overall;
use vpc_measure::suite::{self, Score, SuiteError, fill};
use vpc_store::Manifest;

use super::Bench;
use super::record::joined;
use crate::error::JobError;

pub(super) fn make(
    bench: &Bench<'_>,
    groups: &[Vec<u64>],
    overall: Overall,
) -> Result<Manifest, JobError> {
    let begun = Instant::now();
    let (mut scored, mut benchmarks, mut judged) = (Vec::new(), Vec::new(), Vec::new());
    for key in bench.job.inputs_as("answers") {
        let gone = || JobError::InputGone(bench.name_of(key));
        let metrics = &bench.inputs.get(&key).ok_or_else(gone)?.metrics;
        let number = |name: &str| metrics.get(name).and_then(Value::as_f64);
        // What was judged has the score of its answers beside the judge's.
        let is_judged = metrics.get("score").is_some();
        let (value, error) = if is_judged {
            ("score", "score_error")
        } else {
            ("value", "error")
        };
        let value = number(value).ok_or_else(gone)?;
        let count = number("items").ok_or_else(gone)? as u64;
        scored.push(Score { value, count });
        let error = metrics.get(error).cloned().unwrap_or_default();
        let benchmark = json!({ "value": value, "items": count, "error": error });
        let grades = JUDGED.map(|grade| metrics.get(grade)?.get("mean")?.as_f64());
        let count = number("judged").unwrap_or_default() as u64;
        judged.push(grades.map(|mean| mean.map(|value| Score { value, count })));
        benchmarks.push(if is_judged {
            let [soundness, depth] = grades;
            joined(benchmark, json!({ "soundness": soundness, "depth": depth }))
        } else {
            benchmark
        });
    }
    let members: Vec<Vec<Score>> = groups
        .iter()
        .map(|group| {
            let members = group.iter();
            members
                .filter_map(|at| scored.get(*at as usize).copied())
                .collect()
        })
        .collect();
    let found =
        json!({ "benchmarks": benchmarks, "overall": one_number(&scored, &members, overall)? });
    let found = joined(found, graded(&judged, groups, overall)?);
    let draft = bench.draft(found, begun)?;
    Ok(bench.store.attempt(bench.job.key)?.publish(draft)?)
}

/// What a judge measures.
const JUDGED: [&str; 2] = ["soundness", "depth"];

/// The overall numbers of a judge, made as those of the scores are, from what was judged; empty where
/// nothing was.
fn graded(
    judged: &[[Option<Score>; 2]],
    groups: &[Vec<u64>],
    overall: Overall,
) -> Result<Value, SuiteError> {
    let mut found = serde_json::Map::new();
    for (at, grade) in JUDGED.into_iter().enumerate() {
        let of = |one: &[Option<Score>; 2]| one.get(at).copied().flatten();
        let all: Vec<Score> = judged.iter().filter_map(of).collect();
        let members = groups.iter().map(|group| -> Vec<Score> {
            let members = group.iter();
            members
                .filter_map(|at| judged.get(*at as usize).and_then(of))
                .collect()
        });
        let members: Vec<Vec<Score>> = members.filter(|group| !group.is_empty()).collect();
        if all.is_empty() {
            continue;
        }
        let number = one_number(&all, &members, overall)?;
        found.insert(format!("overall_{grade}"), number.into());
    }
    Ok(found.into())
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

    #[test]
    fn what_was_judged_is_added_up_as_scores_are() {
        let one = |value, count| Some(Score { value, count });
        // The third benchmark compares likelihoods, so that nothing of it is judged.
        let judged = [
            [one(3.0, 10), one(1.0, 10)],
            [one(5.0, 30), one(2.0, 30)],
            [None, None],
        ];
        let groups = [vec![0, 1], vec![0], vec![2]];
        let soundness = |overall| {
            let found = graded(&judged, &groups, overall).expect("numbers");
            found["overall_soundness"].as_f64()
        };
        assert_eq!(soundness(Overall::MeanOfBenchmarks), Some(4.0));
        assert_eq!(soundness(Overall::MeanOfGroups), Some(3.5));
        assert_eq!(soundness(Overall::ByItems), Some(4.5));
        assert_eq!(soundness(Overall::None), None);
        let none = graded(&[[None, None]], &[vec![0]], Overall::MeanOfGroups);
        assert_eq!(none, Ok(json!({})));
    }
}
