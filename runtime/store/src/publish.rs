//! Publishing: the one way in which artifacts come to be.
//!
//! Files are durable when their writers finish. Then: move each into `objects/` without
//! overwriting, sync those folders, move the sealed manifest into its place without overwriting,
//! sync that folder, and only then return. A crash at any point leaves either nothing that
//! anybody finds, or everything.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::attempt::{Attempt, Finished};
use crate::disk::{self, Moved};
use crate::error::During;
use crate::find::Loaded;
use crate::layout::{Place, parent};
use crate::limits::MAX_TRIES;
use crate::{Draft, Key, Manifest, Store, StoreError, seal};

impl Attempt {
    /// Publishes the finished job; what returns is durable.
    ///
    /// If the job was published meanwhile by another process, the first result is kept and
    /// returned where all files agree; else this is [`StoreError::Nondeterministic`].
    pub fn publish(self, draft: Draft) -> Result<Manifest, StoreError> {
        self.publish_at(None, draft)
    }

    /// Publishes a checkpoint of the job under way, as durably as a finished job.
    pub fn publish_progress(self, step: u64, draft: Draft) -> Result<Manifest, StoreError> {
        self.publish_at(Some(step), draft)
    }

    fn publish_at(self, step: Option<u64>, draft: Draft) -> Result<Manifest, StoreError> {
        let finished = self.finished()?;
        let files = finished
            .iter()
            .map(|file| (file.name.clone(), file.record))
            .collect();
        let manifest = Manifest::new(self.key, step, draft, files);
        let text = seal::encode(&manifest)?;
        // Keeps clearing away until the manifest names the blobs.
        let _held = self.store.hold("publish", true)?;
        self.store.place_objects(&finished)?;
        let path = self.scratch.join("manifest");
        disk::write_new(&path, &text, 0o444)?;
        self.store.place_manifest(&path, manifest)
    }
}

impl Store {
    /// Files what one job made as what another one makes, without copying; as durable as a job.
    ///
    /// None where the files are not all there. To be used where both are known to make the same.
    pub fn publish_same(
        &self,
        of: &Manifest,
        key: Key,
        draft: Draft,
    ) -> Result<Option<Manifest>, StoreError> {
        self.must_write()?;
        let manifest = Manifest::new(key, of.step, draft, of.files.clone());
        let text = seal::encode(&manifest)?;
        // Keeps clearing away between the look and the manifest that names the blobs.
        let _held = self.hold("publish", true)?;
        if self.lacking(of)?.is_some() {
            return Ok(None);
        }
        let scratch = self.scratch(&key.short())?;
        let path = scratch.join("manifest");
        disk::write_new(&path, &text, 0o444)?;
        self.place_manifest(&path, manifest).map(Some)
    }

    pub(crate) fn place_objects(&self, files: &[Finished]) -> Result<(), StoreError> {
        let folders = files.iter().map(|file| self.place_object(file));
        let folders = folders.collect::<Result<BTreeSet<_>, _>>()?;
        folders
            .iter()
            .try_for_each(|folder| disk::sync_folder(folder))
    }

    /// Gives a blob its name; returns the folder, which is to be synced.
    fn place_object(&self, file: &Finished) -> Result<PathBuf, StoreError> {
        let to = self.layout().object(file.record.digest);
        for _ in 0..MAX_TRIES {
            if self.try_place(&file.path, &to)? == Some(Moved::Placed) {
                return Ok(parent(&to).to_owned());
            }
            match self.inspect(file.record.digest)? {
                None => return Ok(parent(&to).to_owned()),
                Some(problem) => self.set_object_aside(file.record.digest, &problem),
            }
        }
        Err(stuck(&to))
    }

    pub(crate) fn place_manifest(
        &self,
        from: &Path,
        ours: Manifest,
    ) -> Result<Manifest, StoreError> {
        let place = Place {
            key: ours.key,
            step: ours.step,
        };
        let to = self.layout().manifest(place);
        for _ in 0..MAX_TRIES {
            if self.try_place(from, &to)? == Some(Moved::Placed) {
                disk::sync_folder(parent(&to))?;
                self.end_trace(&ours);
                self.note_confirmed(place);
                return Ok(ours);
            }
            if let Some(first) = self.meet(place, &ours)? {
                return Ok(first);
            }
            self.check(place)?;
        }
        Err(stuck(&to))
    }

    /// Compares with the manifest that has the place; none where that one is not sound.
    ///
    /// Quarantine is kept out, so that what is acknowledged here is not moved away for a blob
    /// that was missing before and is there now.
    fn meet(&self, place: Place, ours: &Manifest) -> Result<Option<Manifest>, StoreError> {
        let _held = self.hold("quarantine", false)?;
        let Loaded::Good(first) = self.load(place)? else {
            return Ok(None);
        };
        if self.lacking(&first)?.is_some() {
            return Ok(None);
        }
        first.agree(ours)?;
        if first.metrics != ours.metrics {
            let key = ours.key.short();
            self.warn(format!(
                "job {key} gave other metrics the second time; the first are kept"
            ));
        }
        self.confirm_place(place)?;
        Ok(Some(*first))
    }

    /// Moves a file into a folder of the store; none where the folder was removed meanwhile.
    fn try_place(&self, from: &Path, to: &Path) -> Result<Option<Moved>, StoreError> {
        self.settle(parent(to))?;
        match disk::move_new(from, to) {
            Err(error) if error.kind() == ErrorKind::NotFound && from.exists() => Ok(None),
            moved => moved.during("publish", to).map(Some),
        }
    }
}

