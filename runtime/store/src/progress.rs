//! Checkpoints of jobs under way.

use std::fs;

use vpc_compiler::plan::Key;

use crate::error::During;
use crate::find::names_in;
use crate::layout::Place;
use crate::{Cleared, FileRecord, Manifest, Store, StoreError, disk};

impl Store {
    /// Finds the newest checkpoint of a job that is intact in every byte.
    ///
    /// A damaged one is put into quarantine, and the next older one is tried. To be called by the
    /// holder of the job's lock: others may see a checkpoint go while they look.
    pub fn progress(&self, key: Key) -> Result<Option<Manifest>, StoreError> {
        self.progress_until(key, u64::MAX)
    }

    /// Like [`Store::progress`], among the checkpoints up to a step.
    pub fn progress_until(&self, key: Key, last: u64) -> Result<Option<Manifest>, StoreError> {
        let steps = self.steps(key)?;
        for step in steps.into_iter().rev().filter(|step| *step <= last) {
            if let Some(found) = self.check(Place::step(key, step))?
                && self.is_sound(Place::step(key, step), &found)?
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Finds the checkpoint of a job at a step, its files present by size.
    pub fn progress_at(&self, key: Key, step: u64) -> Result<Option<Manifest>, StoreError> {
        self.check(Place::step(key, step))
    }

    /// Finds all checkpoints of a job in order of their steps, their files present by size.
    pub fn progress_all(&self, key: Key) -> Result<Vec<(u64, Manifest)>, StoreError> {
        let found = self.steps(key)?.into_iter().map(|step| {
            Ok(self
                .check(Place::step(key, step))?
                .map(|manifest| (step, manifest)))
        });
        found.filter_map(Result::transpose).collect()
    }

    /// Removes the checkpoints of a job but those to keep, and the blobs nobody else needs.
    ///
    /// To be called by the holder of the job's lock. A manifest is gone for good before its blobs
    /// go, so that no crash leaves one without the other.
    pub fn clear_progress(&self, key: Key, keep: &[u64]) -> Result<Cleared, StoreError> {
        self.clear_progress_until(key, u64::MAX, keep)
    }

    /// Like [`Store::clear_progress`], of the checkpoints up to a step; later ones stay.
    pub fn clear_progress_until(
        &self,
        key: Key,
        last: u64,
        keep: &[u64],
    ) -> Result<Cleared, StoreError> {
        self.must_write()?;
        let gone: Vec<_> = self
            .steps(key)?
            .into_iter()
            .filter(|step| *step <= last && !keep.contains(step))
            .collect();
        let files = self.remove_steps(key, &gone)?;
        let cleared = self.collect(files)?;
        Ok(Cleared {
            checkpoints: gone.len(),
            ..cleared
        })
    }

    /// Removes checkpoints of a job for good; returns their files, which stay for now.
    pub(crate) fn remove_steps(
        &self,
        key: Key,
        gone: &[u64],
    ) -> Result<Vec<FileRecord>, StoreError> {
        let mut files = Vec::new();
        for step in gone {
            let place = Place::step(key, *step);
            files.extend(self.check(place)?.into_iter().flat_map(|found| found.files));
            let path = self.layout().manifest(place);
            if path.exists() {
                fs::remove_file(&path).during("remove", &path)?;
                self.forget_confirmed(place);
            }
        }
        self.end_steps(key, !gone.is_empty())?;
        Ok(files.into_iter().map(|(_, file)| file).collect())
    }

    /// Makes removals durable, and removes the folder where it is empty.
    fn end_steps(&self, key: Key, changed: bool) -> Result<(), StoreError> {
        let folder = self.layout().steps(key);
        if changed {
            disk::sync_folder(&folder)?;
        }
        self.unsettle(&folder);
        // Not empty, or not there: both are fine.
        _ = fs::remove_dir(&folder);
        Ok(())
    }

    fn is_sound(&self, place: Place, found: &Manifest) -> Result<bool, StoreError> {
        match self.verify(found) {
            Ok(()) => Ok(true),
            Err(StoreError::Damaged { problem, .. }) => {
                self.set_manifest_aside(place, &format!("one of its files: {problem}"));
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Lists the steps with a checkpoint, in order.
    pub(crate) fn steps(&self, key: Key) -> Result<Vec<u64>, StoreError> {
        let names = names_in(&self.layout().steps(key))?;
        let mut steps: Vec<u64> = names.iter().filter_map(|name| step_of(name)).collect();
        steps.sort_unstable();
        Ok(steps)
    }
}

/// Reads the step in a file name; none where it is not written as the store writes it.
fn step_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".json")?;
    digits
        .parse()
        .ok()
        .filter(|step: &u64| step.to_string() == digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Draft;

    const KEY: Key = Key::new([8; 32]);

    fn with_steps(steps: &[u64]) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("s")).unwrap();
        for step in steps {
            let mut attempt = store.attempt(KEY).unwrap();
            attempt.write("state", &step.to_le_bytes()).unwrap();
            attempt.write("same", b"same").unwrap();
            attempt.publish_progress(*step, Draft::default()).unwrap();
        }
        (folder, store)
    }

    fn newest(store: &Store) -> Option<u64> {
        store.progress(KEY).unwrap().and_then(|found| found.step)
    }

    #[test]
    fn the_newest_is_found_by_number() {
        let (_folder, store) = with_steps(&[9, 100, 20]);
        assert_eq!(newest(&store), Some(100));
        let all = store.progress_all(KEY).unwrap();
        assert_eq!(
            all.iter().map(|(step, _)| *step).collect::<Vec<_>>(),
            [9, 20, 100]
        );
        assert!(store.find(KEY).unwrap().is_none());
        let until = |last| {
            store
                .progress_until(KEY, last)
                .unwrap()
                .and_then(|found| found.step)
        };
        assert_eq!(
            [8, 9, 99, 100].map(until),
            [None, Some(9), Some(20), Some(100)]
        );
        let at = |step| {
            store
                .progress_at(KEY, step)
                .unwrap()
                .and_then(|found| found.step)
        };
        assert_eq!([9, 10].map(at), [Some(9), None]);
    }

    #[test]
    fn damaged_ones_are_passed_over() {
        let (_folder, store) = with_steps(&[1, 2, 3]);
        let newest_file = *store.progress(KEY).unwrap().unwrap().file("state").unwrap();
        let path = store.layout().object(newest_file.digest);
        fs::remove_file(&path).unwrap();
        fs::write(&path, 99u64.to_le_bytes()).unwrap();
        assert_eq!(newest(&store), Some(2));
        let path = store.layout().manifest(Place::step(KEY, 2));
        fs::remove_file(&path).unwrap();
        fs::write(&path, "{}").unwrap();
        assert_eq!(newest(&store), Some(1));
        assert_eq!(store.damage().len(), 3);
    }

    #[test]
    fn clearing_keeps_what_others_need() {
        let (_folder, store) = with_steps(&[1, 2, 3]);
        let cleared = store.clear_progress(KEY, &[2]).unwrap();
        assert_eq!(
            (cleared.checkpoints, cleared.blobs, cleared.bytes),
            (2, 2, 16)
        );
        let left = store.progress(KEY).unwrap().unwrap();
        store.verify(&left).unwrap();
        let mut attempt = store.attempt(KEY).unwrap();
        attempt.write("final", &2u64.to_le_bytes()).unwrap();
        let made = attempt.publish(Draft::default()).unwrap();
        let cleared = store.clear_progress(KEY, &[]).unwrap();
        assert_eq!(
            (cleared.checkpoints, cleared.blobs, cleared.bytes),
            (1, 1, 4)
        );
        store.verify(&store.find(KEY).unwrap().unwrap()).unwrap();
        assert_eq!(store.find(KEY).unwrap(), Some(made));
        assert!(!store.layout().steps(KEY).exists());
        assert_eq!(store.clear_progress(KEY, &[]).unwrap(), Cleared::default());
        assert!(store.damage().is_empty());
    }

    #[test]
    fn odd_names_are_no_steps() {
        assert_eq!(step_of("12.json"), Some(12));
        for name in [
            "012.json",
            "+1.json",
            "12",
            "x.json",
            "99999999999999999999.json",
            ".json",
        ] {
            assert_eq!(step_of(name), None, "{name}");
        }
    }
}
