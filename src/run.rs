//! `vpc run`: runs what a study needs, then shows and files the results.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use vpc_compiler::plan::Plan;
use vpc_engine::{Observer, Options, Outcome, Stop, Survey, survey};
use vpc_report::{Numbers, draw, fill, gather, to_csv, to_json};
use vpc_store::{Store, StoreError};

use crate::command::RunOptions;
use crate::exit::Status;
use crate::output::{say, tell};
use crate::progress::{Bars, Lines, Quiet};
use crate::signals::Signals;
use crate::study::{compiled, store_folder};

pub(crate) fn run(options: &RunOptions) -> Status {
    let plan = match compiled(&options.study) {
        Ok(plan) => plan,
        Err(status) => return status,
    };
    let stop = Stop::default();
    let signals = match Signals::watch(&stop) {
        Ok(signals) => signals,
        Err(error) => {
            tell(format_args!("error: signals cannot be watched: {error}"));
            return Status::Environment;
        }
    };
    let folder = store_folder(&options.study.file, options.store.as_ref());
    match work(&plan, &folder, options, &stop) {
        Ok(outcome) => status(&outcome, &signals),
        Err(error) => {
            tell(format_args!("error: {error}"));
            Status::of(&error)
        }
    }
}

fn work(
    plan: &Plan,
    folder: &Path,
    options: &RunOptions,
    stop: &Stop,
) -> Result<Outcome, StoreError> {
    // A finished study is read without writing, so that it can be looked at on any disk.
    if let Some(store) = Store::peek(folder)? {
        let survey = survey(plan, Some(&store))?;
        if survey.to_do() == 0 {
            show_results(plan, &store)?;
            tell(format_args!(
                "nothing to do: all {} jobs needed are cached",
                survey.cached()
            ));
            return Ok(Outcome {
                cached: survey.cached(),
                ..Outcome::default()
            });
        }
    }
    let store = Store::open(folder)?;
    store.sweep()?;
    let before = survey(plan, Some(&store))?;
    let outcome = go(plan, &store, &before, options, stop)?;
    for warning in store.warnings() {
        tell(format_args!("warning: {warning}"));
    }
    if outcome.is_complete() {
        show_results(plan, &store)?;
        file_results(plan, &store)?;
    }
    conclude(&outcome, options);
    Ok(outcome)
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
            "{}: {to_do} jobs to do, {cached} cached, store {}",
            plan.study,
            store.root().display()
        ));
    }
    let begun = Instant::now();
    let outcome = vpc_engine::run(plan, store, &settings, stop, observer.as_ref())?;
    drop(observer);
    if !options.quiet {
        tell(format_args!(
            "{} jobs done in {:.1} s",
            outcome.made.len(),
            begun.elapsed().as_secs_f64()
        ));
    }
    Ok(outcome)
}

fn numbers(plan: &Plan, store: &Store) -> Result<Numbers, StoreError> {
    let survey = survey(plan, Some(store))?;
    let metrics = |key| {
        let at = plan.jobs.iter().position(|job| job.key == key)?;
        survey
            .manifests
            .get(at)?
            .as_ref()
            .map(|manifest| manifest.metrics.clone())
    };
    Ok(gather(plan, &metrics))
}

fn show_results(plan: &Plan, store: &Store) -> Result<(), StoreError> {
    let numbers = numbers(plan, store)?;
    for experiment in &plan.experiments {
        for table in experiment.reports.iter().flat_map(|report| &report.tables) {
            say(format_args!(
                "\n{}/{}",
                experiment.name,
                draw(&fill(table, experiment, &numbers))
            ));
        }
    }
    Ok(())
}

/// Files `results.csv` and `results.json` in the store.
fn file_results(plan: &Plan, store: &Store) -> Result<(), StoreError> {
    let numbers = numbers(plan, store)?;
    let folder = Path::new(&plan.study);
    let csv = to_csv(&numbers).map_err(|error| StoreError::of_write(io::Error::other(error)))?;
    let json =
        to_json(plan, &numbers).map_err(|error| StoreError::of_write(io::Error::other(error)))?;
    let csv = store.write_result(&folder.join("results.csv"), &csv)?;
    let json = store.write_result(&folder.join("results.json"), &json)?;
    tell(format_args!(
        "results: {}\n         {}",
        csv.display(),
        json.display()
    ));
    Ok(())
}

fn conclude(outcome: &Outcome, options: &RunOptions) {
    let file = options.study.file.display();
    if outcome.stopped {
        tell(format_args!(
            "stopped; what was done is kept. Go on with: vpc run {file}"
        ));
    } else if !outcome.failed.is_empty() {
        tell(format_args!(
            "{} jobs failed, {} were skipped; finished work is kept. Mend the cause and run again",
            outcome.failed.len(),
            outcome.skipped.len()
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
