//! What a store noticed on the way and people should hear about.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use vpc_compiler::plan::Key;

use crate::Store;
use crate::limits::MAX_NOTES;

/// A damaged file that was met, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The damaged file, where it was met.
    pub path: PathBuf,
    /// The job, where the file is a manifest.
    pub key: Option<Key>,
    /// How it is damaged.
    pub problem: String,
    /// Where in `quarantine/` it lies now; none where it was missing or could not be moved.
    pub moved_to: Option<PathBuf>,
}

/// The notes of one store.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    damage: Vec<Damage>,
    warnings: Vec<String>,
}

impl Store {
    /// Returns the damage met since the store was opened, in order.
    pub fn damage(&self) -> Vec<Damage> {
        locked(&self.inner.notes).damage.clone()
    }

    /// Returns the warnings since the store was opened, each once.
    pub fn warnings(&self) -> Vec<String> {
        locked(&self.inner.notes).warnings.clone()
    }

    pub(crate) fn warn(&self, warning: String) {
        push_once(&mut locked(&self.inner.notes).warnings, warning);
    }

    pub(crate) fn note(&self, path: &Path, key: Option<Key>, problem: String, to: Option<PathBuf>) {
        let damage = Damage {
            path: path.to_owned(),
            key,
            problem,
            moved_to: to,
        };
        push_once(&mut locked(&self.inner.notes).damage, damage);
    }
}

/// Locks a mutex; the notes and memories of a store stay usable after a panic elsewhere.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn push_once<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if list.len() < MAX_NOTES && !list.contains(&item) {
        list.push(item);
    }
}
