//! `vpc store pin` and `unpin`: jobs that are kept whatever happens.

use serde_json::json;
use vpc_store::{Key, Pin, Store, StoreError};

use super::{Ended, PinOptions, UnpinOptions};
use crate::exit::Status;
use crate::output::{columns, say, say_json, tell};
use crate::show::{failed, folder, looked, the};

pub(super) fn pin(options: &PinOptions) -> Ended {
    let look = looked(options.at.store.as_ref())?;
    if options.jobs.is_empty() {
        return list(&look, options.shape.is_json());
    }
    // All are looked up before any is pinned.
    let mut jobs = Vec::new();
    for job in &options.jobs {
        let one = the(&look, job)?;
        let label = one.manifest.labels.first().cloned().unwrap_or_default();
        jobs.push((one.manifest.key, label, one.is_evicted));
    }
    let folder = folder(options.at.store.as_ref())?;
    let store = Store::open(&folder).map_err(|error| failed(&error))?;
    for (key, label, is_evicted) in jobs {
        let pinned = store
            .pin(key, &options.why)
            .map_err(|error| failed(&error))?;
        let short = key.short();
        tell(match (pinned, is_evicted) {
            (false, _) => format!("pinned already: {short}  {label}"),
            (true, true) => {
                format!("pinned: {short}  {label}; it was evicted: once computed again, it stays")
            }
            (true, false) => format!("pinned: {short}  {label}"),
        });
    }
    Ok(Status::Ok)
}

pub(super) fn unpin(options: &UnpinOptions) -> Ended {
    let look = looked(options.at.store.as_ref())?;
    let pins = look.pins().map_err(|error| failed(&error))?;
    let mut keys = Vec::new();
    for job in &options.jobs {
        keys.push(pinned(&look, &pins, job)?);
    }
    let folder = folder(options.at.store.as_ref())?;
    let store = Store::open(&folder).map_err(|error| failed(&error))?;
    for key in keys {
        let removed = store.unpin(key).map_err(|error| failed(&error))?;
        let short = key.short();
        let word = if removed { "unpinned" } else { "not pinned" };
        tell(format_args!("{word}: {short}"));
    }
    Ok(Status::Ok)
}

/// The pinned job of this name or key; a pin may outlive its job.
fn pinned(look: &Store, pins: &[Pin], job: &str) -> Result<Key, Status> {
    let fits = |pin: &&Pin| job.len() >= 4 && pin.key.to_string().starts_with(job);
    let mut fitting = pins.iter().filter(fits);
    if let (Some(pin), None) = (fitting.next(), fitting.next()) {
        return Ok(pin.key);
    }
    Ok(the(look, job)?.manifest.key)
}

fn list(store: &Store, json: bool) -> Ended {
    let pins = named(store).map_err(|error| failed(&error))?;
    if json {
        let pins = pins.iter().map(|(pin, label, state)| {
            json!({ "key": pin.key, "label": label, "state": state, "why": pin.why })
        });
        let pins: Vec<_> = pins.collect();
        say_json(json!({ "schema": 1, "store": store.root().display().to_string(), "pins": pins }));
    } else if pins.is_empty() {
        tell("nothing is pinned");
    } else {
        let rows = pins
            .into_iter()
            .map(|(pin, label, state)| vec![pin.key.short(), label, state.to_owned(), pin.why]);
        say(columns(&["key", "job", "state", "why"], rows.collect(), 4));
    }
    Ok(Status::Ok)
}

/// The pins with the names of their jobs, and what became of those.
fn named(store: &Store) -> Result<Vec<(Pin, String, &'static str)>, StoreError> {
    let mut named = Vec::new();
    for pin in store.pins()? {
        let (manifest, state) = match store.find(pin.key)? {
            Some(found) => (Some(found), "there"),
            None => match store.evicted(pin.key)? {
                Some(trace) => (Some(trace), "evicted"),
                None => (None, "missing"),
            },
        };
        let label = manifest.and_then(|found| found.labels.into_iter().next());
        named.push((pin, label.unwrap_or_default(), state));
    }
    Ok(named)
}
