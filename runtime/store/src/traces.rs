//! Traces: the manifests of evicted jobs, without their files.
//!
//! A trace says what a job was, what it found and what it would take to compute it again. It takes
//! about a kilobyte, and goes when the job is published again.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;

use vpc_compiler::plan::Key;

use crate::error::During;
use crate::find::{Loaded, load_at};
use crate::layout::{Place, parent};
use crate::{Manifest, Store, StoreError, disk};

/// What it takes to compute a job again, with all of its inputs that are not there.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cost {
    /// What its makings took, in seconds.
    pub seconds: f64,
    /// How many jobs are to be computed.
    pub jobs: usize,
    /// How many of them, or of their inputs, left no word of how long they took.
    pub unknown: usize,
}

impl Cost {
    /// Counts one job more.
    pub(crate) fn add(&mut self, seconds: Option<f64>) {
        self.jobs += 1;
        match seconds {
            Some(seconds) => self.seconds += seconds,
            None => self.unknown += 1,
        }
    }
}

impl Store {
    /// Returns what is left of an evicted job.
    ///
    /// Ask [`Store::find`] first: a process that was killed may have left the trace of a job that
    /// is there again. A damaged trace is set aside and gives none.
    pub fn evicted(&self, key: Key) -> Result<Option<Manifest>, StoreError> {
        match self.load_trace(key)? {
            Loaded::Absent => Ok(None),
            Loaded::Good(trace) => Ok(Some(*trace)),
            Loaded::Bad(problem) => {
                self.set_trace_aside(key, &problem);
                Ok(None)
            }
        }
    }

