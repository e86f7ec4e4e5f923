//! A look through everything in a store, without touching any of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use vpc_compiler::plan::Key;

use crate::error::During;
use crate::find::{Loaded, is_absence, names_in, paths_in};
use crate::layout::Place;
use crate::{Digest, FileRecord, Manifest, Store, StoreError};

/// What is needed of a manifest to count and to choose.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) step: Option<u64>,
    pub(crate) kind: String,
    pub(crate) label: String,
    pub(crate) seconds: Option<f64>,
    pub(crate) is_adopted: bool,
    pub(crate) inputs: Vec<Key>,
    /// Each file once.
    pub(crate) files: BTreeMap<Digest, u64>,
}

/// All that was found in a store.
#[derive(Debug, Default)]
pub(crate) struct Census {
    /// Finished jobs.
    pub(crate) jobs: BTreeMap<Key, Entry>,
    /// Checkpoints, in order of keys and steps.
    pub(crate) steps: Vec<Entry>,
    /// Evicted jobs that are not there again.
    pub(crate) traces: BTreeMap<Key, Entry>,
    /// Traces of jobs that are there again.
    pub(crate) stale_traces: Vec<Key>,
    /// Blobs and their sizes on the disk.
    pub(crate) objects: BTreeMap<Digest, u64>,
    /// Manifests and traces that cannot be read.
    pub(crate) damaged: usize,
}

/// Files and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amount {
    /// How many.
    pub count: usize,
    /// Their size, in bytes.
    pub bytes: u64,
}

impl Amount {
    /// Counts one thing more.
    pub(crate) fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
    }
}

impl From<Manifest> for Entry {
    fn from(manifest: Manifest) -> Self {
        let (seconds, is_adopted) = (manifest.seconds(), manifest.is_adopted());
        let file = |file: &FileRecord| (file.digest, file.bytes);
        Self {
            key: manifest.key,
            step: manifest.step,
            files: manifest.files.values().map(file).collect(),
            kind: manifest.kind,
            label: manifest.labels.into_iter().next().unwrap_or_default(),
            seconds,
            is_adopted,
            inputs: manifest.inputs.into_iter().map(|(_, key)| key).collect(),
        }
    }
}

impl Store {
    /// Reads all manifests and lists all blobs.
    pub(crate) fn census(&self) -> Result<Census, StoreError> {
        let mut census = Census::default();
        for key in self.keys_below("jobs")? {
            let found = self.load(Place::job(key))?;
            census.note(found, |census, entry| {
                census.jobs.insert(key, entry);
            });
        }
        for (key, step) in self.all_steps()? {
            let found = self.load(Place::step(key, step))?;
            census.note(found, |census, entry| census.steps.push(entry));
        }
        for key in self.keys_below("evicted")? {
            if census.jobs.contains_key(&key) {
                census.stale_traces.push(key);
                continue;
            }
            let found = self.load_trace(key)?;
            census.note(found, |census, entry| {
                census.traces.insert(key, entry);
            });
        }
        census.objects = self.objects()?;
        Ok(census)
    }

    /// Lists all checkpoints.
    pub(crate) fn all_steps(&self) -> Result<Vec<(Key, u64)>, StoreError> {
        let mut all = Vec::new();
        for name in names_in(&self.layout().folder("progress"))? {
            if let Ok(key) = name.parse::<Key>() {
                all.extend(self.steps(key)?.into_iter().map(|step| (key, step)));
            }
        }
        Ok(all)
    }

    /// Lists all blobs with their sizes on the disk.
    pub(crate) fn objects(&self) -> Result<BTreeMap<Digest, u64>, StoreError> {
        let mut objects = BTreeMap::new();
        for shard in paths_in(&self.layout().folder("objects"))? {
            let digits = shard.file_name().unwrap_or_default().to_string_lossy();
            for name in names_in(&shard)? {
                if let Ok(digest) = format!("{digits}{name}").parse() {
                    objects.insert(digest, bytes_of(&shard.join(&name))?.unwrap_or(0));
                }
            }
        }
        Ok(objects)
    }

    /// Counts the files of a folder of the store and below it.
    pub(crate) fn amount_below(&self, folder: &str) -> Result<Amount, StoreError> {
        let mut amount = Amount::default();
        add_below(&self.layout().folder(folder), &mut amount)?;
        Ok(amount)
    }

    /// Counts all files of the store.
    pub(crate) fn amount(&self) -> Result<Amount, StoreError> {
        self.amount_below("")
    }
}

impl Census {
    fn note(&mut self, found: Loaded, put: impl FnOnce(&mut Self, Entry)) {
        match found {
            Loaded::Absent => {}
            Loaded::Bad(_) => self.damaged += 1,
            Loaded::Good(manifest) => put(self, Entry::from(*manifest)),
        }
    }

    /// Goes through finished jobs and checkpoints: whatever names blobs.
    pub(crate) fn holders(&self) -> impl Iterator<Item = &Entry> {
        self.jobs.values().chain(&self.steps)
    }
}

fn add_below(folder: &Path, amount: &mut Amount) -> Result<(), StoreError> {
    for path in paths_in(folder)? {
        match fs::symlink_metadata(&path) {
            Err(error) if is_absence(error.kind()) => {}
            about if about.as_ref().is_ok_and(fs::Metadata::is_dir) => add_below(&path, amount)?,
            about => amount.add(about.during("look at", &path)?.len()),
        }
    }
    Ok(())
}

/// The size of a file; none where it is gone.
pub(crate) fn bytes_of(path: &Path) -> Result<Option<u64>, StoreError> {
    match fs::symlink_metadata(path) {
        Err(error) if is_absence(error.kind()) => Ok(None),
        about => Ok(Some(about.during("look at", path)?.len())),
    }
}
