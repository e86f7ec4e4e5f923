//! `vpc show`: one job as the store knows it.

use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::json;
use vpc_compiler::nearest as nearest_name;
use vpc_store::{Cost, Manifest, Store, StoreError};

use crate::command::ShowOptions;
use crate::exit::Status;
use crate::output::{counted, grouped, lasting, say, say_bytes, say_json, tell};

pub(crate) fn show(options: &ShowOptions) -> Status {
    let shown = looked(options.store.as_ref()).and_then(|store| {
        let one = &the(&store, &options.job)?;
        if let Some(name) = &options.file {
            return write_out(&store, one, name);
        }
        let screen = screen(&store, one, options.json).map_err(|error| failed(&error))?;
        if options.json {
            say_json(screen);
        } else {
            say(screen);
        }
        Ok(())
    });
    shown.err().unwrap_or(Status::Ok)
}

/// Writes a file of a job, checked.
fn write_out(store: &Store, job: &Named, name: &str) -> Result<(), Status> {
    let manifest = &job.manifest;
    let Some(file) = manifest.files.get(name) else {
        let names: Vec<String> = manifest
            .files
            .keys()
            .map(|name| format!("`{name}`"))
            .collect();
        tell(format_args!("error: the job has no file `{name}`"));
        match names.as_slice() {
            [] => tell("help: it has none; its numbers are shown without `--file`"),
            names => tell(format_args!("help: it has {}", names.join(", "))),
        }
        return Err(Status::Problems);
    };
    let bytes = store.read(file).map_err(|error| failed(&error))?;
    say_bytes(&bytes);
    Ok(())
}

/// Tells a failure of the store.
pub(crate) fn failed(error: &StoreError) -> Status {
    tell(format_args!("error: {error}"));
    Status::of(error)
}

/// The folder of the store that is told, or else of the nearest.
pub(crate) fn folder(told: Option<&PathBuf>) -> Result<PathBuf, Status> {
    told.cloned().or_else(nearest).ok_or_else(|| {
        tell(
            "error: there is no store `.vp` here, above, or in just one folder below; name one with `--store DIR`",
        );
        Status::Use
    })
}

/// A store to look at: as told, or the nearest.
pub(crate) fn looked(told: Option<&PathBuf>) -> Result<Store, Status> {
    let folder = folder(told)?;
    let store = Store::peek(&folder).map_err(|error| failed(&error))?;
    store.ok_or_else(|| {
        tell(format_args!(
            "error: there is no store at `{}`",
            folder.display()
        ));
        Status::Use
    })
}

/// The nearest `.vp`: in this folder or above, or else in the one folder right below that has one.
pub(crate) fn nearest() -> Option<PathBuf> {
    let here = env::current_dir().ok()?;
    let store = |folder: &Path| Some(folder.join(".vp")).filter(|store| store.is_dir());
    if let Some(found) = here.ancestors().find_map(store) {
        return Some(found);
    }
    let below = fs::read_dir(&here).ok()?.flatten();
    let mut found = below.filter_map(|entry| store(&entry.path()));
    let only = found.next()?;
    found.next().is_none().then_some(only)
}

/// A job of a store, or what is left of it.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) manifest: Manifest,
    pub(crate) is_evicted: bool,
}

/// The jobs with this name or beginning of a key: finished ones, or else evicted ones.
fn find(store: &Store, job: &str) -> Result<Vec<Named>, StoreError> {
    // Keys are found by their folders, without reading all manifests.
    let mut found = if is_key(job) {
        store.find_prefix(job)?
    } else {
        Vec::new()
    };
    if found.is_empty() {
        found = fitting(store.manifests()?, job)?;
    }
    let is_evicted = found.is_empty();
    if is_evicted {
        found = fitting(store.traces()?, job)?;
    }
    found.sort_by(|a, b| (&a.labels, a.key).cmp(&(&b.labels, b.key)));
    let named = |manifest| Named {
        manifest,
        is_evicted,
    };
    Ok(found.into_iter().map(named).collect())
}

