//! Opening a store, for work or for a look.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::layout::{FOLDERS, Layout, parent};
use crate::notes::{Notes, locked};
use crate::read::Known;
use crate::{Digest, StoreError, disk, format};

/// A folder of finished work; clones share what they have learned.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

/// What all clones of a store share.
#[derive(Debug)]
pub(crate) struct Inner {
    layout: Layout,
    peeked: bool,
    pub(crate) notes: Mutex<Notes>,
    /// Blobs whose content was compared with their digest.
    pub(crate) known: Mutex<HashMap<Digest, Known>>,
    /// Folders whose own names are durable.
    settled: Mutex<BTreeSet<PathBuf>>,
    /// Manifests whose names are durable.
    pub(crate) confirmed: Mutex<BTreeSet<PathBuf>>,
}

impl Store {
    /// Opens the store for work and creates what is missing of it.
    ///
    /// Fails where the folder cannot be written, so that no run starts that could not keep its
    /// work.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let store = Self::new(root, false);
        format::ensure(store.layout())?;
        let mut created = false;
        for name in FOLDERS {
            let folder = store.layout().folder(name);
            created |= disk::make_folder(&folder)?;
            disk::may_write(&folder)?;
        }
        if created {
            disk::sync_folder(root)?;
        }
        Ok(store)
    }

    /// Opens the store for looking only, without any side effect; none where there is no store.
    pub fn peek(root: &Path) -> Result<Option<Self>, StoreError> {
        let store = Self::new(root, true);
        Ok(format::check(store.layout())?.then_some(store))
    }

    /// Returns the folder of the store.
    pub fn root(&self) -> &Path {
        self.layout().root()
    }

    fn new(root: &Path, peeked: bool) -> Self {
        let layout = Layout::new(root);
        let (notes, known, settled, confirmed) = Default::default();
        Self {
            inner: Arc::new(Inner {
                layout,
                peeked,
                notes,
                known,
                settled,
                confirmed,
            }),
        }
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.inner.layout
    }

    pub(crate) fn is_peeked(&self) -> bool {
        self.inner.peeked
    }

    pub(crate) fn must_write(&self) -> Result<(), StoreError> {
        if self.is_peeked() {
            return Err(StoreError::Peeked {
                path: self.root().to_owned(),
            });
        }
        Ok(())
    }

    /// Makes a folder where it is missing, and its name durable all the way up.
    ///
    /// A folder that was there may be another process's, which has not yet made it durable: so
    /// the first use in this process syncs in any case.
    pub(crate) fn settle(&self, folder: &Path) -> Result<(), StoreError> {
        if disk::make_folder(folder)? {
            self.unsettle(folder);
        }
        self.settle_name(folder)
    }

    /// Makes the name of a folder durable, all the way up, once in this process.
    pub(crate) fn settle_name(&self, folder: &Path) -> Result<(), StoreError> {
        if !locked(&self.inner.settled).contains(folder) {
            disk::sync_folder(parent(folder))?;
            self.settle_root()?;
            locked(&self.inner.settled).insert(folder.to_owned());
        }
        Ok(())
    }

    /// Forgets that a folder was durable, before it is removed.
    pub(crate) fn unsettle(&self, folder: &Path) {
        locked(&self.inner.settled).remove(folder);
    }

    fn settle_root(&self) -> Result<(), StoreError> {
        let root = self.root();
        if locked(&self.inner.settled).contains(root) {
            return Ok(());
        }
        disk::sync_folder(root)?;
        self.settle_above();
        locked(&self.inner.settled).insert(root.to_owned());
        Ok(())
    }

    /// Makes the names of the folders above durable, of which any may be new.
    fn settle_above(&self) {
        let folders = self.root().ancestors();
        let named = folders.filter(|folder| !folder.as_os_str().is_empty());
        for (height, folder) in named.map(disk::above).enumerate() {
            match disk::sync_folder(&folder) {
                Ok(()) => {}
                // Others own what is further up, and made it long ago.
                Err(StoreError::Permission { .. }) if height > 0 => return,
                Err(error) => {
                    self.warn(format!(
                        "the folders above the store may not be durable: {error}"
                    ));
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{ErrorKind, Key};

    #[test]
    fn opening_creates_and_opens_again() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("deep/.vp");
        Store::open(&root).unwrap();
        let store = Store::open(&root).unwrap();
        assert_eq!(store.root(), root);
        assert_eq!(fs::read(root.join("format")).unwrap(), b"vpc store 1\n");
        assert_eq!(fs::read_dir(&root).unwrap().count(), 1 + FOLDERS.len());
    }

    #[test]
    fn peeking_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join(".vp");
        assert!(Store::peek(&root).unwrap().is_none());
        fs::create_dir(&root).unwrap();
        assert!(Store::peek(&root).unwrap().is_none());
        assert_eq!(fs::read_dir(&root).unwrap().count(), 0);
        Store::open(&root).unwrap();
        let peeked = Store::peek(&root).unwrap().unwrap();
        let key = Key::new([1; 32]);
        assert!(peeked.find(key).unwrap().is_none());
        assert!(peeked.progress(key).unwrap().is_none());
        assert_eq!(peeked.attempt(key).unwrap_err().kind(), ErrorKind::Use);
        assert_eq!(peeked.claim(key).unwrap_err().kind(), ErrorKind::Use);
        assert!(peeked.write_result(Path::new("a"), b"").is_err());
    }

    #[test]
    fn a_newer_store_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("format"), "vpc store 2\n").unwrap();
        let error = Store::open(folder.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NewerFormat);
        assert!(error.to_string().contains("format 2"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