    /// Goes through what is left of evicted jobs, in order of their keys.
    pub fn traces(
        &self,
    ) -> Result<impl Iterator<Item = Result<Manifest, StoreError>> + '_, StoreError> {
        let keys = self.keys_below("evicted")?.into_iter();
        let gone = keys.filter(|key| !self.layout().manifest(Place::job(*key)).exists());
        Ok(gone.filter_map(|key| self.evicted(key).transpose()))
    }

    /// Finds what is known of a job: the manifest of a finished one, or what an evicted one left.
    pub fn look_back(&self, key: Key) -> Result<Option<Manifest>, StoreError> {
        match self.find(key)? {
            Some(found) => Ok(Some(found)),
            None => self.evicted(key),
        }
    }

    /// Tells what it would take to compute an evicted job again.
    pub fn cost_again(&self, trace: &Manifest) -> Result<Cost, StoreError> {
        let mut cost = Cost::default();
        let mut seen = BTreeSet::from([trace.key]);
        let mut open = vec![trace.clone()];
        while let Some(gone) = open.pop() {
            cost.add(gone.seconds());
            for (_, input) in gone.inputs {
                if !seen.insert(input) || self.find(input)?.is_some() {
                    continue;
                }
                match self.evicted(input)? {
                    Some(trace) => open.push(trace),
                    None => cost.add(None),
                }
            }
        }
        Ok(cost)
    }

    pub(crate) fn load_trace(&self, key: Key) -> Result<Loaded, StoreError> {
        load_at(&self.layout().trace(key), Place::job(key))
    }

    /// Moves the manifest of a finished job to the traces; its blobs stay for now.
    ///
    /// To be called with publishing kept out, and followed by a sync of both folders before any
    /// blob goes: a crash then leaves a finished job with all its files, or a trace.
    pub(crate) fn move_to_traces(&self, key: Key) -> Result<bool, StoreError> {
        let from = self.layout().manifest(Place::job(key));
        let to = self.layout().trace(key);
        self.settle(parent(&to))?;
        match fs::rename(&from, &to) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            moved => moved.during("evict", &from).map(|()| true),
        }
    }

    /// Makes moved manifests durable, in their new folders first.
    pub(crate) fn sync_moved(&self, keys: &[Key]) -> Result<(), StoreError> {
        let folders = |path: fn(&Self, Key) -> std::path::PathBuf| -> BTreeSet<_> {
            let paths = keys.iter().map(|key| path(self, *key));
            paths.map(|path| parent(&path).to_owned()).collect()
        };
        let traces = folders(|store, key| store.layout().trace(key));
        let jobs = folders(|store, key| store.layout().manifest(Place::job(key)));
        traces
            .iter()
            .chain(&jobs)
            .try_for_each(|folder| disk::sync_folder(folder))
    }

    /// Removes the trace of a job that has been published again; what came out differently is a
    /// warning.
    pub(crate) fn end_trace(&self, ours: &Manifest) {
        if ours.step.is_some() {
            return;
        }
        match self.load_trace(ours.key) {
            Ok(Loaded::Absent) | Err(_) => return,
            Ok(Loaded::Bad(_)) => {}
            Ok(Loaded::Good(trace)) => self.warn_of_change(&trace, ours),
        }
        let path = self.layout().trace(ours.key);
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != ErrorKind::NotFound
        {
            let error = StoreError::io("remove", &path, error);
            self.warn(format!("an old trace stays: {error}"));
        }
    }

    fn warn_of_change(&self, before: &Manifest, now: &Manifest) {
        if let Err(StoreError::Nondeterministic { difference, .. }) = before.agree(now) {
            self.warn(format!(
                "job {} is not what it was before it was evicted: {difference}",
                now.key.short()
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Draft;

    const KEY: Key = Key::new([4; 32]);

    fn publish(store: &Store, key: Key, content: &[u8], inputs: &[Key]) -> Manifest {
        let mut attempt = store.attempt(key).unwrap();
        attempt.write("a", content).unwrap();
        let inputs = inputs.iter().map(|key| ("data".to_owned(), *key)).collect();
        let draft = Draft {
            inputs,
            made: json!({"seconds": 2.5}),
            ..Draft::default()
        };
        attempt.publish(draft).unwrap()
    }

    fn fresh() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("s")).unwrap();
        (folder, store)
    }

    #[test]
    fn a_trace_stays_until_the_job_is_published_again() {
        let (_folder, store) = fresh();
        let made = publish(&store, KEY, b"1", &[]);
        assert!(store.evicted(KEY).unwrap().is_none());
        assert!(store.move_to_traces(KEY).unwrap());
        assert!(!store.move_to_traces(KEY).unwrap());
        store.sync_moved(&[KEY]).unwrap();
        assert!(store.find(KEY).unwrap().is_none());
        assert_eq!(store.evicted(KEY).unwrap(), Some(made.clone()));
        assert_eq!(store.traces().unwrap().count(), 1);
        publish(&store, KEY, b"1", &[]);
        assert_eq!(store.find(KEY).unwrap(), Some(made));
        assert!(store.evicted(KEY).unwrap().is_none());
        assert!(store.warnings().is_empty());
    }

    #[test]
    fn a_second_making_that_differs_is_told() {
        let (_folder, store) = fresh();
        publish(&store, KEY, b"1", &[]);
        store.move_to_traces(KEY).unwrap();
        publish(&store, KEY, b"2", &[]);
        assert!(store.evicted(KEY).unwrap().is_none());
        let warnings = store.warnings();
        assert!(warnings[0].contains("file `a` was"), "{warnings:?}");
    }

    #[test]
    fn the_cost_counts_the_whole_chain_once() {
        let (_folder, store) = fresh();
        let [data, left, right, top] = [1, 2, 3, 4].map(|n| Key::new([n; 32]));
        publish(&store, data, b"d", &[]);
        publish(&store, left, b"l", &[data]);
        publish(&store, right, b"r", &[data, Key::new([9; 32])]);
        let made = publish(&store, top, b"t", &[left, right]);
        store.move_to_traces(top).unwrap();
        let cost = |seconds, jobs, unknown| Cost {
            seconds,
            jobs,
            unknown,
        };
        assert_eq!(store.cost_again(&made).unwrap(), cost(2.5, 1, 0));
        for gone in [left, right, data] {
            store.move_to_traces(gone).unwrap();
        }
        assert_eq!(store.cost_again(&made).unwrap(), cost(10.0, 5, 1));
    }
}
