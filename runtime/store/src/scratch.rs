//! Private folders below `tmp/`, held by a lock that dies with the process.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::error::During;
use crate::find::paths_in;
use crate::limits::MAX_TRIES;
use crate::lock::{Tried, try_exclusive};
use crate::{Store, StoreError, disk};

const LOCK: &str = "lock";

/// A folder that nobody else writes to; dropping removes it.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
    _lock: Option<File>,
}

/// What [`Store::sweep`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Folders of ended processes that were removed.
    pub removed: usize,
    /// Folders left alone because a process holds them.
    pub held: usize,
}

impl Store {
    /// Removes the private folders of attempts that no live process holds.
    ///
    /// To be called at the start of a run. Where the file system refuses locks, nothing is known
    /// of the living, and nothing is removed.
    pub fn sweep(&self) -> Result<Swept, StoreError> {
        self.must_write()?;
        let mut swept = Swept::default();
        for path in paths_in(&self.layout().folder("tmp"))? {
            match self.sweep_one(&path) {
                Ok(one) => {
                    swept.removed += one.removed;
                    swept.held += one.held;
                }
                Err(_) if !path.exists() => {}
                Err(error) => self.warn(format!("an old private folder stays: {error}")),
            }
        }
        Ok(swept)
    }

    fn sweep_one(&self, path: &Path) -> Result<Swept, StoreError> {
        if !path.is_dir() {
            fs::remove_file(path).during("remove", path)?;
            return Ok(Swept {
                removed: 1,
                held: 0,
            });
        }
        match try_exclusive(&path.join(LOCK))? {
            Tried::Taken(_held) => self.bury(path).map(|()| Swept {
                removed: 1,
                held: 0,
            }),
            Tried::Busy => Ok(Swept {
                removed: 0,
                held: 1,
            }),
            Tried::Unsupported => {
                self.warn_of_locks();
                Ok(Swept::default())
            }
        }
    }

    /// Removes a dead folder, out of its place first: its maker may be about to lock it, and must
    /// then find it whole or not at all.
    fn bury(&self, path: &Path) -> Result<(), StoreError> {
        let grave = self.layout().folder("tmp").join(disk::fresh_name("dead"));
        fs::rename(path, &grave).during("remove", path)?;
        remove(&grave)
    }

    /// Makes a private folder.
    pub(crate) fn scratch(&self, stem: &str) -> Result<Scratch, StoreError> {
        let mut last = None;
        for _ in 0..MAX_TRIES {
            let path = self.layout().folder("tmp").join(disk::fresh_name(stem));
            disk::make_folder(&path)?;
            match self.hold_scratch(&path) {
                Ok(Some(scratch)) => return Ok(scratch),
                Ok(None) => {}
                Err(error) if path.exists() => {
                    _ = remove(&path);
                    return Err(error);
                }
                Err(error) => last = Some(error),
            }
        }
        let path = self.layout().folder("tmp");
        Err(last.unwrap_or_else(|| StoreError::io("lock", &path, ErrorKind::ResourceBusy.into())))
    }

    /// Locks a new folder; none where a sweep was quicker.
    fn hold_scratch(&self, path: &Path) -> Result<Option<Scratch>, StoreError> {
        let lock = match try_exclusive(&path.join(LOCK))? {
            Tried::Busy => return Ok(None),
            Tried::Unsupported => {
                self.warn_of_locks();
                None
            }
            Tried::Taken(file) if !is_file_at(&file, &path.join(LOCK)) => return Ok(None),
            Tried::Taken(file) => Some(file),
        };
        Ok(Some(Scratch {
            path: path.to_owned(),
            _lock: lock,
        }))
    }
}

impl Scratch {
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays behind is removed by the next sweep.
        _ = remove(&self.path);
    }
}

fn is_file_at(file: &File, path: &Path) -> bool {
    let identity = |about: fs::Metadata| (about.dev(), about.ino());
    match (file.metadata(), fs::metadata(path)) {
        (Ok(held), Ok(there)) => identity(held) == identity(there),
        _ => false,
    }
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(StoreError::io("remove", path, error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Key;

    #[test]
    fn only_the_dead_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("s")).unwrap();
        let mut alive = store.attempt(Key::new([1; 32])).unwrap();
        alive.write("a", b"1").unwrap();
        for name in ["dead", "dead-without-lock"] {
            fs::create_dir(store.layout().folder("tmp").join(name)).unwrap();
        }
        fs::write(store.layout().folder("tmp").join("dead/lock"), "").unwrap();
        assert_eq!(
            store.sweep().unwrap(),
            Swept {
                removed: 2,
                held: 1
            }
        );
        alive.publish(crate::Draft::default()).unwrap();
        assert_eq!(store.sweep().unwrap(), Swept::default());
    }

    #[test]
    fn sweeping_and_beginning_at_once_is_safe() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("s")).unwrap();
        std::thread::scope(|scope| {
            for worker in 0..2 {
                let store = &store;
                scope.spawn(move || {
                    for round in 0..100 {
                        let mut attempt = store.attempt(Key::new([worker; 32])).unwrap();
                        attempt.write("a", &[round]).unwrap();
                    }
                });
            }
            scope.spawn(|| (0..200).for_each(|_| _ = store.sweep().unwrap()));
        });
    }
}
