//! Removing blobs that no manifest names any more.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::thread;
use std::time::Duration;

use crate::error::During;
use crate::find::Loaded;
use crate::layout::Place;
use crate::limits::{COLLECT_PAUSE_MS, COLLECT_TRIES};
use crate::{Digest, FileRecord, Store, StoreError};

/// What [`Store::clear_progress`] removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cleared {
    /// Checkpoints.
    pub checkpoints: usize,
    /// Blobs that nothing else needed.
    pub blobs: usize,
    /// The size of those blobs, in bytes.
    pub bytes: u64,
}

impl Store {
    /// Removes those of the blobs that no manifest names.
    ///
    /// Publishing is kept out for the time, since it relies on blobs before a manifest names
    /// them. Where that cannot be had, the blobs stay: waste, not damage.
    pub(crate) fn collect(&self, files: Vec<FileRecord>) -> Result<Cleared, StoreError> {
        let mut cleared = Cleared::default();
        let mut loose: BTreeMap<Digest, u64> = files
            .into_iter()
            .map(|file| (file.digest, file.bytes))
            .collect();
        if loose.is_empty() {
            return Ok(cleared);
        }
        let Some(_alone) = self.keep_publishing_out()? else {
            return Ok(cleared);
        };
        self.keep_named(&mut loose)?;
        for (digest, bytes) in loose {
            if self.remove_object(digest)? {
                cleared.blobs += 1;
                cleared.bytes += bytes;
            }
        }
        Ok(cleared)
    }

    /// Takes out of a list of blobs those that a manifest names.
    pub(crate) fn keep_named(&self, loose: &mut BTreeMap<Digest, u64>) -> Result<(), StoreError> {
        for place in self.places()? {
            if let Loaded::Good(found) = self.load(place)? {
                for file in found.files.values() {
                    loose.remove(&file.digest);
                }
            }
        }
        Ok(())
    }

    pub(crate) fn remove_object(&self, digest: Digest) -> Result<bool, StoreError> {
        let path = self.layout().object(digest);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            removed => removed.during("remove", &path).map(|()| true),
        }
    }

    /// Lists the places of all manifests.
    fn places(&self) -> Result<Vec<Place>, StoreError> {
        let jobs = self.keys_below("jobs")?.into_iter().map(Place::job);
        let steps = self.all_steps()?.into_iter();
        Ok(jobs
            .chain(steps.map(|(key, step)| Place::step(key, step)))
            .collect())
    }

    /// Waits a while for the publishing of others to end; none where it does not, or where there
    /// are no locks.
    fn keep_publishing_out(&self) -> Result<Option<File>, StoreError> {
        let path = self.layout().lock("publish");
        let file = crate::lock::open(&path)?;
        for _ in 0..COLLECT_TRIES {
            match file.try_lock() {
                Ok(()) => return Ok(Some(file)),
                Err(TryLockError::WouldBlock) => {
                    thread::sleep(Duration::from_millis(COLLECT_PAUSE_MS));
                }
                Err(TryLockError::Error(_)) => break,
            }
        }
        self.warn("blobs of old checkpoints were left in place: others are publishing".to_owned());
        Ok(None)
    }
}
