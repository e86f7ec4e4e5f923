//! `checkpoint`: the model that a run kept after a step, as an artifact of its own.

use std::time::Instant;

use serde_json::json;
use vpc_store::Manifest;

use super::{Bench, CONFIG, CURVE, MODEL};
use crate::error::JobError;
use crate::steps::Steps;

/// Takes the checkpoint after `step` out of the run that is the job's input.
///
/// The run keeps it: the plan says so. Should it be gone, by another process that does the run for
/// another study, the next pass does the run again.
pub(super) fn make(bench: &Bench<'_>, step: u64) -> Result<Manifest, JobError> {
    let begun = Instant::now();
    let gone = || JobError::InputGone(bench.job.name().to_owned());
    let run = bench.job.inputs_as("model").next().ok_or_else(gone)?;
    let name = bench.name_of(run);
    let run_job = bench.plan.job(run).ok_or_else(gone)?;
    let steps = Steps::of(run_job, bench.plan.build.as_deref());
    let Some(kept) = steps.at(bench.store, step)? else {
        return Err(JobError::InputGone(format!("{name} after step {step}")));
    };
    // A run is finished once, but may have been done again, for this checkpoint, by another build.
    let curve = bench.store.read(kept.file(CURVE)?)?;
    if !bench.open(run, CURVE)?.starts_with(&curve) {
        return Err(JobError::Stray { step, run: name });
    }
    let mut attempt = bench.store.attempt(bench.job.key)?;
    for file in [MODEL, CONFIG] {
        attempt.write(file, &bench.store.read(kept.file(file)?)?)?;
    }
    let draft = bench.draft(json!({ "step": step }), begun)?;
    Ok(attempt.publish(draft)?)
}
