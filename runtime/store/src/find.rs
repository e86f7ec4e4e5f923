//! Finding manifests, checked before they are believed.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use vpc_compiler::plan::Key;

use crate::error::During;
use crate::layout::Place;
use crate::limits::MAX_MANIFEST_BYTES;
use crate::read::Stamp;
use crate::seal::{Flaw, decode};
use crate::{FileRecord, Manifest, Store, StoreError};

/// What lies at the place of a manifest.
#[derive(Debug)]
pub(crate) enum Loaded {
    Absent,
    Good(Box<Manifest>),
    Bad(String),
}

impl Store {
    /// Finds a finished job whose manifest is intact and whose files are all there, by size.
    ///
    /// Whatever is wrong is put into quarantine (not by a peeking store), noted in
    /// [`Store::damage`], and gives none, so that the job is done anew. The content of the files
    /// is compared when they are read, or by [`Store::verify`]. What is found is durable (by a
    /// peeking store: after [`Store::confirm`]).
    pub fn find(&self, key: Key) -> Result<Option<Manifest>, StoreError> {
        self.check(Place::job(key))
    }

    /// Goes through all finished jobs in order of their keys, leaving out the damaged ones.
    pub fn manifests(
        &self,
    ) -> Result<impl Iterator<Item = Result<Manifest, StoreError>> + '_, StoreError> {
        let keys = self.keys_below("jobs")?;
        Ok(keys
            .into_iter()
            .filter_map(|key| self.find(key).transpose()))
    }

    /// Finds the finished jobs whose keys begin with these hexadecimal digits.
    pub fn find_prefix(&self, digits: &str) -> Result<Vec<Manifest>, StoreError> {
        let digits = digits.to_ascii_lowercase();
        if digits.len() < 2 {
            let all = self.manifests()?;
            let fits = |found: &Manifest| found.key.to_string().starts_with(&digits);
            return all
                .filter(|found| found.as_ref().map_or(true, fits))
                .collect();
        }
        let keys = self.keys_like(&digits)?;
        keys.into_iter()
            .filter_map(|key| self.find(key).transpose())
            .collect()
    }

    pub(crate) fn keys_like(&self, digits: &str) -> Result<Vec<Key>, StoreError> {
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Vec::new());
        }
        let mut keys = keys_in(&self.layout().shard(digits))?;
        keys.retain(|key| key.to_string().starts_with(digits));
        Ok(keys)
    }

    /// Lists the finished jobs, or the traces of evicted ones, in order.
    pub(crate) fn keys_below(&self, folder: &str) -> Result<Vec<Key>, StoreError> {
        let mut keys = Vec::new();
        for shard in paths_in(&self.layout().folder(folder))? {
            keys.extend(keys_in(&shard)?);
        }
        Ok(keys)
    }

    /// Loads a manifest and looks for its files; what is wrong goes into quarantine.
    pub(crate) fn check(&self, place: Place) -> Result<Option<Manifest>, StoreError> {
        match self.load(place)? {
            Loaded::Absent => Ok(None),
            Loaded::Bad(problem) => {
                self.set_manifest_aside(place, &problem);
                Ok(None)
            }
            Loaded::Good(manifest) => self.check_files(place, *manifest),
        }
    }

    fn check_files(
        &self,
        place: Place,
        manifest: Manifest,
    ) -> Result<Option<Manifest>, StoreError> {
        let Some((file, problem)) = self.lacking(&manifest)? else {
            // A checkpoint is no promise, and may go while another process looks at it.
            if !self.is_peeked()
                && place.step.is_none()
                && let Err(error) = self.confirm_place(place)
            {
                // So may a job, where a clearing is under way.
                let is_gone = !self.layout().manifest(place).exists();
                return if is_gone { Ok(None) } else { Err(error) };
            }
            return Ok(Some(manifest));
        };
        if self.layout().object(file.digest).exists() {
            self.set_object_aside(file.digest, &problem);
        }
        self.set_manifest_aside(
            place,
            &format!("its file {}: {problem}", file.digest.short()),
        );
        Ok(None)
    }

    /// Reads what lies at a place, without looking for the files.
    pub(crate) fn load(&self, place: Place) -> Result<Loaded, StoreError> {
        load_at(&self.layout().manifest(place), place)
    }

    /// Names the first file of a manifest that is missing or has a wrong size.
    pub(crate) fn lacking(
        &self,
        manifest: &Manifest,
    ) -> Result<Option<(FileRecord, String)>, StoreError> {
        for file in manifest.files.values() {
            if let Some(problem) = self.size_problem(file)? {
                return Ok(Some((*file, problem)));
            }
        }
        Ok(None)
    }

    fn size_problem(&self, file: &FileRecord) -> Result<Option<String>, StoreError> {
        let path = self.layout().object(file.digest);
        let about = match fs::metadata(&path) {
            Err(error) if is_absence(error.kind()) => return Ok(Some("it is missing".to_owned())),
            about => about.during("look at", &path)?,
        };
        Ok(match about.len() {
            _ if !about.is_file() => Some("it is not a file".to_owned()),
            bytes if bytes != file.bytes => Some(sizes(bytes, file.bytes)),
            _ if self.is_known_bad(file.digest, Stamp::of(&about)) => {
                Some("its content does not match its digest".to_owned())
            }
            _ => None,
        })
    }
}

