//! Locks by `flock`: they end with the process that holds them, so that none is ever stale.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use vpc_compiler::plan::Key;

use crate::error::During;
use crate::{Store, StoreError};

/// The answer to [`Store::claim`].
#[derive(Debug)]
#[must_use]
pub enum Claim {
    /// The job is ours until the lock is dropped; look with [`Store::find`] once more before work.
    Taken(Lock),
    /// Another process (or thread) has it.
    Busy,
}

/// A job that is ours; dropping gives it back.
#[derive(Debug)]
#[must_use]
pub struct Lock {
    _file: Option<File>,
}

/// What became of a try for a lock.
#[derive(Debug)]
pub(crate) enum Tried {
    Taken(File),
    Busy,
    /// The file system has no locks.
    Unsupported,
}

impl Store {
    /// Takes a job for this process, without waiting.
    ///
    /// Where the file system refuses locks, a warning is noted and the job counts as taken:
    /// publishing never overwrites, so that double work is waste but no damage.
    pub fn claim(&self, key: Key) -> Result<Claim, StoreError> {
        self.must_write()?;
        Ok(
            match try_exclusive(&self.layout().lock(&key.to_string()))? {
                Tried::Taken(file) => Claim::Taken(Lock { _file: Some(file) }),
                Tried::Busy => Claim::Busy,
                Tried::Unsupported => {
                    self.warn_of_locks();
                    Claim::Taken(Lock { _file: None })
                }
            },
        )
    }

    /// Waits for a lock of the whole store; none where the file system refuses locks.
    pub(crate) fn hold(&self, name: &str, shared: bool) -> Result<Option<File>, StoreError> {
        let path = self.layout().lock(name);
        let file = open(&path)?;
        let locked = if shared {
            file.lock_shared()
        } else {
            file.lock()
        };
        match locked {
            Ok(()) => Ok(Some(file)),
            Err(error) if is_unsupported(&error) => {
                self.warn_of_locks();
                Ok(None)
            }
            Err(error) => Err(StoreError::io("lock", &path, error)),
        }
    }

    pub(crate) fn warn_of_locks(&self) {
        self.warn(format!(
            "the file system of `{}` refuses locks: two runs at once may do work twice",
            self.root().display()
        ));
    }
}

/// Tries for a lock that nobody else may hold, without waiting.
pub(crate) fn try_exclusive(path: &Path) -> Result<Tried, StoreError> {
    let file = open(path)?;
    Ok(match try_lock(&file, path)? {
        Some(true) => Tried::Taken(file),
        Some(false) => Tried::Busy,
        None => Tried::Unsupported,
    })
}

/// Tries to lock an open file against all others; none where the file system has no locks.
pub(crate) fn try_lock(file: &File, path: &Path) -> Result<Option<bool>, StoreError> {
    match file.try_lock() {
        Ok(()) => Ok(Some(true)),
        Err(TryLockError::WouldBlock) => Ok(Some(false)),
        Err(TryLockError::Error(error)) if is_unsupported(&error) => Ok(None),
        Err(TryLockError::Error(error)) => Err(StoreError::io("lock", path, error)),
    }
}

/// Tells whether a live process holds a lock that it shares with nobody; what cannot be told counts
/// as not held. Others may ask at the same time.
pub(crate) fn is_held_alone(path: &Path) -> bool {
    let file = File::open(path);
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Waits for a lock of an open file against all others; false where the file system has no locks.
pub(crate) fn lock_alone(file: &File, path: &Path) -> Result<bool, StoreError> {
    match file.lock() {
        Ok(()) => Ok(true),
        Err(error) if is_unsupported(&error) => Ok(false),
        Err(error) => Err(StoreError::io("lock", path, error)),
    }
}

/// Tells whether somebody holds a lock, by taking it for a moment; what cannot be told counts as not held.
pub(crate) fn is_held(path: &Path) -> bool {
    let file = File::open(path);
    file.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Opens a lock file, creating it where it is missing.
pub(crate) fn open(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path).during("open lock", path)
}

fn is_unsupported(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(
        Errno::from_io_error(error),
        Some(Errno::NOSYS | Errno::OPNOTSUPP | Errno::NOLCK | Errno::INVAL)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_excludes_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("s")).unwrap();
        let (one, other) = (Key::new([1; 32]), Key::new([2; 32]));
        let first = store.claim(one).unwrap();
        assert!(matches!(first, Claim::Taken(_)));
        assert!(matches!(store.claim(one).unwrap(), Claim::Busy));
        assert!(matches!(store.claim(other).unwrap(), Claim::Taken(_)));
        drop(first);
        assert!(matches!(store.claim(one).unwrap(), Claim::Taken(_)));
        assert!(store.warnings().is_empty());
    }
}
