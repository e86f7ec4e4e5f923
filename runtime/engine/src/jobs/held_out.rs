//! `eval` on held-out text: loss over every token of the held-out side.

use std::time::Instant;

use serde_json::{Value, json};
use vpc_compiler::plan::{Key, ModelSpec};
use vpc_data::{TokenFile, TokenStats};
use vpc_device::program::BatchShape;
use vpc_device::{Device, Scorer, scorer_memory};
use vpc_store::Manifest;
use vpc_train::{Batch, Model, TrainError, with_threads};

use super::{Bench, MODEL, model_config};
use crate::device::noted;
use crate::error::JobError;
use crate::reading::{CLASS, Place, name};

/// Rows scored at once; a result does not depend on it.
const ROWS: usize = 16;

/// What tells the loss of text, on the processor or on a device.
trait Scores {
    /// Sum of −log p of all targets, in nats; a row's share is the same bits in any batch.
    fn nats(&mut self, batch: &Batch<'_>) -> Result<f64, JobError>;
}

impl Scores for Model {
    fn nats(&mut self, batch: &Batch<'_>) -> Result<f64, JobError> {
        Ok(self
            .negative_log_likelihood(batch)
            .map_err(TrainError::from)?)
    }
}

impl<D: Device> Scores for Scorer<D> {
    fn nats(&mut self, batch: &Batch<'_>) -> Result<f64, JobError> {
        Ok(self.negative_log_likelihood(batch)?)
    }
}

pub(super) fn make(bench: &Bench<'_>, model: &ModelSpec) -> Result<Manifest, JobError> {
    let begun = Instant::now();
    let gone = || JobError::InputGone(bench.job.name().to_owned());
    let from = bench.job.inputs_as("model").next().ok_or_else(gone)?;
    let weights = bench.open(from, MODEL)?;
    let config = model_config(model);
    let shape = BatchShape {
        rows: ROWS,
        length: config.context,
    };
    let place = Place::find((bench.gpus, bench.stop), || {
        Ok(scorer_memory(&config, shape, CLASS).map_err(TrainError::from)?)
    })?;
    let (found, device) = with_threads(bench.threads, || -> Result<_, JobError> {
        let model = Model::load(&config, &weights)?;
        let gpu = place.open()?;
        let device = name(gpu.as_ref());
        let mut scores: Box<dyn Scores> = match gpu {
            None => Box::new(model),
            Some(gpu) => Box::new(Scorer::new(&model, shape, CLASS, gpu)?),
        };
        // In the order of the inputs: keys have no place in what is found.
        let inputs = bench.job.inputs_as("tokens");
        let found = inputs.map(|tokens| score(bench, config.context, scores.as_mut(), tokens));
        Ok((found.collect::<Result<Vec<Value>, _>>()?, device))
    })??;
    let attempt = bench.store.attempt(bench.job.key)?;
    let draft = bench.draft(json!({ "held_out": found }), begun)?;
    Ok(attempt.publish(noted(draft, &device))?)
}

/// Sums the loss over the held-out tokens of one category.
fn score(
    bench: &Bench<'_>,
    context: usize,
    scores: &mut dyn Scores,
    tokens: Key,
) -> Result<Value, JobError> {
    let bytes = bench.open(tokens, "held.tok")?;
    let file = TokenFile::new(&bytes)?;
    let predicted = file.len().saturating_sub(1);
    let nats = nats(scores, context, predicted, |start, batch| {
        bench.check_stop()?;
        Ok(file.read(start, batch)?)
    })?;
    Ok(json!({ "nats": nats, "tokens": predicted, "bytes": text_bytes(bench, tokens)? }))
}

/// −log p of `predicted` tokens of a text, in nats; `read` gives its tokens from some place on.
///
/// The text is read in windows of the model's context. Each token is predicted once, from what
/// stands before it in its window; the first window begins with the end-of-text token.
fn nats(
    scores: &mut dyn Scores,
    context: usize,
    predicted: u64,
    read: impl Fn(u64, &mut [u32]) -> Result<(), JobError>,
) -> Result<f64, JobError> {
    let length = context as u64;
    let whole = predicted / length;
    let mut window = |start: u64, rows: usize, length: usize| {
        let (mut inputs, mut targets) = (vec![0; rows * length], vec![0; rows * length]);
        read(start, &mut inputs)?;
        read(start + 1, &mut targets)?;
        scores.nats(&Batch {
            inputs: &inputs,
            targets: &targets,
            length,
        })
    };
    let mut nats = 0.0;
    let mut row = 0;
    while row < whole {
        let rows = (ROWS as u64).min(whole - row);
        nats += window(row * length, rows as usize, context)?;
        row += rows;
    }
    let rest = predicted - whole * length;
    if rest > 0 {
        nats += window(whole * length, 1, rest as usize)?;
    }
    Ok(nats)
}

/// Bytes of UTF-8 text on the held-out side, as counted when it was encoded.
fn text_bytes(bench: &Bench<'_>, tokens: Key) -> Result<u64, JobError> {
    let gone = || JobError::InputGone(bench.name_of(tokens));
    let manifest = bench.inputs.get(&tokens).ok_or_else(gone)?;
    let stats = manifest.metrics.get("held_out").cloned().ok_or_else(gone)?;
    Ok(serde_json::from_value::<TokenStats>(stats)?.bytes)
}

#[cfg(test)]
mod tests {
    use vpc_device::Host;
    use vpc_train::{ModelConfig, Optimizer, Schedule, TrainConfig, Trainer};

