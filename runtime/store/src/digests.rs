//! Digests of data files, remembered by what tells an untouched file from a changed one.
//!
//! A remembered digest is believed only of a file with the same device, inode, size and times, that
//! was last changed well before it was read: a file changed within the clock's grain of being read
//! looks untouched afterwards. Whoever computes with the file reads all of it anyway, and compares.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::records::Record;
use crate::{Digest, Store, StoreError};

/// The newest schema read, and the one written.
const SCHEMA: u32 = 1;

/// How long before its reading a file must have been changed for its digest to be remembered, in
/// nanoseconds: more than the grain of any file system's times.
const SETTLED: i128 = 3_000_000_000;

/// The most files remembered.
const MOST: usize = 100_000;

/// Digests of data files by path.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digests {
    schema: u32,
    files: BTreeMap<String, Remembered>,
}

/// A file as it was when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Remembered {
    device: u64,
    inode: u64,
    bytes: u64,
    /// Last change of content, and of anything, in nanoseconds since 1970.
    modified: i128,
    changed: i128,
    digest: Digest,
}

impl Record for Digests {
    const WORD: &'static str = "digests";
    const FOLDER: &'static str = "digests";
    const SCHEMA: u32 = SCHEMA;
    const MOST_BYTES: u64 = 64 << 20;

    fn file_name(&self) -> String {
        "digests.json".to_owned()
    }
}

impl Digests {
    /// Returns the digest and the size of a file: as remembered, or read anew where the file seems
    /// touched or `anew` asks for it.
    pub fn of(&mut self, path: &Path, anew: bool) -> io::Result<(Digest, u64)> {
        let name = std::path::absolute(path)?.to_string_lossy().into_owned();
        let file = File::open(path)?;
        let before = file.metadata()?;
        if !anew
            && let Some(known) = self.files.get(&name)
            && known.is(&before)
        {
            return Ok((known.digest, known.bytes));
        }
        let began = now();
        let (digest, bytes) = Digest::of_reader(&file)?;
        let seen = Remembered::new(&before, digest);
        self.files.remove(&name);
        // Changed while it was read, or just before: not to be remembered.
        if seen.is(&file.metadata()?) && seen.bytes == bytes && seen.is_settled(began) {
            if self.files.len() >= MOST {
                self.files.pop_first();
            }
            self.files.insert(name, seen);
        }
        Ok((digest, bytes))
    }

    /// Returns the digest of a folder and the size of its files: of their names, as seen from it, in
    /// the order of their bytes, and of their contents; whatever their times and owners.
    ///
    /// Links to files are read through; links to folders are an error, since they may go round.
    pub fn of_folder(&mut self, path: &Path, anew: bool) -> io::Result<(Digest, u64)> {
        let mut files = Vec::new();
        gather(path, Path::new(""), &mut files)?;
        files.sort_unstable();
        let (mut hash, mut all) = (blake3::Hasher::new_derive_key(FOLDER), 0_u64);
        for name in files {
            let (digest, bytes) = self.of(&path.join(&name), anew)?;
            let name = name.as_os_str().as_bytes();
            hash.update(&(name.len() as u64).to_le_bytes());
            hash.update(name);
            hash.update(digest.bytes());
            all = all.saturating_add(bytes);
        }
        Ok((hash.finalize().into(), all))
    }
}

/// Returns the size of all files in a folder together.
pub fn folder_bytes(path: &Path) -> io::Result<u64> {
    let mut files = Vec::new();
    gather(path, Path::new(""), &mut files)?;
    files.iter().try_fold(0_u64, |all, name| {
        let about = fs::metadata(path.join(name))?;
        Ok(all.saturating_add(about.len()))
    })
}

/// The blake3 key-derivation context of the digests of folders.
const FOLDER: &str = "vpc-store 2026 digest of a folder v1";

/// Adds the files below `inner` of a folder.
fn gather(folder: &Path, inner: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder.join(inner))? {
        let entry = entry?;
        let name = inner.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            gather(folder, &name, files)?;
            continue;
        }
        let about = fs::metadata(entry.path())?;
        if about.is_file() {
            files.push(name);
        } else {
            let what = format!(
                "`{}` is neither a file nor a folder of its own",
                name.display()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
    }
    Ok(())
}

impl Remembered {
    fn new(about: &Metadata, digest: Digest) -> Self {
        Self {
            device: about.dev(),
            inode: about.ino(),
            bytes: about.len(),
            modified: nanoseconds(about.mtime(), about.mtime_nsec()),
            changed: nanoseconds(about.ctime(), about.ctime_nsec()),
            digest,
        }
    }

    fn is(&self, about: &Metadata) -> bool {
        *self == Self::new(about, self.digest)
    }

    /// Whether it was last changed well before a moment.
    fn is_settled(&self, moment: i128) -> bool {
        moment - self.modified.max(self.changed) > SETTLED
    }
}

fn nanoseconds(seconds: i64, rest: i64) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(rest)
}

fn now() -> i128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos().cast_signed())
}

impl Store {
    /// Returns the digests remembered; none where they are damaged, which is noted.
    pub fn digests(&self) -> Result<Digests, StoreError> {
        Ok(self.records::<Digests>()?.pop().unwrap_or_default())
    }

    /// Remembers digests; false where nothing is new.
    pub fn remember(&self, digests: &Digests) -> Result<bool, StoreError> {
        if *digests == Digests::default() {
            return Ok(false);
        }
        self.put_record(&Digests {
            schema: SCHEMA,
            ..digests.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;

    fn aged(path: &Path, text: &str) {
        fs::write(path, text).unwrap();
        let file = File::options().write(true).open(path).unwrap();
        let long_ago = SystemTime::now() - Duration::from_hours(1);
        file.set_modified(long_ago).unwrap();
    }

    #[test]
    fn untouched_files_are_remembered_and_touched_ones_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        aged(&path, "one");
        let mut digests = Digests::default();
        let (digest, bytes) = digests.of(&path, false).unwrap();
        assert_eq!((digest, bytes), (Digest::of(b"one"), 3));
        // Its inode was changed just now, by the making of the file: not settled.
        assert!(digests.files.is_empty());
        std::thread::sleep(Duration::from_nanos(SETTLED as u64 + 100_000_000));
        digests.of(&path, false).unwrap();
        assert_eq!(digests.files.len(), 1);
        // What is remembered is used: a wrong digest comes back, unless it is read anew.
        let false_one = Digest::of(b"false");
        for known in digests.files.values_mut() {
            known.digest = false_one;
        }
        assert_eq!(digests.of(&path, false).unwrap().0, false_one);
        assert_eq!(digests.of(&path, true).unwrap().0, digest);
        // The same size and the same time of content do not pass for untouched.
        aged(&path, "two");
        assert_eq!(digests.of(&path, false).unwrap().0, Digest::of(b"two"));
        assert!(digests.of(&folder.path().join("b"), false).is_err());
    }

    #[test]
    fn a_store_keeps_them() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("s")).unwrap();
        assert_eq!(store.digests().unwrap(), Digests::default());
        assert!(!store.remember(&Digests::default()).unwrap());
        let about = fs::metadata(folder.path()).unwrap();
        let mut digests = store.digests().unwrap();
        digests.schema = SCHEMA;
        let seen = Remembered::new(&about, Digest::of(b"x"));
        digests.files.insert("x".to_owned(), seen);
        assert!(store.remember(&digests).unwrap());
        assert!(!store.remember(&digests).unwrap());
        assert_eq!(store.digests().unwrap(), digests);
    }
}
