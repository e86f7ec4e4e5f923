//! `vpc store verify`: every byte compared with what it should be.

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use vpc_store::{Audit, Consequence, ErrorKind, Found, Store, Suspect, size_in_words};

use super::{Ended, VerifyOptions};
use crate::exit::Status;
use crate::output::{counted, say, say_json, tell};
use crate::show::{failed, folder, looked};

pub(super) fn verify(options: &VerifyOptions) -> Ended {
    let store = looked(options.at.store.as_ref())?;
    let folder = folder(options.at.store.as_ref())?;
    let store = if options.read_only {
        store
    } else {
        match Store::open(&folder) {
            Err(error) if error.kind() == ErrorKind::Environment => {
                tell(format_args!("only looking: {error}"));
                store
            }
            opened => opened.map_err(|error| failed(&error))?,
        }
    };
    let audit = audit(&store).map_err(|error| failed(&error))?;
    if options.shape.is_json() {
        say_json(as_json(&store, &audit));
    } else {
        say(as_text(&store, &audit));
    }
    Ok(match audit.found.as_slice() {
        [] => Status::Ok,
        _ => Status::Damaged,
    })
}

/// Goes through the store, with a bar on a terminal.
fn audit(store: &Store) -> Result<Audit, vpc_store::StoreError> {
    let bar = bytes_bar();
    let audit = store.audit(&mut |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    audit
}

/// A bar of bytes; there is one on terminals only.
pub(super) fn bytes_bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    let style =
        "{bar:30} {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar
}

fn as_text(store: &Store, audit: &Audit) -> String {
    let mut lines = Vec::new();
    for found in &audit.found {
        lines.push(format!("{}: {}", thing(found), found.problem));
        let from = found.path.strip_prefix(store.root()).unwrap_or(&found.path);
        lines.push(match &found.moved_to {
            None => format!("  it is {}", from.display()),
            Some(to) => {
                let to = to.strip_prefix(store.root()).unwrap_or(to);
                format!("  it was {} and is now {}", from.display(), to.display())
            }
        });
        lines.push(format!("  {}", words(found.then)));
    }
    let records = counted(audit.records, "record");
    lines.push(format!(
        "{}: {} in {} read; {}, {}, {} and {records} compared",
        store.root().display(),
        size_in_words(audit.blobs.bytes),
        counted(audit.blobs.count, "file"),
        counted(audit.jobs, "finished job"),
        counted(audit.checkpoints, "checkpoint"),
        counted(audit.traces, "trace"),
    ));
    if audit.loose.count > 0 {
        lines.push(format!(
            "{} in {} belong to no job; `vpc store gc` shows what may go",
            size_in_words(audit.loose.bytes),
            counted(audit.loose.count, "file")
        ));
    }
    lines.push(match audit.found.len() {
        0 => "no damage".to_owned(),
        many => format!("{} found", counted(many, "damaged file")),
    });
    lines.join("\n")
}

/// What is damaged, in words.
fn thing(found: &Found) -> String {
    let job = |key: &vpc_store::Key| match &found.label {
        Some(label) => format!("`{label}` ({})", key.short()),
        None => key.short(),
    };
    match &found.what {
        Suspect::Job(key) => format!("finished job {}", job(key)),
        Suspect::Checkpoint(key, step) => format!("checkpoint of {} at step {step}", job(key)),
        Suspect::Trace(key) => format!("trace of the evicted job {}", job(key)),
        Suspect::Blob(digest) => format!("file {}", digest.short()),
        Suspect::Study => "record of a study".to_owned(),
        Suspect::Pin => "pin".to_owned(),
        Suspect::Journal => "journal of a run".to_owned(),
        Suspect::Digests => "remembered digests of data files".to_owned(),
    }
}

/// What follows, in words.
fn words(then: Consequence) -> &'static str {
    match then {
        Consequence::ComputedAgain => "the next `vpc run` of its study computes it again",
        Consequence::WhenNeeded => "it is computed again when something needs it",
        Consequence::NotNeeded => "no study needs it",
        Consequence::EarlierCheckpoint => {
            "a job under way goes on from an earlier one; what a study keeps is made again where \
             it is taken out"
        }
        Consequence::Forgotten => "what the job was, and what it took, is known no more",
        Consequence::SeeJobs => "the jobs that it is a file of are named on their own",
        Consequence::FileAgain => {
            "run the study once, that files it again; until then `vpc store gc` removes no job"
        }
        Consequence::BeginningStays => "what stands before the damage stays in the journal",
        Consequence::ReadAgain => "the next command reads data files again",
        Consequence::StaysPinned => "the job stays pinned; pin it again to say why",
    }
}

fn as_json(store: &Store, audit: &Audit) -> serde_json::Value {
    let found: Vec<_> = audit.found.iter().map(found_as_json).collect();
    json!({
        "schema": 1,
        "store": store.root().display().to_string(),
        "jobs": audit.jobs,
        "checkpoints": audit.checkpoints,
        "traces": audit.traces,
        "records": audit.records,
        "files": { "count": audit.blobs.count, "bytes": audit.blobs.bytes },
        "loose": { "count": audit.loose.count, "bytes": audit.loose.bytes },
        "damage": found,
    })
}

fn found_as_json(found: &Found) -> serde_json::Value {
    let (what, key, step) = match found.what {
        Suspect::Job(key) => ("job", Some(key), None),
        Suspect::Checkpoint(key, step) => ("checkpoint", Some(key), Some(step)),
        Suspect::Trace(key) => ("trace", Some(key), None),
        Suspect::Blob(_) => ("file", None, None),
        Suspect::Study => ("study", None, None),
        Suspect::Pin => ("pin", None, None),
        Suspect::Journal => ("journal", None, None),
        Suspect::Digests => ("digests", None, None),
    };
    json!({
        "what": what,
        "key": key,
        "step": step,
        "label": found.label,
        "path": found.path.display().to_string(),
        "problem": found.problem,
        "moved_to": found.moved_to.as_ref().map(|path| path.display().to_string()),
        "then": words(found.then),
    })
}
