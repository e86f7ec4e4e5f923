//! Reading blobs: nothing is handed out that was not compared with its digest.

use std::fs::{File, Metadata};
use std::io::Seek;
use std::os::unix::fs::MetadataExt;

use crate::error::During;
use crate::find::{open_if_there, sizes};
use crate::notes::locked;
use crate::{Blob, Digest, FileRecord, Manifest, Store, StoreError};

/// Tells one state of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    file: (u64, u64),
    bytes: u64,
    changed: (i64, i64, i64, i64),
}

/// What was learned of a blob, and of which state of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    stamp: Stamp,
    sound: bool,
}

impl Stamp {
    pub(crate) fn of(about: &Metadata) -> Self {
        Self {
            file: (about.dev(), about.ino()),
            bytes: about.len(),
            changed: (
                about.mtime(),
                about.mtime_nsec(),
                about.ctime(),
                about.ctime_nsec(),
            ),
        }
    }
}

impl Store {
    /// Opens a file of an artifact, compared with its digest.
    ///
    /// The comparison is made once per process and digest, and again if the file has been touched
    /// since. A damaged file is put into quarantine, so that [`Store::find`] no longer finds its
    /// job and the next run makes it anew.
    pub fn read(&self, file: &FileRecord) -> Result<Blob, StoreError> {
        let opened = self.open_sound(file)?;
        Blob::of(&opened, file.bytes).during("read", &self.layout().object(file.digest))
    }

    /// Compares every file of a manifest with its digest.
    pub fn verify(&self, manifest: &Manifest) -> Result<(), StoreError> {
        manifest
            .files
            .values()
            .try_for_each(|file| self.open_sound(file).map(drop))
    }

    pub(crate) fn open_sound(&self, file: &FileRecord) -> Result<File, StoreError> {
        let path = self.layout().object(file.digest);
        let Some(opened) = open_if_there(&path)? else {
            return Err(self.spoiled(file, "it is missing".to_owned()));
        };
        let about = opened.metadata().during("look at", &path)?;
        if !about.is_file() || about.len() != file.bytes {
            return Err(self.spoiled(file, sizes(about.len(), file.bytes)));
        }
        match self.compare(file.digest, &opened, Stamp::of(&about)) {
            None => Ok(opened),
            Some(problem) => Err(self.spoiled(file, problem)),
        }
    }

    fn spoiled(&self, file: &FileRecord, problem: String) -> StoreError {
        self.set_object_aside(file.digest, &problem);
        StoreError::damaged(&self.layout().object(file.digest), problem)
    }

    fn compare(&self, digest: Digest, file: &File, stamp: Stamp) -> Option<String> {
        let known = locked(&self.inner.known).get(&digest).copied();
        if let Some(known) = known.filter(|known| known.stamp == stamp) {
            return (!known.sound).then(mismatch);
        }
        let problem = content_problem(digest, file);
        let sound = problem.is_none();
        locked(&self.inner.known).insert(digest, Known { stamp, sound });
        problem
    }

    pub(crate) fn is_known_bad(&self, digest: Digest, stamp: Stamp) -> bool {
        let known = locked(&self.inner.known).get(&digest).copied();
        known.is_some_and(|known| known.stamp == stamp && !known.sound)
    }

    /// Compares a blob with its digest, whatever was learned before; a problem in words.
    pub(crate) fn inspect(&self, digest: Digest) -> Result<Option<String>, StoreError> {
        let opened = open_if_there(&self.layout().object(digest))?;
        Ok(match opened {
            None => Some("it is missing".to_owned()),
            Some(file) => content_problem(digest, &file),
        })
    }
}

/// Reads a file by `read`, never through a mapping: a bad sector is then an error, not a signal.
pub(crate) fn content_problem(digest: Digest, mut file: &File) -> Option<String> {
    match Digest::of_reader(file).and_then(|found| file.rewind().map(|()| found)) {
        Ok((found, _)) => (found != digest).then(mismatch),
        Err(error) => Some(format!("it cannot be read: {error}")),
    }
}

fn mismatch() -> String {
    "its content does not match its digest".to_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{Draft, ErrorKind, Key};

    fn filled() -> (tempfile::TempDir, Store, Manifest) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("s")).unwrap();
        let mut attempt = store.attempt(Key::new([1; 32])).unwrap();
        attempt.write("a", b"hello").unwrap();
        let made = attempt.publish(Draft::default()).unwrap();
        (folder, store, made)
    }

    fn spoil(store: &Store, file: &FileRecord, bytes: &[u8]) {
        let path = store.layout().object(file.digest);
        fs::remove_file(&path).unwrap();
        fs::write(&path, bytes).unwrap();
    }

    #[test]
    fn damage_after_the_first_read_is_seen() {
        let (_folder, store, made) = filled();
        let file = made.file("a").unwrap();
        assert_eq!(&store.read(file).unwrap()[..], b"hello");
        spoil(&store, file, b"hellO");
        assert!(store.find(made.key).unwrap().is_some(), "the size is right");
        assert_eq!(store.read(file).unwrap_err().kind(), ErrorKind::Damaged);
        assert!(store.find(made.key).unwrap().is_none());
        let damage = store.damage();
        assert_eq!(damage.len(), 2);
        assert!(
            damage.iter().all(|damage| damage.moved_to.is_some()),
            "{damage:?}"
        );
    }

    #[test]
    fn a_peeking_store_sees_but_does_not_move() {
        let (_folder, store, made) = filled();
        let file = made.file("a").unwrap();
        spoil(&store, file, b"hellO");
        let peeked = Store::peek(store.root()).unwrap().unwrap();
        assert!(peeked.read(file).is_err());
        assert!(peeked.find(made.key).unwrap().is_none());
        assert!(store.layout().object(file.digest).exists());
        assert!(
            peeked
                .damage()
                .iter()
                .all(|damage| damage.moved_to.is_none())
        );
    }

    #[test]
    fn a_wrong_size_spoils_the_manifest_and_the_blob() {
        let (_folder, store, made) = filled();
        spoil(&store, made.file("a").unwrap(), b"hell");
        assert!(store.find(made.key).unwrap().is_none());
        assert_eq!(store.damage().len(), 2);
    }

    #[test]
    fn a_wrong_record_does_not_cost_a_sound_blob() {
        let (_folder, store, made) = filled();
        let file = FileRecord {
            bytes: 4,
            ..*made.file("a").unwrap()
        };
        assert!(store.read(&file).is_err());
        assert!(store.find(made.key).unwrap().is_some());
        assert!(store.damage().is_empty());
    }
}
