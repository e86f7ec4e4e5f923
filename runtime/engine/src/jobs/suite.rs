//! `eval` of a suite: the values of its benchmarks, and how they make one number.

use std::time::Instant;

use serde_json::{Value, json};
use vpc_compiler::plan::Overall;
use vpc_store::Manifest;

use super::Bench;
use crate::error::JobError;

/// A benchmark's value, and the number of its questions.
#[derive(Debug, Clone, Copy)]
struct Scored {
    value: f64,
    items: f64,
}

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
        let (value, items) = (number("value")?, number("items")?);
        scored.push(Scored { value, items });
        let error = metrics.get("error").cloned().unwrap_or_default();
        benchmarks.push(json!({ "value": value, "items": items as u64, "error": error }));
    }
    let groups: Vec<Vec<Scored>> = groups
        .iter()
        .map(|group| {
            let members = group.iter();
            members
                .filter_map(|at| scored.get(*at as usize).copied())
                .collect()
        })
        .collect();
    let found =
        json!({ "benchmarks": benchmarks, "overall": one_number(&scored, &groups, overall) });
    let draft = bench.draft(found, begun)?;
    Ok(bench.store.attempt(bench.job.key)?.publish(draft)?)
}

/// The overall value of a suite, where it has one.
fn one_number(all: &[Scored], groups: &[Vec<Scored>], overall: Overall) -> Option<f64> {
    match overall {
        Overall::MeanOfBenchmarks => mean(all.iter().map(|one| one.value)),
        Overall::MeanOfGroups => {
            let means = groups.iter();
            mean(means.filter_map(|group| mean(group.iter().map(|one| one.value))))
        }
        Overall::ByItems => {
            let items: f64 = all.iter().map(|one| one.items).sum();
            let right: f64 = all.iter().map(|one| one.value * one.items).sum();
            (items > 0.0).then(|| right / items)
        }
        Overall::None => None,
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0_u64, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_makes_its_number() {
        let one = |value, items| Scored { value, items };
        let all = [one(0.5, 10.0), one(0.7, 30.0), one(0.9, 60.0)];
        let groups = [vec![all[0], all[1]], vec![all[2]]];
        let number = |overall| one_number(&all, &groups, overall);
        let is =
            |overall, expected: f64| (number(overall).expect("a number") - expected).abs() < 1e-12;
        assert!(is(Overall::MeanOfBenchmarks, 0.7));
        assert!(is(Overall::MeanOfGroups, 0.75));
        assert!(is(Overall::ByItems, 0.05 + 0.21 + 0.54));
        assert_eq!(number(Overall::None), None);
        assert_eq!(one_number(&[], &[], Overall::MeanOfGroups), None);
    }

    #[test]
    fn groups_of_unequal_size_weigh_alike() {
        let one = |value| Scored { value, items: 1.0 };
        let groups = [vec![one(1.0)], vec![one(0.0), one(0.0), one(0.0)]];
        let all: Vec<Scored> = groups.iter().flatten().copied().collect();
        assert_eq!(one_number(&all, &groups, Overall::MeanOfGroups), Some(0.5));
        assert_eq!(
            one_number(&all, &groups, Overall::MeanOfBenchmarks),
            Some(0.25)
        );
    }
}
