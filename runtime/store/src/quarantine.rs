//! Quarantine: where damaged files go, so that their places are free for sound ones.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use vpc_compiler::plan::Key;

use crate::error::During;
use crate::find::Loaded;
use crate::layout::Place;
use crate::records::{Filed, Record, load_record};
use crate::{Digest, Store, StoreError, disk};

/// What became of a file that seemed damaged.
pub(crate) enum Aside {
    Moved(PathBuf),
    /// It is not there, or this store may not move it.
    Missing,
    /// Another process has put it right, or away, meanwhile.
    Sound,
}

impl Store {
    /// Moves a damaged or incomplete manifest away and notes it.
    pub(crate) fn set_manifest_aside(&self, place: Place, problem: &str) {
        let path = self.layout().manifest(place);
        let moved = self.move_aside(&path, || match self.load(place) {
            Ok(Loaded::Bad(_)) => true,
            Ok(Loaded::Good(found)) => matches!(self.lacking(&found), Ok(Some(_))),
            Ok(Loaded::Absent) | Err(_) => false,
        });
        self.forget_confirmed(place);
        self.note_aside(&path, Some(place), problem, moved);
    }

    /// Moves a damaged blob away and notes it.
    pub(crate) fn set_object_aside(&self, digest: Digest, problem: &str) {
        let path = self.layout().object(digest);
        let moved = self.move_aside(&path, || matches!(self.inspect(digest), Ok(Some(_))));
        self.note_aside(&path, None, problem, moved);
    }

    /// Moves a damaged trace away and notes it.
    pub(crate) fn set_trace_aside(&self, key: Key, problem: &str) {
        let path = self.layout().trace(key);
        let moved = self.move_aside(&path, || matches!(self.load_trace(key), Ok(Loaded::Bad(_))));
        self.note_aside(&path, Some(Place::job(key)), problem, moved);
    }

    /// Moves a damaged record away and notes it.
    pub(crate) fn set_record_aside<T: Record>(&self, path: &Path, problem: &str) {
        let moved = self.move_aside(path, || matches!(load_record::<T>(path), Ok(Filed::Bad(_))));
        self.note_aside(path, None, problem, moved);
    }

    /// Moves a file away if, looked at again with all others kept out, it is still damaged.
    ///
    /// Without the second look a slow process could move away what a quick one has just healed.
    pub(crate) fn move_aside(
        &self,
        path: &Path,
        is_damaged: impl Fn() -> bool,
    ) -> Result<Aside, StoreError> {
        if self.is_peeked() {
            return Ok(if is_damaged() {
                Aside::Missing
            } else {
                Aside::Sound
            });
        }
        let _held = self.hold("quarantine", false)?;
        if !is_damaged() {
            return Ok(Aside::Sound);
        }
        let stem = path.file_name().unwrap_or_default().to_string_lossy();
        let to = self
            .layout()
            .folder("quarantine")
            .join(disk::fresh_name(&stem));
        match fs::rename(path, &to) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Aside::Missing),
            moved => moved.during("quarantine", path).map(|()| Aside::Moved(to)),
        }
    }

    fn note_aside(
        &self,
        path: &Path,
        place: Option<Place>,
        problem: &str,
        moved: Result<Aside, StoreError>,
    ) {
        let key = place.map(|place| place.key);
        match moved {
            Ok(Aside::Sound) => {}
            Ok(Aside::Missing) => self.note(path, key, problem.to_owned(), None),
            Ok(Aside::Moved(to)) => self.note(path, key, problem.to_owned(), Some(to)),
            Err(error) => self.note(path, key, format!("{problem}; {error}"), None),
        }
    }
}
