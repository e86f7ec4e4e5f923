//! Removing what was chosen.
//!
//! The order keeps a store sound whenever the work is cut short: a manifest goes, durably, before
//! the blobs that only it named.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use vpc_compiler::plan::Key;

use super::{GcOptions, Removal};
use crate::census::Amount;
use crate::error::During;
use crate::layout::Place;
use crate::limits::CLEAR_AT_ONCE;
use crate::lock::Tried;
use crate::{Claim, Store, StoreError};

/// A clearing: while it lasts, no run begins and no pin changes.
#[derive(Debug)]
pub struct Clearing {
    store: Store,
    _roots: File,
    /// Held where no run is under way, so that none begins.
    idle: Option<File>,
}

/// What a clearing removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Collected {
    /// Finished jobs; each left a trace.
    pub jobs: usize,
    /// Checkpoints.
    pub checkpoints: usize,
    /// Blobs.
    pub blobs: Amount,
    /// Quarantined files and private folders.
    pub others: usize,
    /// Jobs and checkpoints that stayed, since a process works at them.
    pub busy: usize,
}

impl Store {
    /// Begins a clearing; waits for runs that are just beginning, and for other clearings.
    ///
    /// Where the file system has no locks this fails: nobody could tell whether a run is under
    /// way.
    pub fn clearing(&self) -> Result<Clearing, StoreError> {
        self.must_write()?;
        let refused = || StoreError::NoLocks {
            path: self.root().to_owned(),
        };
        let roots = self.hold_roots()?.ok_or_else(refused)?;
        let idle = match self.keep_runs_out()? {
            Tried::Taken(file) => Some(file),
            Tried::Busy => None,
            Tried::Unsupported => return Err(refused()),
        };
        Ok(Clearing {
            store: self.clone(),
            _roots: roots,
            idle,
        })
    }
}

impl Clearing {
    /// Chooses what would go; nothing of it becomes needed while the clearing lasts.
    pub fn choose(&self, options: &GcOptions) -> Result<Removal, StoreError> {
        self.store.choose(options, self.idle.is_some())
    }

    /// Removes what [`Clearing::choose`] chose.
    pub fn carry_out(self, removal: &Removal) -> Result<Collected, StoreError> {
        let mut done = Collected::default();
        done.others += self.store.sweep()?.removed;
        for path in &removal.quarantined {
            done.others += usize::from(remove(path)?);
        }
        self.remove_stale_traces(removal)?;
        self.remove_checkpoints(removal, &mut done)?;
        let evicted = removal.jobs.iter().chain(&removal.evicted);
        let keys: Vec<Key> = evicted.map(|gone| gone.key).collect();
        for keys in keys.chunks(CLEAR_AT_ONCE) {
            self.evict(keys, &mut done)?;
        }
        if removal.takes_blobs() {
            done.blobs = self.store.remove_orphans()?;
        }
        Ok(done)
    }

    fn remove_stale_traces(&self, removal: &Removal) -> Result<(), StoreError> {
        for key in &removal.stale_traces {
            if self.store.layout().manifest(Place::job(*key)).exists() {
                remove(&self.store.layout().trace(*key))?;
            }
        }
        Ok(())
    }

    fn remove_checkpoints(
        &self,
        removal: &Removal,
        done: &mut Collected,
    ) -> Result<(), StoreError> {
        let mut by_job: BTreeMap<Key, BTreeSet<u64>> = BTreeMap::new();
        for gone in &removal.checkpoints {
            by_job.entry(gone.key).or_default().extend(gone.step);
        }
        for (key, steps) in by_job {
            match self.store.claim(key)? {
                Claim::Busy => done.busy += steps.len(),
                Claim::Taken(_lock) => {
                    // A job that ended meanwhile has cleared its own.
                    let mut there = self.store.steps(key)?;
                    there.retain(|step| steps.contains(step));
                    self.store.remove_steps(key, &there)?;
                    done.checkpoints += there.len();
                }
            }
        }
        Ok(())
    }

    /// Moves manifests to the traces, with publishing kept out: who publishes a job again relies
    /// on a manifest that is there.
    fn evict(&self, keys: &[Key], done: &mut Collected) -> Result<(), StoreError> {
        let _alone = self.store.hold("publish", false)?;
        let mut moved = Vec::new();
        for key in keys {
            match self.store.claim(*key)? {
                Claim::Busy => done.busy += 1,
                Claim::Taken(_lock) => {
                    moved.extend(self.store.move_to_traces(*key)?.then_some(*key));
                }
            }
        }
        done.jobs += moved.len();
        self.store.sync_moved(&moved)
    }
}

impl Store {
    /// Removes all blobs that no manifest names, with publishing kept out.
    fn remove_orphans(&self) -> Result<Amount, StoreError> {
        let _alone = self.hold("publish", false)?;
        let mut loose = self.objects()?;
        self.keep_named(&mut loose)?;
        let mut removed = Amount::default();
        for (digest, bytes) in loose {
            if self.remove_object(digest)? {
                removed.add(bytes);
            }
        }
        Ok(removed)
    }
}

fn remove(path: &Path) -> Result<bool, StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        removed => removed.during("remove", path).map(|()| true),
    }
}
