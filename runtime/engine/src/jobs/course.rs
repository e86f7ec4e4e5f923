//! A training that goes over items: its order, its state on the way, its curve.

use std::time::{Duration, Instant};

use serde_json::json;
use vpc_data::{Part, SampleStream};
use vpc_train::{Optimizer, StepReport};

use super::curve::Curve;
use super::pace::Pace;
use super::{Bench, CURVE};
use crate::error::JobError;
use crate::event::{Event, Progress};

/// The file of everything that a training goes on from.
const STATE: &str = "state.safetensors";

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// What is trained, step by step.
pub(super) trait Learns {
    /// Steps done, before a resume included.
    fn done(&self) -> u64;
    /// Takes the next step.
    fn step(&mut self) -> Result<StepReport, JobError>;
    /// Everything that is needed to go on.
    fn save(&mut self) -> Result<Vec<u8>, JobError>;
    /// Goes on from what was saved.
    fn load(&mut self, state: &[u8]) -> Result<(), JobError>;
}

/// Trains to the last step, from the newest intact checkpoint; returns the curve and the seconds spent on
/// it before.
///
/// A stop files a checkpoint first, and so does every while; the result is the same bits in any case.
pub(super) fn train(
    bench: &Bench<'_>,
    learner: &mut dyn Learns,
    steps: u64,
) -> Result<(Curve, f64), JobError> {
    let (mut curve, spent) = resume(bench, learner)?;
    let (from, began) = (learner.done(), Instant::now());
    if from > 0 {
        bench.observer.event(Event::Resumed(bench.job, from));
    }
    let mut pace = Pace::new(bench.options.checkpoint_every, 0);
    let mut told = began;
    while learner.done() < steps {
        if bench.stop.asked() {
            if learner.done() > from {
                file(
                    bench,
                    learner,
                    &curve,
                    spent + began.elapsed().as_secs_f64(),
                )?;
            }
            return Err(JobError::Stopped);
        }
        let report = learner.step()?;
        curve.add(&report);
        let done = learner.done();
        if told.elapsed() >= TELL_EVERY || done == steps {
            told = Instant::now();
            let speed = (done - from) as f64 / began.elapsed().as_secs_f64().max(1e-9);
            bench.observer.event(Event::Progress(
                bench.job,
                Progress {
                    step: done,
                    steps,
                    of: "steps",
                    tokens_per_second: None,
                    steps_per_second: speed,
                    loss: Some(report.loss),
                },
            ));
        }
        if pace.is_due() && done < steps {
            let begun = Instant::now();
            file(
                bench,
                learner,
                &curve,
                spent + began.elapsed().as_secs_f64(),
            )?;
            pace.learn(begun.elapsed());
            pace.begin();
        }
    }
    Ok((curve, spent))
}

/// Takes up the newest checkpoint that can be read; a damaged one is put aside by the store.
fn resume(bench: &Bench<'_>, learner: &mut dyn Learns) -> Result<(Curve, f64), JobError> {
    while let Some(manifest) = bench.store.progress(bench.job.key)? {
        let read =
            |name: &str| -> Result<_, JobError> { Ok(bench.store.read(manifest.file(name)?)?) };
        match (read(STATE), read(CURVE)) {
            (Ok(state), Ok(curve)) => {
                learner.load(&state)?;
                return Ok((Curve::read(&curve), manifest.seconds().unwrap_or_default()));
            }
            (Err(error), _) | (_, Err(error)) if !error.is_damage() => return Err(error),
            _ => bench
                .observer
                .event(Event::Note("a damaged checkpoint was put aside")),
        }
    }
    Ok((Curve::new(), 0.0))
}

/// Files a checkpoint, then drops the ones before it.
fn file(
    bench: &Bench<'_>,
    learner: &mut dyn Learns,
    curve: &Curve,
    seconds: f64,
) -> Result<(), JobError> {
    let step = learner.done();
    let mut attempt = bench.store.attempt(bench.job.key)?;
    attempt.write(STATE, &learner.save()?)?;
    attempt.write(CURVE, curve.bytes())?;
    attempt.publish_progress(step, bench.draft_of(json!({ "step": step }), seconds)?)?;
    bench
        .store
        .clear_progress_until(bench.job.key, step, &[step])?;
    Ok(())
}

/// The order in which items are seen: each once in an epoch, shuffled anew for each. It depends on the
/// items and the seed alone, so that it is the same for every model.
pub(super) fn order(identity: [u8; 32], items: usize, seed: u64) -> Result<SampleStream, JobError> {
    let all = Part {
        identity,
        share: (1, 1),
        sequences: items as u64,
    };
    Ok(SampleStream::new(vec![all], seed)?)
}

/// The items of a step.
pub(super) fn batch(order: &SampleStream, step: u64, size: u64) -> impl Iterator<Item = usize> {
    let positions = step * size..(step + 1) * size;
    positions.map(|position| order.at(position).sequence as usize)
}

/// AdamW as it is set for adaptations and encoders.
pub(super) fn optimizer(rate: f64, weight_decay: f64) -> Optimizer {
    Optimizer {
        rate,
        beta1: 0.9,
        beta2: 0.999,
        eps: 1e-8,
        weight_decay,
        clip: 1.0,
    }
}
