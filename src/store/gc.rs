//! `vpc store gc`: shows what may go, and removes it where that is asked for.

use serde_json::{Value, json};
use vpc_store::{
    Amount, Collected, Cost, Gone, Hindrance, Removal, Store, StoreError, size_in_words,
};

use super::{Ended, GcOptions};
use crate::exit::Status;
use crate::output::{columns, counted, lasting, say, say_json, tell};
use crate::show::{as_json, as_text, failed, folder, looked};

/// More jobs than this are counted, not listed.
const LISTED: usize = 30;

pub(super) fn gc(options: &GcOptions) -> Ended {
    let look = looked(options.at.store.as_ref())?;
    let folder = folder(options.at.store.as_ref())?;
    let wanted = vpc_store::GcOptions {
        to: options.to.as_ref().map(|size| size.bytes),
        ..vpc_store::GcOptions::default()
    };
    let is_json = options.shape.is_json();
    let (removal, removed) = if options.yes {
        let store = Store::open(&folder).map_err(|error| failed(&error))?;
        let (removal, removed) = clear(&store, &wanted, is_json).map_err(|error| failed(&error))?;
        (removal, Some(removed))
    } else {
        let removal = look.would_clear(&wanted).map_err(|error| failed(&error))?;
        (removal, None)
    };
    if is_json {
        say_json(json(&look, &removal, removed));
    } else if let Some(removed) = removed {
        say(done(&removed));
    } else {
        say(text(&look, &removal, options));
    }
    for hindrance in &removal.hindrances {
        tell(format_args!("note: {hindrance}"));
    }
    Ok(status(&removal))
}

fn clear(
    store: &Store,
    wanted: &vpc_store::GcOptions,
    is_json: bool,
) -> Result<(Removal, Collected), StoreError> {
    let clearing = store.clearing()?;
    let removal = clearing.choose(wanted)?;
    if !is_json {
        say(parts(store, &removal).trim_end());
    }
    let removed = clearing.carry_out(&removal)?;
    for warning in store.warnings() {
        tell(format_args!("warning: {warning}"));
    }
    Ok((removal, removed))
}

fn status(removal: &Removal) -> Status {
    let is_damaged = |hindrance: &Hindrance| matches!(hindrance, Hindrance::Damaged(_));
    if removal.hindrances.iter().any(is_damaged) {
        Status::Damaged
    } else if removal.to.is_some_and(|to| removal.after() > to) {
        Status::Problems
    } else {
        Status::Ok
    }
}

fn text(store: &Store, removal: &Removal, options: &GcOptions) -> String {
    if removal.is_empty() {
        return format!("{}nothing to remove", parts(store, removal));
    }
    let to = options.to.iter().map(|size| format!(" --to {}", size.text));
    let to: String = to.collect();
    format!(
        "{}nothing was removed; `vpc store gc{to} --yes` does it",
        parts(store, removal)
    )
}

/// The size of the store, what may go, and what computing it again would take.
fn parts(store: &Store, removal: &Removal) -> String {
    let now = size_in_words(removal.before);
    let mut text = format!("{}: {now}", store.root().display());
    if removal.is_empty() {
        return text + "\n";
    }
    let after = size_in_words(removal.after());
    text += &format!(", {after} without what may go\n\n");
    text += &columns(&["may go", "count", "size"], summary(removal), 1);
    text += "\n";
    text += &listed(
        "jobs that no study needs",
        &removal.jobs,
        &removal.jobs_again,
    );
    text += &listed(
        "jobs that make room",
        &removal.evicted,
        &removal.evicted_again,
    );
    let again = removal.evicted.iter().filter(|gone| !gone.is_input).count();
    if again > 0 {
        text += &format!(
            "{again} of them the next run of their study computes again, since nothing was made \
             from them\n",
        );
    }
    text + "\n"
}

