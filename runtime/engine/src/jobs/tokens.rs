//! `tokens`: a corpus encoded with a tokenizer, both sides.

use std::time::Instant;

use serde_json::json;
use vpc_data::{Tokenizer, tokenize};
use vpc_store::Manifest;

use super::stoppable::Stoppable;
use super::{Bench, tokenizer};
use crate::error::JobError;

pub(super) fn make(bench: &Bench<'_>) -> Result<Manifest, JobError> {
    let begun = Instant::now();
    let gone = || JobError::InputGone(bench.job.name().to_owned());
    let corpus = bench.job.inputs_as("corpus").next().ok_or_else(gone)?;
    let from = bench.job.inputs_as("tokenizer").next().ok_or_else(gone)?;
    let tokenizer = Tokenizer::from_json(&bench.open(from, tokenizer::FILE)?)?;
    let mut attempt = bench.store.attempt(bench.job.key)?;
    let mut sides = Vec::new();
    for (documents, file) in [("train.docs", "train.tok"), ("held.docs", "held.tok")] {
        let documents = bench.open(corpus, documents)?;
        let mut out = attempt.create(file)?;
        let written = tokenize(
            &documents,
            &tokenizer,
            &mut Stoppable::new(&mut out, bench.stop),
        );
        bench.check_stop()?;
        sides.push(serde_json::to_value(written?)?);
        out.finish()?;
    }
    let draft = bench.draft(json!({ "train": sides[0], "held_out": sides[1] }), begun)?;
    Ok(attempt.publish(draft)?)
}
