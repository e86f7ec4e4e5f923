//! The numbers of a study, one for each run, item and metric.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use vpc_compiler::plan::{EvalTask, Experiment, Item, Job, Key, Metric, Plan, Run, Task};

use crate::spread::Spread;
use crate::suite::of_suite;

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
    /// What it is worth over the items it was measured on; none for held-out text.
    pub over_items: Option<Spread>,
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
        let number = |(item, score): (&Item, f64)| Number {
            over_items: of_alignment(metrics, score),
            ..numbered(experiment, run, &item.name, item.metric, score)
        };
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

/// What an alignment score is worth over pairs: all encoders look at the same ones, so that the error of their mean is
/// the mean of their errors.
fn of_alignment(metrics: &Value, score: f64) -> Option<Spread> {
    let pairs = metrics.get("items")?.as_u64()?;
    let encoders = metrics.get("encoders")?.as_array()?;
    let errors = encoders.iter().map(|one| one.get("error")?.as_f64());
    let sum = errors.sum::<Option<f64>>();
    let error = sum.map(|sum| sum / encoders.len().max(1) as f64);
    Some(Spread::student(score, pairs, 1, error))
}

/// A number of a run, of which is not said over how many items.
pub(crate) fn numbered(
    experiment: &Experiment,
    run: &Run,
    item: &str,
    metric: Metric,
    value: f64,
) -> Number {
    let own = |(axis, value): &(Arc<str>, Arc<str>)| (axis.to_string(), value.to_string());
    Number {
        experiment: experiment.name.clone(),
        job: run.job.to_string(),
        run: run.label.to_string(),
        point: run.point.iter().map(own).collect(),
        item: item.to_owned(),
        metric,
        value,
        over_items: None,
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
