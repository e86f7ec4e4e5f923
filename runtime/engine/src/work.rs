//! One job in the hands of a worker: claimed, looked up once more, done, its panics caught.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use vpc_compiler::plan::{Key, Task};
use vpc_store::{Claim, Manifest};
use vpc_train::with_threads;

use crate::error::JobError;
use crate::event::Event;
use crate::jobs::{Bench, perform};
use crate::reuse::reuse;
use crate::survey::first_lacking;

/// What came of a job that did not fail.
pub(crate) enum Done {
    /// It was done by another process meanwhile; with the time of the look.
    Found(Box<Manifest>, Duration),
    /// It is filed; with the time it took, and what of it went into filing, where that is counted.
    Made(Box<Manifest>, Duration, Option<Duration>),
    /// An earlier job's result stands for it.
    Reused(Box<Manifest>, Key),
    /// Another process is at it.
    Elsewhere,
}

/// Does one job; a panic in it is its failure.
pub(crate) fn work(bench: &Bench<'_>) -> Result<Done, JobError> {
    let result = catch_unwind(AssertUnwindSafe(|| claimed(bench)));
    bench.trunk.release();
    match result {
        Ok(Err(JobError::Elsewhere)) => Ok(Done::Elsewhere),
        Ok(done) => done,
        Err(panic) => Err(JobError::Panicked(words(&*panic))),
    }
}

/// Does one job, unless it is done by now or another process is at it.
fn claimed(bench: &Bench<'_>) -> Result<Done, JobError> {
    let begun = Instant::now();
    let key = bench.job.key;
    let _lock = match bench.store.claim(key)? {
        Claim::Taken(lock) => lock,
        Claim::Busy => return Ok(Done::Elsewhere),
    };
    let mut again = None;
    if let Some(manifest) = bench.store.find(key)? {
        again = first_lacking(bench.store, &bench.steps, &bench.wanted)?;
        if again.is_none() {
            return Ok(Done::Found(Box::new(manifest), begun.elapsed()));
        }
    } else if let Some((manifest, earlier)) = reuse(bench)? {
        return Ok(Done::Reused(Box::new(manifest), earlier));
    }
    if !has_trunk(bench)? {
        return Ok(Done::Elsewhere);
    }
    if let Some(step) = again {
        bench.observer.event(Event::Again(bench.job, step));
    }
    let heavy = matches!(
        bench.job.task,
        Task::Pretrain(_)
            | Task::Eval(_)
            | Task::AlignScore(_)
            | Task::Answers(_)
            | Task::Encoder(_)
            | Task::Features(_)
            | Task::Stage(_)
    );
    let threads = if heavy { bench.threads } else { 1 };
    bench.observer.event(Event::Started(bench.job, threads));
    let manifest = match bench.job.task {
        // Their work is shared out over whatever pool they are in.
        Task::Tokenizer(_) | Task::Tokens => with_threads(bench.threads, || perform(bench))??,
        _ => perform(bench)?,
    };
    let filing = Duration::from_nanos(bench.filing.load(Ordering::Relaxed));
    let filing = (!filing.is_zero()).then_some(filing);
    Ok(Done::Made(Box::new(manifest), begun.elapsed(), filing))
}

/// Takes the trunk of a run that would compute part of it; false where another has it.
fn has_trunk(bench: &Bench<'_>) -> Result<bool, JobError> {
    let lacking = first_lacking(bench.store, &bench.steps, &bench.wanted)?;
    let from = match bench.steps.trunk {
        Some(_) => bench
            .steps
            .newest(bench.store, lacking.unwrap_or(u64::MAX))?,
        None => None,
    };
    bench.take_trunk(from.unwrap_or(0))
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no words")
        .to_owned()
}