fn stuck(path: &Path) -> StoreError {
    let about = fs::symlink_metadata(path);
    let problem = if about.is_ok() {
        "it cannot be moved away"
    } else {
        "it keeps vanishing"
    };
    StoreError::damaged(path, problem)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use serde_json::json;

    use super::*;
    use crate::ErrorKind as Kind;

    const KEY: Key = Key::new([5; 32]);

    fn fresh() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("s")).unwrap();
        (folder, store)
    }

    fn attempt(store: &Store, files: &[(&str, &[u8])]) -> Attempt {
        let mut attempt = store.attempt(KEY).unwrap();
        for (name, bytes) in files {
            attempt.write(name, bytes).unwrap();
        }
        attempt
    }

    fn draft() -> Draft {
        Draft {
            kind: "train".into(),
            spec: json!({"steps": 10}),
            inputs: vec![("data".into(), Key::new([1; 32]))],
            labels: vec!["small".into()],
            metrics: json!({"loss": 0.1 + 0.2}),
            made: json!({"host": "x"}),
        }
    }

    #[test]
    fn what_goes_in_comes_out() {
        let (_folder, store) = fresh();
        let files: [(&str, &[u8]); 3] = [("a", b"1"), ("b/c", b""), ("same", b"1")];
        let made = attempt(&store, &files).publish(draft()).unwrap();
        let again = Store::open(store.root()).unwrap();
        let found = again.find(KEY).unwrap().unwrap();
        assert_eq!(found, made);
        for (name, bytes) in files {
            assert_eq!(&again.read(found.file(name).unwrap()).unwrap()[..], bytes);
        }
        let path = store.layout().object(made.file("a").unwrap().digest);
        assert_eq!(
            fs::metadata(path).unwrap().permissions().mode() & 0o777,
            0o444
        );
        assert_eq!(
            fs::read_dir(store.layout().folder("tmp")).unwrap().count(),
            0
        );
        assert_eq!(
            again.find_prefix("0505").unwrap(),
            std::slice::from_ref(&made)
        );
        assert_eq!(again.find_prefix("0").unwrap(), [made]);
        assert!(again.find_prefix("0506").unwrap().is_empty());
        assert!(again.find_prefix("../x").unwrap().is_empty());
        assert_eq!(again.manifests().unwrap().count(), 1);
    }

    #[test]
    fn the_first_result_is_kept() {
        let (_folder, store) = fresh();
        let first = attempt(&store, &[("a", b"1")]).publish(draft()).unwrap();
        let other = Draft {
            made: json!("later"),
            ..draft()
        };
        assert_eq!(
            attempt(&store, &[("a", b"1")]).publish(other).unwrap(),
            first
        );
        assert!(store.warnings().is_empty());
        let error = attempt(&store, &[("a", b"2")])
            .publish(draft())
            .unwrap_err();
        assert_eq!(error.kind(), Kind::Nondeterministic);
        assert!(error.to_string().contains("file `a` was"), "{error}");
        assert_eq!(store.find(KEY).unwrap().unwrap(), first);
        let other = Draft {
            metrics: json!(1),
            ..draft()
        };
        assert_eq!(
            attempt(&store, &[("a", b"1")]).publish(other).unwrap(),
            first
        );
        assert_eq!(store.warnings().len(), 1);
    }

    #[test]
    fn unfinished_and_badly_named_files_are_refused() {
        let (_folder, store) = fresh();
        let mut open = store.attempt(KEY).unwrap();
        drop(open.create("a").unwrap());
        assert_eq!(open.create("a").unwrap_err().kind(), Kind::Use);
        assert_eq!(open.create("../a").unwrap_err().kind(), Kind::Use);
        assert!(matches!(
            open.publish(draft()),
            Err(StoreError::Unfinished { .. })
        ));
        assert!(store.find(KEY).unwrap().is_none());
    }

    #[test]
    fn a_damaged_blob_is_replaced_by_publishing() {
        let (_folder, store) = fresh();
        let made = attempt(&store, &[("a", b"12")]).publish(draft()).unwrap();
        let path = store.layout().object(made.file("a").unwrap().digest);
        for bad in [&b"1"[..], b"13"] {
            fs::remove_file(&path).unwrap();
            fs::write(&path, bad).unwrap();
            attempt(&store, &[("a", b"12")]).publish(draft()).unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"12");
        }
        assert_eq!(store.damage().len(), 2);
    }

    #[test]
    fn a_manifest_that_lost_its_blob_gives_way() {
        let (_folder, store) = fresh();
        let made = attempt(&store, &[("a", b"1")]).publish(draft()).unwrap();
        fs::remove_file(store.layout().object(made.file("a").unwrap().digest)).unwrap();
        let second = attempt(&store, &[("a", b"2")]).publish(draft()).unwrap();
        assert_eq!(store.find(KEY).unwrap().unwrap(), second);
    }

    #[test]
    fn large_files_are_written_in_pieces() {
        use std::io::Write;
        let (_folder, store) = fresh();
        let mut open = store.attempt(KEY).unwrap();
        let mut writers = ["a", "b"].map(|name| open.create(name).unwrap());
        for piece in 0..100u8 {
            for out in &mut writers {
                out.write_all(&[piece; 9_999]).unwrap();
            }
        }
        let [a, b] = writers.map(|out| out.finish().unwrap());
        assert_eq!((a, a.bytes), (b, 999_900));
        let made = open.publish(draft()).unwrap();
        assert_eq!(store.read(made.file("b").unwrap()).unwrap()[9_999], 1);
    }
}
