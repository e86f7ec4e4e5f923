//! Making durable what was found: whoever published it may have been killed before its last sync.

use vpc_compiler::plan::Key;

use crate::find::paths_in;
use crate::layout::{Place, parent};
use crate::notes::locked;
use crate::{Store, StoreError, disk};

impl Store {
    /// Makes a finished job that was found as durable as one that was published just now.
    ///
    /// A store that was opened for work does so by itself; a peeking one does it only when told,
    /// before somebody relies on what it found.
    pub fn confirm(&self, key: Key) -> Result<(), StoreError> {
        self.confirm_place(Place::job(key))
    }

    /// Syncs the folder of a manifest unless it was synced since the manifest was there.
    ///
    /// The blobs need nothing: a manifest gets its name only after theirs are durable.
    pub(crate) fn confirm_place(&self, place: Place) -> Result<(), StoreError> {
        let path = self.layout().manifest(place);
        if locked(&self.inner.confirmed).contains(&path) {
            return Ok(());
        }
        let folder = parent(&path);
        // Listed first: what comes later is not covered by this sync.
        let there = paths_in(folder)?;
        self.settle_name(folder)?;
        disk::sync_folder(folder)?;
        locked(&self.inner.confirmed).extend(there);
        Ok(())
    }

    /// Remembers that the name of a manifest is durable.
    pub(crate) fn note_confirmed(&self, place: Place) {
        locked(&self.inner.confirmed).insert(self.layout().manifest(place));
    }

    /// Forgets a manifest that lost its name.
    pub(crate) fn forget_confirmed(&self, place: Place) {
        locked(&self.inner.confirmed).remove(&self.layout().manifest(place));
    }
}
