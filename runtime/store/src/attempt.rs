//! An attempt at a job: a private folder that becomes an artifact, or nothing.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use vpc_compiler::plan::Key;

use crate::limits::MAX_FILES;
use crate::name::check_name;
use crate::scratch::Scratch;
use crate::{ArtifactWriter, FileRecord, Store, StoreError};

/// Work on one job that nobody sees before it is published; dropping leaves no trace.
#[derive(Debug)]
pub struct Attempt {
    pub(crate) store: Store,
    pub(crate) key: Key,
    pub(crate) scratch: Scratch,
    files: BTreeMap<String, Slot>,
}

/// A file of an attempt; its record is there once it is finished.
#[derive(Debug)]
struct Slot {
    path: PathBuf,
    record: Arc<OnceLock<FileRecord>>,
}

/// A finished file of an attempt.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) record: FileRecord,
}

impl Store {
    /// Begins an attempt at a job.
    pub fn attempt(&self, key: Key) -> Result<Attempt, StoreError> {
        self.must_write()?;
        let scratch = self.scratch(&key.short())?;
        Ok(Attempt {
            store: self.clone(),
            key,
            scratch,
            files: BTreeMap::new(),
        })
    }
}

impl Attempt {
    /// Returns the job.
    pub fn key(&self) -> Key {
        self.key
    }

    /// Begins a file: plain segments of letters, digits and `.` `_` `-` `+` `=` `@` `,`, joined by
    /// `/`. Several files may be written at once.
    pub fn create(&mut self, name: &str) -> Result<ArtifactWriter, StoreError> {
        check_name(name)?;
        if self.files.contains_key(name) {
            return Err(StoreError::Name {
                name: name.to_owned(),
                problem: "it is used twice",
            });
        }
        self.check_count()?;
        let path = self.scratch.join(&format!("{}.part", self.files.len()));
        let record = Arc::new(OnceLock::new());
        let writer = ArtifactWriter::new(path.clone(), Arc::clone(&record))?;
        self.files.insert(name.to_owned(), Slot { path, record });
        Ok(writer)
    }

    /// Writes a whole file at once.
    pub fn write(&mut self, name: &str, bytes: &[u8]) -> Result<FileRecord, StoreError> {
        let mut writer = self.create(name)?;
        writer.write_all(bytes).map_err(StoreError::of_write)?;
        writer.finish()
    }

    pub(crate) fn finished(&self) -> Result<Vec<Finished>, StoreError> {
        let finished = self
            .files
            .iter()
            .map(|(name, slot)| match slot.record.get() {
                Some(record) => Ok(Finished {
                    name: name.clone(),
                    path: slot.path.clone(),
                    record: *record,
                }),
                None => Err(StoreError::Unfinished { name: name.clone() }),
            });
        finished.collect()
    }

    fn check_count(&self) -> Result<(), StoreError> {
        if self.files.len() < MAX_FILES {
            return Ok(());
        }
        let (found, limit) = (self.files.len() as u64 + 1, MAX_FILES as u64);
        Err(StoreError::Limit {
            what: "the number of files of one job",
            found,
            limit,
        })
    }
}
