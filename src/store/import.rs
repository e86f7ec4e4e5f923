//! `vpc store import`: takes in what another machine wrote.

use std::path::{Path, PathBuf};

use serde_json::json;
use vpc_store::{Archive, Imported, Store, StoreError, StudyRecord, size_in_words};

use super::{Ended, ImportOptions, verify::bytes_bar};
use crate::exit::Status;
use crate::output::{counted, say, tell};
use crate::roots::place;
use crate::show::{failed, nearest};

pub(super) fn import(options: &ImportOptions) -> Ended {
    let archive = Archive::open(&options.file).map_err(|error| failed(&error))?;
    let study = options.into.as_ref().map(|into| into.join(archive.study()));
    let folder = folder(options, study.as_ref());
    let done = taken(options, archive, study.as_ref(), &folder).map_err(|error| failed(&error))?;
    if options.shape.is_json() {
        say(as_json(&folder, &done));
    } else {
        tell(words(&folder, &done));
    }
    for (key, difference) in &done.differing {
        tell(format_args!(
            "warning: job {} is here with other files, which stay: {difference}",
            key.short()
        ));
    }
    if done.kept_results > 0 {
        tell(
            "note: there are other results of this study here, which stay; `vpc run` files them anew",
        );
    }
    if let Some(study) = study {
        tell(format_args!("go on with: vpc run {}", study.display()));
    }
    Ok(if done.differing.is_empty() {
        Status::Ok
    } else {
        Status::Problems
    })
}

/// The store as told, or beside the study that is written, or the nearest, or here.
fn folder(options: &ImportOptions, study: Option<&PathBuf>) -> PathBuf {
    let beside = || study.map(|study| study.with_file_name(".vp"));
    let told = options.store.clone().or_else(beside).or_else(nearest);
    told.unwrap_or_else(|| ".vp".into())
}

fn taken(
    options: &ImportOptions,
    archive: Archive,
    study: Option<&PathBuf>,
    folder: &Path,
) -> Result<Imported, StoreError> {
    if let Some(into) = &options.into {
        let written = archive.write_texts(into)?;
        tell(format_args!(
            "{} written to {}",
            counted(written, "file"),
            into.display()
        ));
    }
    let file = study.map(|study| place(study, folder));
    let record = StudyRecord {
        file: file.unwrap_or_else(|| archive.study().to_owned()),
        ..archive.record().clone()
    };
    let store = Store::open(folder)?;
    let bar = bytes_bar();
    let done = store.import(archive, &record, &mut |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    for warning in store.warnings() {
        tell(format_args!("warning: {warning}"));
    }
    done
}

fn words(folder: &Path, done: &Imported) -> String {
    let mut text = format!(
        "{}: {} and {} new, {} there already; {} new without their files; {} read",
        folder.display(),
        counted(done.jobs, "job"),
        counted(done.checkpoints, "checkpoint"),
        done.there,
        counted(done.traces, "job"),
        size_in_words(done.files.bytes),
    );
    if !done.differing.is_empty() {
        text += &format!("; {} different here", counted(done.differing.len(), "job"));
    }
    text
}

fn as_json(folder: &Path, done: &Imported) -> serde_json::Value {
    let differing = done.differing.iter();
    let differing = differing.map(|(key, why)| json!({ "key": key, "difference": why }));
    json!({
        "schema": 1,
        "store": folder.display().to_string(),
        "jobs": done.jobs,
        "checkpoints": done.checkpoints,
        "traces": done.traces,
        "there": done.there,
        "differing": differing.collect::<Vec<_>>(),
        "files": { "count": done.files.count, "bytes": done.files.bytes },
    })
}
