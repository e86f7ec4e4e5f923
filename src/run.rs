//! `vpc run`: runs what a study needs, then shows and files the results.

use std::io::{self, IsTerminal};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use vpc_compiler::plan::Plan;
use vpc_engine::{
    Device, JobError, Observer, Options, Outcome, Stop, Survey, address_space, note_found, survey,
};
use vpc_store::{ErrorKind, Running, Store, StoreError};

use crate::command::RunOptions;
use crate::exit::Status;
use crate::output::{counted, tell};
use crate::progress::{Bars, Lines, Quiet};
use crate::refusal::{refusal, refused};
use crate::results::{self, Extent};
use crate::signals::Signals;
use crate::study::{Planned, planned, selected};
use crate::{build, gpus, roots, saved};

/// What the threads of a small run reserve, in bytes; they use little of it.
const LEAST_ADDRESS_SPACE: u64 = 1 << 30;

pub(crate) fn run(options: &RunOptions) -> Status {
    let done = if saved::is_saved(&options.study.file) {
        saved::read(&options.study.file).and_then(|saved| {
            let options = saved.options(options)?;
            Ok(carry_out(&saved.planned(&options)?, &options))
        })
    } else {
        planned(&options.study, &options.kept).map(|planned| carry_out(&planned, options))
    };
    done.unwrap_or_else(|status| status)
}

fn carry_out(planned: &Planned, options: &RunOptions) -> Status {
    let plan = match selected(&planned.plan, &options.only.only) {
        Ok(plan) => plan,
        Err(status) => return status,
    };
    let extent = Extent {
        whole: &planned.plan,
        plan: &plan,
    };
    if let Some(limit) = address_space().filter(|limit| *limit < LEAST_ADDRESS_SPACE) {
        tell(format_args!(
            "error: the limit on address space is {} MiB, and a run needs 1024; raise it (`ulimit -v`)",
            limit >> 20
        ));
        return Status::Environment;
    }
    if let Err(error) = options.device.check(usize::from(options.data_parallel)) {
        tell(format_args!("error: {error}"));
        return match error {
            JobError::NotParallel(_) => Status::Use,
            _ => Status::Environment,
        };
    }
    let stop = Stop::default();
    let signals = match Signals::watch(&stop) {
        Ok(signals) => signals,
        Err(error) => {
            tell(format_args!("error: signals cannot be watched: {error}"));
            return Status::Environment;
        }
    };
    match work(extent, planned, options, &stop) {
        Ok(outcome) => status(&outcome, &signals),
        Err(error) => {
            tell(format_args!("error: {error}"));
            Status::of(&error)
        }
    }
}

