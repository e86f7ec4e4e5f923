//! Small sealed files that are replaced as a whole: what the store keeps beside artifacts.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::During;
use crate::find::{names_in, open_if_there, paths_in, read_text};
use crate::layout::parent;
use crate::seal::{Flaw, decode_as, encode_as};
use crate::{Store, StoreError, disk};

/// A kind of record; all of a kind lie in one folder.
pub(crate) trait Record: Serialize + DeserializeOwned {
    /// The word under which it is sealed.
    const WORD: &'static str;
    /// The folder below the store's.
    const FOLDER: &'static str;
    /// The newest schema known.
    const SCHEMA: u32;
    /// The largest file, in bytes.
    const MOST_BYTES: u64;

    /// The name of its file; begins with [`Record::WORD`].
    fn file_name(&self) -> String;
}

const ENDING: &str = ".json";

/// What lies at the place of a record.
#[derive(Debug)]
pub(crate) enum Filed<T> {
    Absent,
    Good(T),
    Bad(String),
}

impl Store {
    /// Files a record, replacing an older one as a whole; false where it lay there already.
    pub(crate) fn put_record<T: Record>(&self, record: &T) -> Result<bool, StoreError> {
        self.must_write()?;
        let text = encode_as(T::WORD, record)?;
        if text.len() as u64 > T::MOST_BYTES {
            return Err(StoreError::Limit {
                what: "a record in bytes",
                found: text.len() as u64,
                limit: T::MOST_BYTES,
            });
        }
        let to = self.layout().folder(T::FOLDER).join(record.file_name());
        if fs::read(&to).is_ok_and(|there| there == text) {
            return Ok(false);
        }
        self.settle(parent(&to))?;
        let scratch = self.scratch(T::WORD)?;
        let from = scratch.join("record");
        disk::write_new(&from, &text, 0o444)?;
        fs::rename(&from, &to).during("replace", &to)?;
        disk::sync_folder(parent(&to))?;
        Ok(true)
    }

    /// Removes a record; false where there was none.
    pub(crate) fn remove_record<T: Record>(&self, file_name: &str) -> Result<bool, StoreError> {
        self.must_write()?;
        let path = self.layout().folder(T::FOLDER).join(file_name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            removed => removed.during("remove", &path)?,
        }
        disk::sync_folder(parent(&path))?;
        Ok(true)
    }

    /// Lists the files of a kind of record, in order.
    pub(crate) fn record_files<T: Record>(&self) -> Result<Vec<PathBuf>, StoreError> {
        let folder = self.layout().folder(T::FOLDER);
        let names = names_in(&folder)?.into_iter();
        let files = names.filter(|name| name.strip_suffix(ENDING).is_some());
        Ok(files.map(|name| folder.join(name)).collect())
    }

    /// Names the files of records that were damaged, set aside, and not filed again since.
    pub(crate) fn lost<T: Record>(&self) -> Result<BTreeSet<String>, StoreError> {
        let folder = self.layout().folder(T::FOLDER);
        let aside = self.aside::<T>()?.into_iter();
        let names = aside.filter(|(name, _)| !folder.join(name).exists());
        Ok(names.map(|(name, _)| name).collect())
    }

    /// Lists the records of a kind that were set aside: the name each had, and where it lies.
    pub(crate) fn aside<T: Record>(&self) -> Result<Vec<(String, PathBuf)>, StoreError> {
        let paths = paths_in(&self.layout().folder("quarantine"))?.into_iter();
        let aside = paths.filter_map(|path| {
            let name = disk::stem_of(path.file_name()?.to_str()?)?.to_owned();
            let inner = name.strip_suffix(ENDING)?.strip_prefix(T::WORD)?;
            inner.starts_with('-').then_some((name, path))
        });
        Ok(aside.collect())
    }

    /// Reads all records of a kind; damaged ones are set aside and noted.
    pub(crate) fn records<T: Record>(&self) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        for path in self.record_files::<T>()? {
            match load_record::<T>(&path)? {
                Filed::Absent => {}
                Filed::Good(record) => found.push(record),
                Filed::Bad(problem) => self.set_record_aside::<T>(&path, &problem),
            }
        }
        Ok(found)
    }
}

/// Reads one record, checked.
pub(crate) fn load_record<T: Record>(path: &Path) -> Result<Filed<T>, StoreError> {
    let Some(file) = open_if_there(path)? else {
        return Ok(Filed::Absent);
    };
    let text = match read_text(file, path, T::MOST_BYTES)? {
        Ok(text) => text,
        Err(problem) => return Ok(Filed::Bad(problem)),
    };
    match decode_as::<T>(T::WORD, T::SCHEMA, &text) {
        Err(Flaw::Newer(found)) => {
            let path = path.to_owned();
            Err(StoreError::NewerFormat { path, found })
        }
        Err(Flaw::Damaged(problem)) => Ok(Filed::Bad(problem)),
        Ok(record) if path.ends_with(record.file_name()) => Ok(Filed::Good(record)),
        Ok(_) => Ok(Filed::Bad("it has the name of another".to_owned())),
    }
}
