//! `vpc show`: one job as the store knows it.

use std::path::{Path, PathBuf};
use std::{env, fs};

use vpc_store::{Manifest, Store, StoreError};

use crate::command::ShowOptions;
use crate::exit::Status;
use crate::output::{grouped, say, say_json, tell};

pub(crate) fn show(options: &ShowOptions) -> Status {
    let Some(folder) = options.store.clone().or_else(nearest) else {
        tell(
            "error: there is no store `.vp` here, above, or in just one folder below; name one with `--store DIR`",
        );
        return Status::Use;
    };
    match find(&folder, &options.job) {
        Ok(Some((store, found))) => pick(&store, &found, options),
        Ok(None) => {
            tell(format_args!(
                "error: there is no store at `{}`",
                folder.display()
            ));
            Status::Use
        }
        Err(error) => {
            tell(format_args!("error: {error}"));
            Status::of(&error)
        }
    }
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

/// Finished jobs with this name or beginning of a key.
fn find(folder: &Path, job: &str) -> Result<Option<(Store, Vec<Manifest>)>, StoreError> {
    let Some(store) = Store::peek(folder)? else {
        return Ok(None);
    };
    let is_key = job.len() >= 4 && job.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_key {
        let found = store.find_prefix(job)?;
        if !found.is_empty() {
            return Ok(Some((store, found)));
        }
    }
    // A name without its axes stands for all jobs of that name.
    let (mut found, mut family) = (Vec::new(), Vec::new());
    for manifest in store.manifests()? {
        let manifest = manifest?;
        if manifest.labels.iter().any(|label| label == job) {
            found.push(manifest);
        } else if manifest.labels.iter().any(|label| stem(label) == job) {
            family.push(manifest);
        }
    }
    if found.is_empty() {
        found = family;
    }
    found.sort_by(|a, b| (&a.labels, a.key).cmp(&(&b.labels, b.key)));
    Ok(Some((store, found)))
}

/// The name of a job without its axes.
pub(crate) fn stem(label: &str) -> &str {
    label.split_once('[').map_or(label, |(stem, _)| stem)
}

fn pick(store: &Store, found: &[Manifest], options: &ShowOptions) -> Status {
    match found {
        [] => {
            let job = &options.job;
            tell(format_args!(
                "error: no finished job is called `{job}` or has a key that begins so"
            ));
            tell("help: `vpc plan FILE --jobs` lists the names and keys of a study's jobs");
            Status::Problems
        }
        [one] => {
            if options.json {
                match serde_json::to_string_pretty(one) {
                    Ok(json) => say_json(&json),
                    Err(error) => tell(format_args!("error: {error}")),
                }
            } else {
                match store.progress_all(one.key) {
                    Ok(kept) => say(text(one, &kept)),
                    Err(error) => {
                        tell(format_args!("error: {error}"));
                        return Status::of(&error);
                    }
                }
            }
            Status::Ok
        }
        several => {
            tell(format_args!(
                "error: `{}` names {} jobs:",
                options.job,
                several.len()
            ));
            for manifest in several {
                let label = manifest.labels.first().map_or("", String::as_str);
                tell(format_args!("  {}  {label}", manifest.key.short()));
            }
            tell("help: name one of them, or the beginning of its key");
            Status::Use
        }
    }
}

fn text(manifest: &Manifest, kept: &[(u64, Manifest)]) -> String {
    let mut lines = vec![
        format!("{} {}", manifest.kind, manifest.labels.join(", ")),
        format!("key     {}", manifest.key),
        "inputs".to_owned(),
    ];
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
