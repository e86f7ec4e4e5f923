//! `vpc store du`: what takes up the room.

use serde_json::json;
use vpc_store::{Amount, Store, StudyUse, Usage, size_in_words};

use super::{DuOptions, Ended};
use crate::exit::Status;
use crate::output::{columns, counted, say, say_json, tell};
use crate::show::{failed, looked};

pub(super) fn du(options: &DuOptions) -> Ended {
    let store = looked(options.at.store.as_ref())?;
    let usage = store.usage().map_err(|error| failed(&error))?;
    if options.shape.is_json() {
        say_json(as_json(&store, &usage));
    } else {
        say(as_text(&store, &usage));
    }
    if usage.damaged + store.damage().len() > 0 {
        tell("warning: something is damaged and was not counted; `vpc store verify` tells more");
        return Ok(Status::Damaged);
    }
    Ok(Status::Ok)
}

fn as_text(store: &Store, usage: &Usage) -> String {
    let total = size_in_words(usage.total.bytes);
    let files = counted(usage.total.count, "file");
    let mut parts = vec![format!("{}: {total} in {files}\n", store.root().display())];
    let row = |what: &str, amount: Amount| {
        vec![
            what.to_owned(),
            amount.count.to_string(),
            size_in_words(amount.bytes),
        ]
    };
    let mut rows: Vec<_> = usage
        .kinds
        .iter()
        .map(|kind| row(&kind.kind, kind.jobs))
        .collect();
    for (what, amount) in loose(usage) {
        if amount.count > 0 {
            rows.push(row(what, amount));
        }
    }
    parts.push(columns(&["what", "count", "size"], rows, 1));
    if usage.shared_by_kinds > 0 {
        let shared = size_in_words(usage.shared_by_kinds);
        parts.push(format!(
            "{shared} are shared by several kinds, and counted once"
        ));
    }
    parts.push(String::new());
    parts.push(studies(&usage.studies));
    if usage.shared_by_studies > 0 {
        let shared = size_in_words(usage.shared_by_studies);
        parts.push(format!("{shared} are shared by several studies"));
    }
    if usage.unreached.count > 0 {
        parts.push(format!(
            "{} in {} that no study needs; `vpc store gc` shows what may go",
            size_in_words(usage.unreached.bytes),
            counted(usage.unreached.count, "finished job"),
        ));
    }
    if usage.pinned > 0 {
        parts.push(format!("{} pinned", counted(usage.pinned, "job")));
    }
    parts.join("\n")
}

/// What is not files of finished jobs.
fn loose(usage: &Usage) -> [(&'static str, Amount); 7] {
    [
        ("checkpoints", usage.checkpoints),
        ("manifests", usage.manifests),
        ("traces of evicted jobs", usage.traces),
        ("files of no job", usage.orphans),
        ("quarantine", usage.quarantine),
        ("work under way or cut short", usage.private),
        ("results, records, locks", usage.others),
    ]
}

fn studies(studies: &[StudyUse]) -> String {
    if studies.is_empty() {
        return "no study is filed here yet; `vpc run` files one".to_owned();
    }
    let row = |study: &StudyUse| {
        let name = match study.jobs {
            0 => format!("{} (forgotten)", study.file),
            _ => study.file.clone(),
        };
        vec![
            name,
            study.jobs.to_string(),
            study.finished.to_string(),
            study.evicted.to_string(),
            size_in_words(study.bytes),
            size_in_words(study.own),
        ]
    };
    let header = [
        "study",
        "jobs",
        "finished",
        "evicted",
        "size",
        "only its own",
    ];
    columns(&header, studies.iter().map(row).collect(), 1)
}

fn as_json(store: &Store, usage: &Usage) -> serde_json::Value {
    let amount = |amount: Amount| json!({ "count": amount.count, "bytes": amount.bytes });
    let kinds = usage
        .kinds
        .iter()
        .map(|one| json!({ "kind": one.kind, "jobs": one.jobs.count, "bytes": one.jobs.bytes }));
    let studies = usage.studies.iter().map(|study| {
        json!({
            "name": study.name,
            "file": study.file,
            "jobs": study.jobs,
            "finished": study.finished,
            "evicted": study.evicted,
            "bytes": study.bytes,
            "own_bytes": study.own,
        })
    });
    json!({
        "schema": 1,
        "store": store.root().display().to_string(),
        "total": amount(usage.total),
        "kinds": kinds.collect::<Vec<_>>(),
        "checkpoints": amount(usage.checkpoints),
        "manifests": amount(usage.manifests),
        "traces": amount(usage.traces),
        "orphans": amount(usage.orphans),
        "quarantine": amount(usage.quarantine),
        "private": amount(usage.private),
        "others": amount(usage.others),
        "shared_by_kinds_bytes": usage.shared_by_kinds,
        "studies": studies.collect::<Vec<_>>(),
        "shared_by_studies_bytes": usage.shared_by_studies,
        "unreached": amount(usage.unreached),
        "pinned": usage.pinned,
        "damaged": usage.damaged,
    })
}