fn is_key(job: &str) -> bool {
    job.len() >= 4 && job.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Those with this beginning of a key; else those of this name; else all that have the name but
/// for their axes.
fn fitting(
    manifests: impl Iterator<Item = Result<Manifest, StoreError>>,
    job: &str,
) -> Result<Vec<Manifest>, StoreError> {
    let digits = job.to_ascii_lowercase();
    let [mut by_key, mut by_name, mut family] = [const { Vec::new() }; 3];
    for manifest in manifests {
        let manifest = manifest?;
        let has = |name: fn(&str) -> &str| manifest.labels.iter().any(|label| name(label) == job);
        if is_key(job) && manifest.key.to_string().starts_with(&digits) {
            by_key.push(manifest);
        } else if has(|label| label) {
            by_name.push(manifest);
        } else if has(stem) {
            family.push(manifest);
        }
    }
    let all = [by_key, by_name, family].into_iter();
    Ok(all
        .into_iter()
        .find(|list| !list.is_empty())
        .unwrap_or_default())
}

/// The name of a job without its axes.
pub(crate) fn stem(label: &str) -> &str {
    label.split_once('[').map_or(label, |(stem, _)| stem)
}

/// The one job that was named; none and several are told.
pub(crate) fn the(store: &Store, job: &str) -> Result<Named, Status> {
    let mut found = find(store, job).map_err(|error| failed(&error))?;
    match found.len() {
        0 => {
            tell(format_args!(
                "error: no finished job is called `{job}` or has a key that begins so"
            ));
            match near(store, job).map_err(|error| failed(&error))? {
                Some(near) => tell(format_args!("help: did you mean `{near}`?")),
                None => {
                    tell("help: `vpc plan FILE --jobs` lists the names and keys of a study's jobs");
                }
            }
            Err(Status::Problems)
        }
        1 => Ok(found.remove(0)),
        several => {
            tell(format_args!("error: `{job}` names {several} jobs:"));
            for Named { manifest, .. } in &found {
                let label = manifest.labels.first().map_or("", String::as_str);
                tell(format_args!("  {}  {label}", manifest.key.short()));
            }
            tell("help: name one of them, or the beginning of its key");
            Err(Status::Use)
        }
    }
}

/// The same, where its files must be there.
pub(crate) fn kept(store: &Store, job: &str) -> Result<Manifest, Status> {
    let found = the(store, job)?;
    if !found.is_evicted {
        return Ok(found.manifest);
    }
    let cost = store.cost_again(&found.manifest);
    let cost = as_text(&cost.map_err(|error| failed(&error))?);
    tell(format_args!(
        "error: `{job}` was evicted, so its files are gone; computing it again would take {cost}"
    ));
    tell("help: run its study again");
    Err(Status::Problems)
}

/// The name of a finished job that may have been meant.
fn near(store: &Store, job: &str) -> Result<Option<String>, StoreError> {
    let mut labels = Vec::new();
    for manifest in store.manifests()? {
        labels.extend(manifest?.labels);
    }
    let all = labels.iter().map(String::as_str);
    let stems = labels.iter().map(|label| stem(label));
    Ok(nearest_name(job, all.chain(stems)).map(str::to_owned))
}

fn screen(store: &Store, one: &Named, json: bool) -> Result<String, StoreError> {
    let Named {
        manifest,
        is_evicted,
    } = one;
    let cost = is_evicted.then(|| store.cost_again(manifest)).transpose()?;
    if json {
        let mut json = serde_json::to_value(manifest).unwrap_or_default();
        if let Some(cost) = cost {
            json["evicted"] = as_json(&cost);
        }
        return Ok(format!("{json:#}"));
    }
    let kept = vpc_engine::kept(store, manifest)?;
    Ok(text(manifest, &kept, cost.as_ref()))
}

/// What computing a job again would take, for programs.
pub(crate) fn as_json(cost: &Cost) -> serde_json::Value {
    json!({ "seconds": cost.seconds, "jobs": cost.jobs, "unknown": cost.unknown })
}

/// The same for people: `3 min 20 s with 2 evicted inputs`.
pub(crate) fn as_text(cost: &Cost) -> String {
    let inputs = match cost.jobs.saturating_sub(1) {
        0 => String::new(),
        more => format!(" with {}", counted(more, "evicted input")),
    };
    match (cost.unknown, cost.unknown == cost.jobs) {
        (0, _) => format!("{}{inputs}", lasting(cost.seconds)),
        (_, true) => format!("an unknown time{inputs}"),
        _ => format!("more than {}{inputs}", lasting(cost.seconds)),
    }
}

fn text(manifest: &Manifest, kept: &[(u64, Manifest)], cost: Option<&Cost>) -> String {
    let mut lines = vec![
        format!("{} {}", manifest.kind, manifest.labels.join(", ")),
        format!("key     {}", manifest.key),
    ];
    lines.extend(cost.map(|cost| {
        let cost = as_text(cost);
        format!("evicted, would take {cost} to compute again; its files are gone")
    }));
    lines.push("inputs".to_owned());
    lines.extend(
        manifest
            .inputs
            .iter()
            .map(|(role, key)| format!("  {role:<9} {}", key.short())),
    );
    lines.push("computed".to_owned());
    lines.extend(flat(&manifest.spec));
    lines.push("found".to_owned());
    lines.extend(flat(&manifest.metrics));
    lines.push("files".to_owned());
    lines.extend(files(manifest));
    for (step, checkpoint) in kept {
        lines.push(format!("kept at step {}", grouped(*step)));
        lines.extend(files(checkpoint));
    }
    lines.push("made".to_owned());
    lines.extend(flat(&manifest.made));
    lines.join("\n")
}

/// Name, size and content of each file; the content lies in `objects/` of the store.
fn files(manifest: &Manifest) -> impl Iterator<Item = String> {
    manifest.files.iter().map(|(name, file)| {
        let bytes = grouped(file.bytes);
        format!("  {name}  {bytes} bytes  {}", file.digest.short())
    })
}

/// A JSON object as `name value` lines, one level deep.
fn flat(value: &serde_json::Value) -> Vec<String> {
    let fields = value.as_object().into_iter().flatten();
    fields
        .map(|(name, value)| match value {
            serde_json::Value::String(text) => format!("  {name} {text}"),
            other => format!("  {name} {other}"),
        })
        .collect()
}
