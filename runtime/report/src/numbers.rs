//! The numbers of a study, one for each run, item and metric.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use vpc_compiler::plan::{EvalTask, Experiment, Item, Job, Key, Metric, Plan, Run, Task};

/// Everything measured, in the order of the study.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Numbers {
    /// Name of the study.
    pub study: String,
    /// The numbers.
    pub numbers: Vec<Number>,
}

/// One measured number.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Number {
    /// The experiment.
    pub experiment: String,
    /// The evaluation's name within the experiment.
    pub job: String,
    /// `experiment/job[axis=value,…]`.
    pub run: String,
    /// Axis and value.
    pub point: Vec<(String, String)>,
    /// What was measured on; `mean` for the mean over all items.
    pub item: String,
    /// The metric.
    pub metric: Metric,
    /// The number.
    pub value: f64,
    /// The job that measured it.
    pub key: Key,
}

/// Sums over the held-out text of one item, as an evaluation files them.
struct Sums {
    /// Negative log-likelihood of all tokens, in nats.
    nats: f64,
    tokens: f64,
    /// UTF-8 bytes of text.
    bytes: f64,
}

/// Gathers the numbers of a plan from what its evaluations filed.
///
/// Runs that are not finished are left out.
pub fn gather(plan: &Plan, filed: &dyn Fn(Key) -> Option<Value>) -> Numbers {
    let places = plan.places();
    let mut numbers = Vec::new();
    for experiment in &plan.experiments {
        for run in experiment.runs.iter().filter(|run| !run.items.is_empty()) {
            let job = places.get(run.key).and_then(|&at| plan.jobs.get(at));
            if let Some((job, metrics)) = job.zip(filed(run.key)) {
                numbers.extend(of_run(experiment, run, job, &metrics));
            }
        }
    }
    Numbers {
        study: plan.study.clone(),
        numbers,
    }
}

fn of_run(experiment: &Experiment, run: &Run, job: &Job, metrics: &Value) -> Vec<Number> {
    if let Task::Eval(EvalTask::Benchmarks { .. }) = job.task {
        return of_suite(experiment, run, job, metrics);
    }
    if let Task::AlignScore(_) = job.task {
        let score = metrics.get("value").and_then(Value::as_f64);
        let scored = run.items.first().zip(score);
        let number =
            |(item, score): (&Item, f64)| numbered(experiment, run, &item.name, item.metric, score);
        return scored.map(number).into_iter().collect();
    }
    let read = |item: &Item| Sums::read(metrics, job, *item.keys.first()?);
    let sums: Vec<(&Item, Sums)> = run
        .items
        .iter()
        .filter_map(|item| Some((item, read(item)?)))
        .collect();
    let number = |item: &str, metric, value| numbered(experiment, run, item, metric, value);
    let mut numbers = Vec::new();
    for metric in [Metric::BitsPerByte, Metric::Perplexity] {
        let values = sums.iter().filter_map(|(_, sums)| sums.value(metric));
        let values: Vec<f64> = values.collect();
        for ((item, _), value) in sums.iter().zip(&values) {
            numbers.push(number(&item.name, metric, *value));
        }
        if !values.is_empty() {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            numbers.push(number("mean", metric, mean));
        }
    }
    numbers
}

/// The scores of benchmarks, the means of groups, and what the suite makes of all of them; where a judge
/// was asked, its soundness and depth beside each.
fn of_suite(experiment: &Experiment, run: &Run, job: &Job, metrics: &Value) -> Vec<Number> {
    let keys: Vec<Key> = job.inputs_as("answers").collect();
    let benchmark = |key: &Key, field: &str| -> Option<f64> {
        let at = keys.iter().position(|known| known == key)?;
        metrics.get("benchmarks")?.get(at)?.get(field)?.as_f64()
    };
    let whole = |item: &Item, field: &str| {
        let is_whole = &*item.name == OVERALL;
        metrics
            .get(field)
            .and_then(Value::as_f64)
            .filter(|_| is_whole)
    };
    let usual = |item: &Item| {
        let all = || item.keys.iter().map(|key| benchmark(key, "value"));
        whole(item, "overall").or_else(|| mean(all().collect::<Option<Vec<f64>>>()?))
    };
    // A judge reads what was explained, which answers by likelihood are not.
    let graded = |item: &Item, grade: Metric| {
        let of = |key: &Key| benchmark(key, grade.word());
        let all = || item.keys.iter().filter_map(of).collect();
        whole(item, &format!("{OVERALL}_{}", grade.word())).or_else(|| mean(all()))
    };
    let mut numbers = Vec::new();
    for item in &run.items {
        let mut add = |metric, value: Option<f64>| {
            numbers.extend(value.map(|value| numbered(experiment, run, &item.name, metric, value)));
        };
        add(item.metric, usual(item));
        if item.judged && item.metric == Metric::Score {
            for grade in [Metric::Soundness, Metric::Depth] {
                add(grade, graded(item, grade));
            }
        }
    }
    numbers
}

/// The mean of values; none where there are none.
fn mean(values: Vec<f64>) -> Option<f64> {
    let count = values.len();
    (count > 0).then(|| values.into_iter().sum::<f64>() / count as f64)
}

/// What all benchmarks of a suite are called together.
const OVERALL: &str = "overall";

fn numbered(experiment: &Experiment, run: &Run, item: &str, metric: Metric, value: f64) -> Number {
    let own = |(axis, value): &(Arc<str>, Arc<str>)| (axis.to_string(), value.to_string());
    Number {
        experiment: experiment.name.clone(),
        job: run.job.to_string(),
        run: run.label.to_string(),
        point: run.point.iter().map(own).collect(),
        item: item.to_owned(),
        metric,
        value,
        key: run.key,
    }
}

impl Sums {
    /// Reads what was filed for one of the `tokens` inputs of an evaluation.
    fn read(metrics: &Value, job: &Job, tokens: Key) -> Option<Self> {
        let at = job.inputs_as("tokens").position(|input| input == tokens)?;
        let found = metrics.get("held_out")?.get(at)?;
        let field = |name: &str| found.get(name)?.as_f64();
        Some(Self {
            nats: field("nats")?,
            tokens: field("tokens")?,
            bytes: field("bytes")?,
        })
    }

    /// Bits per byte = nats / (ln 2 · bytes); perplexity = exp(nats / tokens).
    /// Nothing else is measured of held-out text.
    fn value(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::BitsPerByte => Some(self.nats / (std::f64::consts::LN_2 * self.bytes)),
            Metric::Perplexity => Some((self.nats / self.tokens).exp()),
            Metric::Score | Metric::Soundness | Metric::Depth => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_and_perplexity_of_a_fair_coin_per_byte() {
        let sums = Sums {
            nats: 8.0 * std::f64::consts::LN_2,
            tokens: 4.0,
            bytes: 8.0,
        };
        assert!((sums.value(Metric::BitsPerByte).unwrap() - 1.0).abs() < 1e-12);
        assert!((sums.value(Metric::Perplexity).unwrap() - 4.0).abs() < 1e-12);
    }
}
