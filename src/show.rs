//! `vpc show`: one job as the store knows it.

use std::env;
use std::path::PathBuf;

use vpc_store::{Manifest, Store, StoreError};

use crate::command::ShowOptions;
use crate::exit::Status;
use crate::output::{grouped, say, tell};

pub(crate) fn show(options: &ShowOptions) -> Status {
    let Some(folder) = options.store.clone().or_else(nearest) else {
        tell("error: there is no store `.vp` here or above; name one with `--store DIR`");
        return Status::Use;
    };
    match find(&folder, &options.job) {
        Ok(Some(found)) => pick(&found, options),
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

/// The nearest `.vp` in this folder or above.
fn nearest() -> Option<PathBuf> {
    let here = env::current_dir().ok()?;
    here.ancestors()
        .map(|folder| folder.join(".vp"))
        .find(|store| store.is_dir())
}

/// Finished jobs with this name or beginning of a key.
fn find(folder: &std::path::Path, job: &str) -> Result<Option<Vec<Manifest>>, StoreError> {
    let Some(store) = Store::peek(folder)? else {
        return Ok(None);
    };
    let is_key = job.len() >= 4 && job.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_key {
        let found = store.find_prefix(job)?;
        if !found.is_empty() {
            return Ok(Some(found));
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
    Ok(Some(found))
}

/// The name of a job without its axes.
fn stem(label: &str) -> &str {
    label.split_once('[').map_or(label, |(stem, _)| stem)
}

fn pick(found: &[Manifest], options: &ShowOptions) -> Status {
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
                    Ok(json) => say(json),
                    Err(error) => tell(format_args!("error: {error}")),
                }
            } else {
                say(text(one));
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

fn text(manifest: &Manifest) -> String {
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
    for (name, file) in &manifest.files {
        let bytes = grouped(file.bytes);
        lines.push(format!("  {name}  {bytes} bytes  {}", file.digest.short()));
    }
    lines.push("made".to_owned());
    lines.extend(flat(&manifest.made));
    lines.join("\n")
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
