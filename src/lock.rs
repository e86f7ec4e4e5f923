//! `vpc lock`: writes down what the data files of a study hold.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::Deserialize;
use vpc_compiler::plan::{Job, Plan, Selection, Task};
use vpc_engine::{Device, Options, Stop};
use vpc_store::{Manifest, Store, StoreError};

use crate::command::LockOptions;
use crate::exit::Status;
use crate::locked::{
    Amount, LockFile, LockedCategory, LockedStudy, LockedTokens, NAME, below, data_files, folder,
};
use crate::output::{counted, grouped, tell, write_whole};
use crate::progress::Lines;
use crate::signals::Signals;
use crate::study::{Planned, planned};
use crate::{build, roots};

pub(crate) fn lock(options: &LockOptions) -> Status {
    let planned = match planned(&options.study, &options.kept) {
        Ok(planned) => planned,
        Err(status) => return status,
    };
    let gone = data_files(&planned.plan).into_keys();
    let gone: Vec<String> = gone.filter(|path| !Path::new(path).is_file()).collect();
    if !gone.is_empty() {
        tell(format_args!(
            "error: only what is there can be locked, and `{}` is not there",
            gone.join("`, `")
        ));
        return Status::Problems;
    }
    let counted = if options.count {
        count(&planned, options)
    } else {
        Ok(None)
    };
    match counted.and_then(|stopped| match stopped {
        Some(status) => Ok(status),
        None => write(&planned, options),
    }) {
        Ok(status) => status,
        Err(error) => {
            tell(format_args!("error: {error}"));
            Status::of(&error)
        }
    }
}

/// Makes corpora, tokenizers and tokens, so that all is counted; a status where that ended early.
fn count(planned: &Planned, options: &LockOptions) -> Result<Option<Status>, StoreError> {
    let wanted: Vec<Selection> = ["corpus", "tokens"]
        .iter()
        .filter(|kind| {
            planned
                .plan
                .jobs
                .iter()
                .any(|job| job.task.kind() == **kind)
        })
        .filter_map(|kind| kind.parse().ok())
        .collect();
    let Ok(data) = planned.plan.only(&wanted) else {
        return Ok(None);
    };
    let stop = Stop::default();
    let signals = match Signals::watch(&stop) {
        Ok(signals) => signals,
        Err(error) => {
            tell(format_args!("error: signals cannot be watched: {error}"));
            return Ok(Some(Status::Environment));
        }
    };
    let store = Store::open(&planned.folder)?;
    let file = &options.study.file;
    let _running = store.begin_run(&roots::record(&planned.plan, file, &planned.folder))?;
    store.remember(&planned.digests)?;
    let settings = Options {
        // It trains nothing.
        gpus: BTreeMap::new(),
        device: Device::default(),
        data_parallel: 1,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        keep_going: false,
        checkpoint_every: None,
        build: build::name().to_owned(),
        study: roots::place(file, &planned.folder),
        only: wanted.iter().map(ToString::to_string).collect(),
    };
    let outcome = vpc_engine::run(&data, &store, &settings, &stop, &Lines::default())?;
    Ok(if outcome.stopped {
        Some(signals.last().map_or(Status::Problems, Status::Signal))
    } else {
        (!outcome.is_complete()).then_some(Status::Problems)
    })
}

fn write(planned: &Planned, options: &LockOptions) -> Result<Status, StoreError> {
    let folder = folder(&options.study.file);
    let path = folder.join(NAME);
    let mut file = match LockFile::read(&path) {
        Ok(file) => file.unwrap_or_else(LockFile::new),
        Err(problem) => {
            tell(format_args!("error: {problem}"));
            return Ok(Status::Problems);
        }
    };
    let store = Store::peek(&planned.folder)?;
    let now = study(&planned.plan, &folder, store.as_ref())?;
    let name = planned.plan.study.clone();
    let before = file.studies.get(&name).cloned();
    // What a store has counted since is no change of the data.
    let is_same = match &before {
        Some(before) if options.check => before.files == now.files,
        before => before.as_ref() == Some(&now),
    };
    if is_same {
        tell(format_args!("{}: nothing changed", path.display()));
        return Ok(Status::Ok);
    }
    let changes = changes(&before.unwrap_or_default(), &now);
    file.studies.insert(name, now.clone());
    for change in changes {
        tell(format_args!("  {change}"));
    }
    if options.check {
        tell(format_args!(
            "error: `{}` is not up to date; write it with `vpc lock {}`",
            path.display(),
            options.study.file.display()
        ));
        return Ok(Status::Problems);
    }
    let text = serde_json::to_string_pretty(&file).map_err(io::Error::from);
    let written = text.and_then(|text| write_whole(&path, |new| writeln!(new, "{text}")));
    if let Err(error) = written {
        tell(format_args!(
            "error: `{}` cannot be written: {error}",
            path.display()
        ));
        return Ok(Status::Environment);
    }
    let (files, categories) = (now.files.len(), now.categories.len());
    tell(format_args!(
        "{}: {} locked, {} counted",
        path.display(),
        counted(files, "file"),
        if categories == 1 {
            "1 category".to_owned()
        } else {
            format!("{categories} categories")
        },
    ));
    Ok(Status::Ok)
}