    use super::*;

    /// A model with its first weights.
    fn model() -> Model {
        let config = TrainConfig {
            model: ModelConfig {
                layers: 1,
                width: 16,
                heads: 2,
                kv_heads: 1,
                hidden: 24,
                context: 8,
                vocabulary: 40,
                rope_base: 10_000.0,
                norm_eps: 1e-5,
                tied: true,
            },
            optimizer: Optimizer {
                rate: 1e-3,
                beta1: 0.9,
                beta2: 0.95,
                eps: 1e-8,
                weight_decay: 0.0,
                clip: 0.0,
            },
            schedule: Schedule::Constant { warmup: 0 },
            batch: 1,
            micro_batch: None,
            steps: 1,
            seed: 3,
        };
        Trainer::new(&config).expect("a shape").model().clone()
    }

    fn of(scores: &mut dyn Scores, text: &[u32]) -> f64 {
        let read = |start: u64, to: &mut [u32]| {
            to.copy_from_slice(&text[start as usize..][..to.len()]);
            Ok(())
        };
        let predicted = text.len() as u64 - 1;
        nats(scores, 8, predicted, read).expect("a sum")
    }

    #[test]
    fn a_device_finds_what_the_processor_finds() {
        let shape = BatchShape {
            rows: ROWS,
            length: 8,
        };
        let mut host = model();
        let mut device = Scorer::new(&host, shape, CLASS, Host::new()).expect("a shape");
        // Less than a window, whole windows, more than a batch of them and a rest.
        for length in [2, 9, 17, 8 * 18 + 4] {
            let text: Vec<u32> = (0..length).map(|at| (at * at + 3) % 40).collect();
            let (ours, theirs) = (of(&mut device, &text), of(&mut host, &text));
            assert!(
                (ours - theirs).abs() < 1e-6 * theirs,
                "{ours} is not {theirs}"
            );
        }
    }

    #[test]
    fn each_token_is_predicted_once_from_its_window() {
        let mut model = model();
        let text: Vec<u32> = (0..21).map(|at| at * 7 % 40).collect();
        let mut exact = 0.0;
        for window in 0..3 {
            let start = window * 8;
            let end = (start + 8).min(20);
            let logits = model
                .logits(&text[start..end], end - start)
                .expect("logits");
            for (row, target) in logits.chunks(40).zip(&text[start + 1..]) {
                let sum: f64 = row.iter().map(|logit| f64::from(*logit).exp()).sum();
                exact += sum.ln() - f64::from(row[*target as usize]);
            }
        }
        let found = of(&mut model, &text);
        assert!(
            (found - exact).abs() < 1e-5 * exact,
            "{found} is not {exact}"
        );
    }
}
