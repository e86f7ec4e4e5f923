//! The manifests of an archive, checked before anything is done with them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Archive, index};
use crate::seal::{Flaw, decode};
use crate::{Digest, FileRecord, Manifest, StoreError};

/// Reads all manifests; each must be of its job, and each file of a whole job must come.
pub(super) fn manifests(archive: &mut Archive) -> Result<Vec<Manifest>, StoreError> {
    let blobs: BTreeMap<Digest, u64> = archive
        .index
        .blobs
        .iter()
        .map(|blob| (blob.digest, blob.bytes))
        .collect();
    let mut manifests = Vec::new();
    for listed in &archive.index.jobs {
        let name = listed.member();
        let text = archive.from.whole(&name, listed.bytes, listed.digest)?;
        let manifest = decode(&text).map_err(|flaw| {
            archive.from.wrong(match flaw {
                Flaw::Damaged(problem) => format!("its member `{name}` is damaged: {problem}"),
                Flaw::Newer(found) => {
                    format!("its member `{name}` has schema {found}; update `vpc`")
                }
            })
        })?;
        if (manifest.key, manifest.step) != (listed.key, listed.step) {
            return Err(archive
                .from
                .wrong(format!("`{name}` belongs to another job")));
        }
        if !is_plain(&manifest) {
            return Err(archive
                .from
                .wrong(format!("`{name}` has control characters")));
        }
        let comes = |file: &FileRecord| blobs.get(&file.digest) == Some(&file.bytes);
        if !listed.is_trace && !manifest.files.values().all(comes) {
            return Err(archive.from.wrong(format!("it lacks a file of `{name}`")));
        }
        manifests.push(manifest);
    }
    Ok(manifests)
}

/// Whether all texts of a manifest can be shown on a terminal as they are.
fn is_plain(manifest: &Manifest) -> bool {
    let mut texts = manifest
        .labels
        .iter()
        .chain(manifest.inputs.iter().map(|(role, _)| role));
    let mut values = vec![&manifest.spec, &manifest.metrics, &manifest.made];
    if !(index::is_plain(&manifest.kind) && texts.all(|text| index::is_plain(text))) {
        return false;
    }
    while let Some(value) = values.pop() {
        let is_plain = match value {
            Value::String(text) => index::is_plain(text),
            Value::Array(inner) => {
                values.extend(inner);
                true
            }
            Value::Object(inner) => {
                values.extend(inner.values());
                inner.keys().all(|name| index::is_plain(name))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => true,
        };
        if !is_plain {
            return false;
        }
    }
    true
}