/// Reads the manifest of a place where it lies elsewhere.
pub(crate) fn load_at(path: &Path, place: Place) -> Result<Loaded, StoreError> {
    let Some(file) = open_if_there(path)? else {
        return Ok(Loaded::Absent);
    };
    let text = match read_text(file, path, MAX_MANIFEST_BYTES)? {
        Ok(text) => text,
        Err(problem) => return Ok(Loaded::Bad(problem)),
    };
    match decode(&text) {
        Err(Flaw::Newer(found)) => Err(StoreError::NewerFormat {
            path: path.to_owned(),
            found,
        }),
        Err(Flaw::Damaged(problem)) => Ok(Loaded::Bad(problem)),
        Ok(found) if (found.key, found.step) == (place.key, place.step) => {
            Ok(Loaded::Good(Box::new(found)))
        }
        Ok(_) => Ok(Loaded::Bad("it belongs to another job".to_owned())),
    }
}

pub(crate) fn sizes(found: u64, right: u64) -> String {
    format!("it has {found} bytes instead of {right}")
}

/// Opens a file; none where it is missing. Never waits, even for a pipe in its place.
pub(crate) fn open_if_there(path: &Path) -> Result<Option<File>, StoreError> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Err(error) if is_absence(error.kind()) => Ok(None),
        opened => opened.during("open", path).map(Some),
    }
}

pub(crate) fn is_absence(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Reads a sealed text; a file that cannot be one, or be read, is a problem in words.
pub(crate) fn read_text(
    file: File,
    path: &Path,
    most: u64,
) -> Result<Result<Vec<u8>, String>, StoreError> {
    let about = file.metadata().during("look at", path)?;
    if !about.is_file() {
        return Ok(Err("it is not a file".to_owned()));
    }
    if about.len() > most {
        return Ok(Err(format!("it has {} bytes, too many", about.len())));
    }
    let mut text = Vec::with_capacity(about.len() as usize);
    let read = file.take(most).read_to_end(&mut text);
    Ok(read
        .map(|_| text)
        .map_err(|error| format!("it cannot be read: {error}")))
}

/// Lists the keys that files of a folder are named by, in order.
fn keys_in(folder: &Path) -> Result<Vec<Key>, StoreError> {
    let names = names_in(folder)?;
    Ok(names
        .iter()
        .filter_map(|name| name.strip_suffix(".json")?.parse().ok())
        .collect())
}

/// Lists the names in a folder in order; none where it is missing.
pub(crate) fn names_in(folder: &Path) -> Result<Vec<String>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if is_absence(error.kind()) => return Ok(Vec::new()),
        entries => entries.during("list", folder)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry.during("list", folder)?.file_name().into_string());
    }
    names.sort_unstable();
    Ok(names)
}

/// Lists the paths in a folder in order; none where it is missing.
pub(crate) fn paths_in(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    Ok(names_in(folder)?
        .into_iter()
        .map(|name| folder.join(name))
        .collect())
}
