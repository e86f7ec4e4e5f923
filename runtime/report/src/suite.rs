//! The numbers of a suite: its benchmarks, the means of groups, and what it makes of all of them.

use std::collections::BTreeMap;

use serde_json::Value;
use vpc_compiler::plan::{EvalTask, Experiment, Item, Job, Key, Metric, Overall, Run, Task};

use crate::numbers::{Number, numbered};
use crate::spread::{Scored, Spread};

/// What all benchmarks of a suite are called together.
const OVERALL: &str = "overall";

/// How much each benchmark counts, by its place among the suite's answers; the weights sum to 1.
type Weights = BTreeMap<usize, f64>;

/// The scores of benchmarks, the means of groups, and what the suite makes of all of them.
pub(crate) fn of_suite(
    experiment: &Experiment,
    run: &Run,
    job: &Job,
    metrics: &Value,
) -> Vec<Number> {
    let keys: Vec<Key> = job.inputs_as("answers").collect();
    let scored: Vec<Option<Scored>> = (0..keys.len()).map(|at| read(metrics, at)).collect();
    let overall = metrics.get("overall").and_then(Value::as_f64);
    let value = |item: &Item| {
        let overall = overall.filter(|_| &*item.name == OVERALL);
        let weights = match overall {
            Some(_) => of_all(job, &scored)?,
            None => of_group(item, &keys)?,
        };
        let parts = weights.iter();
        let parts: Option<Vec<(f64, Scored)>> = parts
            .map(|(at, weight)| Some((*weight, (*scored.get(*at)?)?)))
            .collect();
        let parts = parts?;
        let sum = || parts.iter().map(|(weight, one)| weight * one.value).sum();
        let value = overall.unwrap_or_else(sum);
        Some(Number {
            over_items: Some(spread(item.metric, &parts)),
            ..numbered(experiment, run, &item.name, item.metric, value)
        })
    };
    let mut numbers = Vec::new();
    for item in &run.items {
        numbers.extend(value(item));
        if item.judged && item.metric == Metric::Score {
            for grade in [Metric::Soundness, Metric::Depth] {
                let graded = graded(item, grade, metrics, &keys);
                let graded =
                    graded.map(|value| numbered(experiment, run, &item.name, grade, value));
                numbers.extend(graded);
            }
        }
    }
    numbers
}

/// What a judge makes of an item, from 1 to 5; none where nothing of it was explained, as answers by
/// likelihood are not.
fn graded(item: &Item, grade: Metric, metrics: &Value, keys: &[Key]) -> Option<f64> {
    if &*item.name == OVERALL {
        let whole = metrics.get(format!("{OVERALL}_{}", grade.word()));
        if let Some(whole) = whole.and_then(Value::as_f64) {
            return Some(whole);
        }
    }
    let of = |key: &Key| {
        let at = keys.iter().position(|known| known == key)?;
        metrics
            .get("benchmarks")?
            .get(at)?
            .get(grade.word())?
            .as_f64()
    };
    let grades: Vec<f64> = item.keys.iter().filter_map(of).collect();
    (!grades.is_empty()).then(|| grades.iter().sum::<f64>() / grades.len() as f64)
}

/// What was filed of the benchmark at a place.
fn read(metrics: &Value, at: usize) -> Option<Scored> {
    let found = metrics.get("benchmarks")?.get(at)?;
    Some(Scored {
        value: found.get("value")?.as_f64()?,
        items: found.get("items").and_then(Value::as_u64).unwrap_or(0),
        error: found.get("error").and_then(Value::as_f64),
    })
}

/// The weights of the mean over what an item is measured on.
fn of_group(item: &Item, keys: &[Key]) -> Option<Weights> {
    let mut weights = Weights::new();
    for key in &item.keys {
        let at = keys.iter().position(|known| known == key)?;
        *weights.entry(at).or_default() += 1.0 / item.keys.len() as f64;
    }
    (!weights.is_empty()).then_some(weights)
}

/// The weights of the one number that a suite makes of its benchmarks.
fn of_all(job: &Job, scored: &[Option<Scored>]) -> Option<Weights> {
    match &job.task {
        Task::Eval(EvalTask::Benchmarks { groups, overall }) => {
            of_overall(groups, *overall, scored)
        }
        _ => None,
    }
}

fn of_overall(groups: &[Vec<u64>], overall: Overall, scored: &[Option<Scored>]) -> Option<Weights> {
    let mut weights = Weights::new();
    match overall {
        Overall::None => return None,
        Overall::MeanOfBenchmarks => {
            weights.extend((0..scored.len()).map(|at| (at, 1.0 / scored.len() as f64)));
        }
        Overall::ByItems => {
            let counts = scored.iter().map(|one| Some(one.as_ref()?.items as f64));
            let counts = counts.collect::<Option<Vec<f64>>>()?;
            let all: f64 = counts.iter().sum();
            weights.extend(counts.iter().map(|count| count / all).enumerate());
        }
        Overall::MeanOfGroups => {
            for group in groups {
                for at in group {
                    let share = 1.0 / (groups.len() * group.len()) as f64;
                    *weights.entry(*at as usize).or_default() += share;
                }
            }
        }
    }
    Some(weights)
}

fn spread(metric: Metric, parts: &[(f64, Scored)]) -> Spread {
    match parts {
        [(_, one)] if metric == Metric::Score => Spread::of_share(*one),
        _ => Spread::of_sum(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first of three benchmarks stands in both groups.
    const GROUPS: [[u64; 2]; 2] = [[0, 1], [0, 2]];

    fn scored() -> Vec<Option<Scored>> {
        let one = |value, items| Scored {
            value,
            items,
            error: Some(0.1),
        };
        vec![Some(one(0.5, 10)), Some(one(0.7, 30)), Some(one(0.9, 60))]
    }

    #[test]
    fn a_benchmark_in_two_groups_counts_for_both() {
        let groups = GROUPS.map(|group| group.to_vec());
        for (overall, expected) in [
            (Overall::MeanOfBenchmarks, [1.0 / 3.0; 3]),
            (Overall::MeanOfGroups, [0.5, 0.25, 0.25]),
            (Overall::ByItems, [0.1, 0.3, 0.6]),
        ] {
            let weights = of_overall(&groups, overall, &scored()).unwrap();
            let weights: Vec<f64> = weights.into_values().collect();
            for (weight, expected) in weights.iter().zip(expected) {
                assert!(
                    (weight - expected).abs() < 1e-12,
                    "{overall:?}: {weights:?}"
                );
            }
        }
        assert_eq!(of_overall(&groups, Overall::None, &scored()), None);
    }
}