/// What there is to lock of a study: its files, and what the store has counted.
fn study(plan: &Plan, folder: &Path, store: Option<&Store>) -> Result<LockedStudy, StoreError> {
    let mut study = LockedStudy::default();
    for (path, file) in data_files(plan) {
        study.files.insert(below(folder, &path), file);
    }
    let Some(store) = store else {
        return Ok(study);
    };
    for job in &plan.jobs {
        let name = job.name();
        match (&job.task, known(store, job)?) {
            (Task::Corpus(_), Some(found)) => {
                let category = name.strip_prefix("corpus/").unwrap_or(name);
                if let Ok(sides) = serde_json::from_value::<Sides<Amount>>(found.metrics) {
                    let category = study.categories.entry(category.to_owned()).or_default();
                    category.train = sides.train;
                    category.held_out = sides.held_out;
                }
            }
            (Task::Tokens, Some(found)) => {
                let inner = name.strip_prefix("tokens/").unwrap_or(name);
                let (category, tokenizer) = inner.split_once('@').unwrap_or((inner, ""));
                if let Ok(sides) = serde_json::from_value::<Sides<Encoded>>(found.metrics) {
                    let category = study.categories.entry(category.to_owned()).or_default();
                    let tokens = sides.train.tokens;
                    let locked = LockedTokens {
                        job: job.key,
                        train: tokens,
                    };
                    category.tokens.insert(tokenizer.to_owned(), locked);
                }
            }
            _ => {}
        }
    }
    Ok(study)
}

/// What a finished job is known by, even where its files are gone.
fn known(store: &Store, job: &Job) -> Result<Option<Manifest>, StoreError> {
    if !matches!(job.task, Task::Corpus(_) | Task::Tokens) {
        return Ok(None);
    }
    store.look_back(job.key)
}

/// The two sides of a category, as jobs count them.
#[derive(Deserialize)]
struct Sides<T> {
    train: T,
    held_out: T,
}

#[derive(Deserialize)]
struct Encoded {
    tokens: u64,
}

fn changes(before: &LockedStudy, now: &LockedStudy) -> Vec<String> {
    let mut lines = Vec::new();
    for (path, file) in &now.files {
        let bytes = grouped(file.bytes);
        match before.files.get(path) {
            None => lines.push(format!("+ {path}  {bytes} bytes")),
            Some(known) if known.digest != file.digest => lines.push(format!(
                "~ {path}  {} bytes → {bytes} bytes",
                grouped(known.bytes)
            )),
            Some(_) => {}
        }
    }
    let gone = before
        .files
        .keys()
        .filter(|path| !now.files.contains_key(*path));
    lines.extend(gone.map(|path| format!("- {path}")));
    for (name, category) in &now.categories {
        if before.categories.get(name) != Some(category) {
            lines.push(format!("  {name}: {}", amount(category)));
        }
    }
    lines
}

fn amount(category: &LockedCategory) -> String {
    let documents = category.train.documents + category.held_out.documents;
    let bytes = category.train.bytes + category.held_out.bytes;
    let mut text = format!("{} documents, {} bytes", grouped(documents), grouped(bytes));
    for (tokenizer, tokens) in &category.tokens {
        text += &format!(
            ", {} tokens of `{tokenizer}` to train on",
            grouped(tokens.train)
        );
    }
    text
}
