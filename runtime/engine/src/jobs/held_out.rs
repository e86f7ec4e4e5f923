//! `eval` on held-out text: loss over every token of the held-out side.

use std::time::Instant;

use serde_json::{Value, json};
use vpc_compiler::plan::{Key, ModelSpec};
use vpc_data::{TokenFile, TokenStats};
use vpc_store::Manifest;
use vpc_train::{Batch, Model, TrainError, with_threads};

use super::{Bench, MODEL, model_config};
use crate::error::JobError;

/// Rows scored at once; a result does not depend on it.
const ROWS: u64 = 16;

pub(super) fn make(bench: &Bench<'_>, model: &ModelSpec) -> Result<Manifest, JobError> {
    let begun = Instant::now();
    let gone = || JobError::InputGone(bench.job.name().to_owned());
    let from = bench.job.inputs_as("model").next().ok_or_else(gone)?;
    let weights = bench.open(from, MODEL)?;
    // In the order of the inputs: keys have no place in what is found.
    let mut found = Vec::new();
    for tokens in bench.job.inputs_as("tokens") {
        let scored = with_threads(bench.threads, || score(bench, model, &weights, tokens))??;
        found.push(scored);
    }
    let attempt = bench.store.attempt(bench.job.key)?;
    let draft = bench.draft(json!({ "held_out": found }), begun)?;
    Ok(attempt.publish(draft)?)
}

/// Sums the loss over the held-out tokens of one category.
///
/// The text is read in windows of the model's context. Each token is predicted once, from what
/// stands before it in its window; the first window begins with the end-of-text token.
fn score(
    bench: &Bench<'_>,
    model: &ModelSpec,
    weights: &[u8],
    tokens: Key,
) -> Result<Value, JobError> {
    let context = model.context;
    let model = Model::load(&model_config(model), weights)?;
    let bytes = bench.open(tokens, "held.tok")?;
    let file = TokenFile::new(&bytes)?;
    let predicted = file.len().saturating_sub(1);
    let whole = predicted / context;
    let mut nats = 0.0;
    let mut row = 0;
    while row < whole {
        bench.check_stop()?;
        let rows = ROWS.min(whole - row);
        nats += window(&model, &file, row * context, rows, context)?;
        row += rows;
    }
    if predicted > whole * context {
        nats += window(
            &model,
            &file,
            whole * context,
            1,
            predicted - whole * context,
        )?;
    }
    Ok(json!({ "nats": nats, "tokens": predicted, "bytes": text_bytes(bench, tokens)? }))
}

fn window(
    model: &Model,
    file: &TokenFile<'_>,
    start: u64,
    rows: u64,
    length: u64,
) -> Result<f64, JobError> {
    let count = (rows * length) as usize;
    let (mut inputs, mut targets) = (vec![0; count], vec![0; count]);
    file.read(start, &mut inputs)?;
    file.read(start + 1, &mut targets)?;
    let batch = Batch {
        inputs: &inputs,
        targets: &targets,
        length: length as usize,
    };
    Ok(model
        .negative_log_likelihood(&batch)
        .map_err(TrainError::from)?)
}

/// Bytes of UTF-8 text on the held-out side, as counted when it was encoded.
fn text_bytes(bench: &Bench<'_>, tokens: Key) -> Result<u64, JobError> {
    let gone = || JobError::InputGone(bench.name_of(tokens));
    let manifest = bench.inputs.get(&tokens).ok_or_else(gone)?;
    let stats = manifest.metrics.get("held_out").cloned().ok_or_else(gone)?;
    Ok(serde_json::from_value::<TokenStats>(stats)?.bytes)
}