fn work(
    extent: Extent<'_>,
    planned: &Planned,
    options: &RunOptions,
    stop: &Stop,
) -> Result<Outcome, StoreError> {
    let (plan, folder) = (extent.plan, planned.folder.as_path());
    if plan.jobs.is_empty() {
        tell("nothing to do: the study has no experiment with jobs");
        return Ok(Outcome::default());
    }
    let there = Store::peek(folder)?;
    if let Some(refused) = refusal(plan, there.as_ref(), planned, options)? {
        return Ok(refused);
    }
    let (store, running) = enter(extent, there, planned, options)?;
    let before = survey(plan, Some(&store))?;
    if let Some(refused) = refused(plan, &before) {
        return Ok(refused);
    }
    let settings = settings(options, roots::place(&options.study.file, folder));
    if before.to_do() == 0 {
        confirm(&store, &before)?;
        // Nothing rests on the journal.
        if running.is_some()
            && let Err(error) = note_found(plan, &before, &store, &settings)
        {
            tell(format_args!(
                "warning: the journal was not written: {error}"
            ));
        }
        results::again(extent, &store, folder)?;
        leave(extent, &store, running, planned, options)?;
        tell(format_args!(
            "nothing to do; {} cached",
            counted(before.cached(), "job")
        ));
        return Ok(Outcome {
            cached: before.cached(),
            ..Outcome::default()
        });
    }
    store.sweep()?;
    let outcome = go(plan, &store, &before, &settings, options, stop)?;
    for warning in store.warnings() {
        tell(format_args!("warning: {warning}"));
    }
    if outcome.is_complete() {
        results::present(extent, &store, folder)?;
        leave(extent, &store, running, planned, options)?;
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

/// Opens the store and files the whole study there, before anything is looked up: from then on
/// nobody removes what the study needs.
///
/// Without the lock of runs where the disk cannot be written: a finished study can be looked at on
/// any disk.
fn enter(
    extent: Extent<'_>,
    there: Option<Store>,
    planned: &Planned,
    options: &RunOptions,
) -> Result<(Store, Option<Running>), StoreError> {
    let begun = Store::open(&planned.folder).and_then(|store| {
        if store.is_busy() && !options.quiet {
            tell("waiting for the store: another process clears it, or is just beginning");
        }
        let study = roots::record(extent.whole, &options.study.file, &planned.folder);
        let running = store.begin_run(&study)?;
        store.remember(&planned.digests)?;
        Ok((store, running))
    });
    match (begun, there) {
        (Ok((store, running)), _) => Ok((store, Some(running))),
        (Err(error), Some(there)) if error.kind() == ErrorKind::Environment => {
            let survey = survey(extent.plan, Some(&there))?;
            if survey.to_do() == 0 {
                Ok((there, None))
            } else {
                Err(error)
            }
        }
        (Err(error), _) => Err(error),
    }
}

/// Lets go of what an earlier text of the study named, now that all of this one is there.
fn leave(
    extent: Extent<'_>,
    store: &Store,
    running: Option<Running>,
    planned: &Planned,
    options: &RunOptions,
) -> Result<(), StoreError> {
    match running {
        Some(running) if !extent.is_part() => {
            let study = roots::record(extent.whole, &options.study.file, &planned.folder);
            store.end_run(running, &study)
        }
        _ => Ok(()),
    }
}

fn settings(options: &RunOptions, study: String) -> Options {
    let cores = available_parallelism().map_or(1, usize::from);
    let only = options.only.only.iter();
    Options {
        threads: options.threads.map_or(cores, usize::from),
        device: options.device,
        data_parallel: usize::from(options.data_parallel),
        gpus: gpus::measured(options.device),
        keep_going: !options.fail_fast,
        checkpoint_every: options.checkpoint_every.map(Duration::from_secs),
        build: build::name().to_owned(),
        study,
        only: only.map(ToString::to_string).collect(),
    }
}

fn go(
    plan: &Plan,
    store: &Store,
    before: &Survey,
    settings: &Options,
    options: &RunOptions,
    stop: &Stop,
) -> Result<Outcome, StoreError> {
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
    if !options.quiet {
        gpus::advise(options.device, plan, before, &settings.gpus);
    }
    let begun = Instant::now();
    let outcome = vpc_engine::run(plan, store, settings, stop, observer.as_ref())?;
    drop(observer);
    if !options.quiet {
        let reused = match outcome.reused.len() {
            0 => String::new(),
            reused => format!(", {reused} reused"),
        };
        tell(format_args!(
            "{} done{reused} in {:.1} s",
            counted(outcome.made.len(), "job"),
            begun.elapsed().as_secs_f64()
        ));
    }
    Ok(outcome)
}

/// The command that goes on with a run: with every option that bears on what it does.
pub(crate) fn again(options: &RunOptions, accept_changes: bool) -> String {
    // Blanks, brackets and stars mean something to a shell.
    let quoted = |text: String| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,@:+".contains(c);
        if text.chars().all(is_plain) {
            return text;
        }
        format!("'{}'", text.replace('\'', r"'\''"))
    };
    let mut command = format!(
        "vpc run {}",
        quoted(options.study.file.display().to_string())
    );
    for selection in &options.only.only {
        command += &format!(" --only {}", quoted(selection.to_string()));
    }
    if let Some(store) = &options.kept.store {
        command += &format!(" --store {}", quoted(store.display().to_string()));
    }
    if options.device != Device::default() {
        command += &format!(" --device {}", options.device);
    }
    if options.data_parallel > 1 {
        command += &format!(" --data-parallel {}", options.data_parallel);
    }
    for (is_set, option) in [
        (options.kept.strict_build, " --strict-build"),
        (accept_changes, " --accept-changes"),
    ] {
        if is_set {
            command += option;
        }
    }
    command
}

fn conclude(outcome: &Outcome, options: &RunOptions) {
    if outcome.stopped {
        tell(format_args!(
            "stopped; what was done is kept. Go on with: {}",
            again(options, options.accept_changes)
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
