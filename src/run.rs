//! `vpc run`: runs what a study needs, then shows and files the results.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use vpc_compiler::plan::Plan;
use vpc_engine::{Observer, Options, Outcome, Stop, Survey, address_space, survey, unsupported};
use vpc_store::{Store, StoreError};

use crate::command::RunOptions;
use crate::exit::Status;
use crate::output::{counted, tell};
use crate::progress::{Bars, Lines, Quiet};
use crate::results::{self, Extent};
use crate::signals::Signals;
use crate::study::{compiled, selected, store_folder};

/// What the threads of a small run reserve, in bytes; they use little of it.
const LEAST_ADDRESS_SPACE: u64 = 1 << 30;

pub(crate) fn run(options: &RunOptions) -> Status {
    let whole = match compiled(&options.study) {
        Ok(plan) => plan,
        Err(status) => return status,
    };
    let plan = match selected(&whole, &options.only.only) {
        Ok(plan) => plan,
        Err(status) => return status,
    };
    let extent = Extent {
        whole: &whole,
        plan: &plan,
    };
    if let Some(limit) = address_space().filter(|limit| *limit < LEAST_ADDRESS_SPACE) {
        tell(format_args!(
            "error: the limit on address space is {} MiB, and a run needs 1024; raise it (`ulimit -v`)",
            limit >> 20
        ));
        return Status::Environment;
    }
    let stop = Stop::default();
    let signals = match Signals::watch(&stop) {
        Ok(signals) => signals,
        Err(error) => {
            tell(format_args!("error: signals cannot be watched: {error}"));
            return Status::Environment;
        }
    };
    let folder = store_folder(&options.study.file, options.store.as_ref());
    match work(extent, &folder, options, &stop) {
        Ok(outcome) => status(&outcome, &signals),
        Err(error) => {
            tell(format_args!("error: {error}"));
            Status::of(&error)
        }
    }
}

fn work(
    extent: Extent<'_>,
    folder: &Path,
    options: &RunOptions,
    stop: &Stop,
) -> Result<Outcome, StoreError> {
    let plan = extent.plan;
    if plan.jobs.is_empty() {
        tell("nothing to do: the study has no experiment with jobs");
        return Ok(Outcome::default());
    }
    // A finished study is read without writing, so that it can be looked at on any disk.
    let there = Store::peek(folder)?;
    let survey = survey(plan, there.as_ref())?;
    if let Some(refused) = refused(plan, &survey) {
        return Ok(refused);
    }
    if let Some(store) = there
        && survey.to_do() == 0
    {
        confirm(&store, &survey)?;
        results::again(extent, &store, folder)?;
        tell(format_args!(
            "nothing to do; {} cached",
            counted(survey.cached(), "job")
        ));
        return Ok(Outcome {
            cached: survey.cached(),
            ..Outcome::default()
        });
    }
    let store = Store::open(folder)?;
    store.sweep()?;
    let before = vpc_engine::survey(plan, Some(&store))?;
    let outcome = go(plan, &store, &before, options, stop)?;
    for warning in store.warnings() {
        tell(format_args!("warning: {warning}"));
    }
    if outcome.is_complete() {
        results::present(extent, &store, folder)?;
    }
    conclude(&outcome, options);
    Ok(outcome)
}

/// Makes durable what is about to be called cached: a run before this one may have been killed
/// just before its last sync. Where nothing can be written, nothing is waiting to be.
fn confirm(store: &Store, survey: &Survey) -> Result<(), StoreError> {
    let mut found = survey.manifests.iter().flatten();
    match found.try_for_each(|manifest| store.confirm(manifest.key)) {
        Err(StoreError::ReadOnly { .. }) => Ok(()),
        confirmed => confirmed,
    }
}

/// Refuses a plan with jobs that this version cannot run, before anything is begun.
fn refused(plan: &Plan, survey: &Survey) -> Option<Outcome> {
    let jobs = unsupported(plan, survey);
    let first = jobs.first()?;
    tell(format_args!(
        "error: nothing was begun: {} {} ({} in all; `vpc plan` tells more)",
        first.job.name(),
        first.why,
        counted(jobs.len(), "such job"),
    ));
    Some(Outcome {
        left: jobs.len(),
        ..Outcome::default()
    })
}

fn go(
    plan: &Plan,
    store: &Store,
    before: &Survey,
    options: &RunOptions,
    stop: &Stop,
) -> Result<Outcome, StoreError> {
    let cores = available_parallelism().map_or(1, usize::from);
    let settings = Options {
        threads: options.threads.map_or(cores, usize::from),
        keep_going: !options.fail_fast,
        checkpoint_every: Duration::from_secs(options.checkpoint_every),
        build: concat!("vpc ", env!("CARGO_PKG_VERSION")).to_owned(),
    };
    let observer: Box<dyn Observer> = match (options.quiet, io::stderr().is_terminal()) {
        (true, _) => Box::new(Quiet),
        (false, true) => Box::new(Bars::new(before.to_do())),
        (false, false) => Box::new(Lines::default()),
    };
    if !options.quiet {
        let (to_do, cached) = (before.to_do(), before.cached());
        tell(format_args!(
            "{}: {} to do, {cached} cached, store {}",
            plan.study,
            counted(to_do, "job"),
            store.root().display()
        ));
    }
    let begun = Instant::now();
    let outcome = vpc_engine::run(plan, store, &settings, stop, observer.as_ref())?;
    drop(observer);
    if !options.quiet {
        tell(format_args!(
            "{} done in {:.1} s",
            counted(outcome.made.len(), "job"),
            begun.elapsed().as_secs_f64()
        ));
    }
    Ok(outcome)
}

fn conclude(outcome: &Outcome, options: &RunOptions) {
    if outcome.stopped {
        let file = options.study.file.display();
        let only = options.only.only.iter();
        // Brackets and stars mean something to a shell.
        let only: String = only
            .map(|selection| selection.to_string().replace('\'', r"'\''"))
            .map(|selection| format!(" --only '{selection}'"))
            .collect();
        tell(format_args!(
            "stopped; what was done is kept. Go on with: vpc run {file}{only}"
        ));
    } else if !outcome.failed.is_empty() {
        let mut counts = vec![format!("{} failed", counted(outcome.failed.len(), "job"))];
        if !outcome.skipped.is_empty() {
            counts.push(format!("{} skipped", outcome.skipped.len()));
        }
        if outcome.left > 0 {
            counts.push(format!("{} not begun", outcome.left));
        }
        tell(format_args!(
            "{}; finished work is kept. Mend the cause and run again",
            counts.join(", ")
        ));
    }
}

fn status(outcome: &Outcome, signals: &Signals) -> Status {
    if outcome.stopped {
        return signals.last().map_or(Status::Problems, Status::Signal);
    }
    let any = |test: fn(&vpc_engine::Failure) -> bool| outcome.failed.iter().any(test);
    if any(|failure| failure.environment) {
        Status::Environment
    } else if any(|failure| failure.damage) {
        Status::Damaged
    } else if outcome.is_complete() {
        Status::Ok
    } else {
        Status::Problems
    }
}