fn summary(removal: &Removal) -> Vec<Vec<String>> {
    let sum = |gone: &[Gone]| Amount {
        count: gone.len(),
        bytes: gone.iter().map(|one| one.freed.bytes).sum(),
    };
    let traces = Amount {
        count: removal.stale_traces.len(),
        bytes: 0,
    };
    let all = [
        ("traces of jobs that are there again", traces),
        ("files of no job", removal.orphans),
        ("work that was cut short", removal.private),
        ("old quarantined files", removal.quarantine),
        ("checkpoints that no study keeps", sum(&removal.checkpoints)),
        ("jobs that no study needs", sum(&removal.jobs)),
        ("jobs that make room", sum(&removal.evicted)),
    ];
    let there = all.into_iter().filter(|(_, amount)| amount.count > 0);
    there
        .map(|(what, amount)| {
            vec![
                what.to_owned(),
                amount.count.to_string(),
                size_in_words(amount.bytes),
            ]
        })
        .collect()
}

fn listed(title: &str, gone: &[Gone], again: &Cost) -> String {
    if gone.is_empty() {
        return String::new();
    }
    let row = |one: &Gone| {
        vec![
            one.key.short(),
            one.label.clone(),
            one.kind.clone(),
            size_in_words(one.freed.bytes),
            as_text(&one.cost),
        ]
    };
    let rows = gone.iter().take(LISTED).map(row).collect();
    let header = ["key", title, "kind", "size", "to compute again"];
    let mut text = format!("\n{}\n", columns(&header, rows, 3));
    if gone.len() > LISTED {
        let more = gone.len() - LISTED;
        text += &format!("and {more} more; `--format json` lists them all\n");
    }
    text + &format!("all of them again: {}\n", as_text_of_all(again))
}

/// What computing all of them again would take, each once.
fn as_text_of_all(cost: &Cost) -> String {
    match cost.unknown {
        0 => lasting(cost.seconds),
        unknown => format!(
            "more than {}, and {} of unknown length",
            lasting(cost.seconds),
            counted(unknown, "job")
        ),
    }
}

fn done(removed: &Collected) -> String {
    let mut text = format!(
        "removed {}, {} and {} of files in {}",
        counted(removed.jobs, "job"),
        counted(removed.checkpoints, "checkpoint"),
        size_in_words(removed.blobs.bytes),
        counted(removed.blobs.count, "file"),
    );
    if removed.busy > 0 {
        text += &format!("; {} stayed, since a process works at them", removed.busy);
    }
    text
}

fn json(store: &Store, removal: &Removal, removed: Option<Collected>) -> Value {
    let amount = |amount: Amount| json!({ "count": amount.count, "bytes": amount.bytes });
    let all = |gone: &[Gone]| -> Vec<Value> { gone.iter().map(gone_as_json).collect() };
    let notes: Vec<String> = removal.hindrances.iter().map(ToString::to_string).collect();
    json!({
        "schema": 1,
        "store": store.root().display().to_string(),
        "bytes": removal.before,
        "bytes_after": removal.after(),
        "jobs": all(&removal.jobs),
        "jobs_again": as_json(&removal.jobs_again),
        "evicted": all(&removal.evicted),
        "evicted_again": as_json(&removal.evicted_again),
        "checkpoints": all(&removal.checkpoints),
        "orphans": amount(removal.orphans),
        "private": amount(removal.private),
        "quarantine": amount(removal.quarantine),
        "notes": notes,
        "removed": removed.map(|removed| json!({
            "jobs": removed.jobs,
            "checkpoints": removed.checkpoints,
            "files": amount(removed.blobs),
            "busy": removed.busy,
        })),
    })
}

fn gone_as_json(gone: &Gone) -> Value {
    json!({
        "key": gone.key,
        "step": gone.step,
        "label": gone.label,
        "kind": gone.kind,
        "bytes": gone.freed.bytes,
        "again": as_json(&gone.cost),
        "next_run_computes_it": !gone.is_input,
    })
}
