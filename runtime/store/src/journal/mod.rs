//! The journal: what ran where, when, with what result and at what cost.
//!
//! One file for each run, below `journal/`, that is only ever added to. A run's file is numbered
//! after all that were there, so that no clock decides the order. Each line is sealed with a digest
//! that also covers the lines before it; a run that came to its end says how many lines there are.
//! So an altered or missing line shows, and what a killed run could not write any more is told
//! apart from damage.

mod entry;
mod read;

pub use entry::{Begun, Ended, Entry, Took, host};
pub use read::{Earlier, History, RunRecord, RunState};

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

use crate::disk;
use crate::error::During;
use crate::find::names_in;
use crate::lock::lock_alone;
use crate::{Digest, Store, StoreError};

/// The folder of the journal.
pub(crate) const FOLDER: &str = "journal";

const ENDING: &str = ".jsonl";

/// The journal of one run under way. Dropped without an end, it reads as broken off.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    lines: u64,
    seal: Seal,
}

/// What covers all lines so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seal(Digest);

impl Seal {
    fn begin() -> Self {
        Self(Digest::of(b"vpc journal"))
    }

    /// The seal after one more body.
    fn then(self, body: &[u8]) -> Self {
        Self(Digest::of(&[self.0.bytes(), body].concat()))
    }
}

impl Store {
    /// Begins the journal of a run; the beginning is durable when this returns.
    pub fn journal(&self, begun: &Begun) -> Result<Journal, StoreError> {
        self.must_write()?;
        let folder = self.layout().folder(FOLDER);
        self.settle(&folder)?;
        let numbers = names_in(&folder)?;
        let last = numbers.iter().filter_map(|name| number_of(name)).max();
        let number = last.unwrap_or_default().saturating_add(1);
        let name = format!("{}{ENDING}", disk::fresh_name(&format!("{number:08}")));
        let path = folder.join(name);
        let file = disk::begin(&path)?;
        // Held as long as the run goes on, so that others can tell.
        if !lock_alone(&file, &path)? {
            self.warn_of_locks();
        }
        let mut journal = Journal {
            path,
            file,
            lines: 0,
            seal: Seal::begin(),
        };
        journal.add(&Entry::Begun(begun.clone()))?;
        disk::sync_folder(&folder)?;
        Ok(journal)
    }
}

impl Journal {
    /// Adds an entry; it is durable when this returns.
    pub fn add(&mut self, entry: &Entry) -> Result<(), StoreError> {
        self.add_all(std::slice::from_ref(entry))
    }

    /// Adds several entries; they are durable when this returns.
    pub fn add_all(&mut self, entries: &[Entry]) -> Result<(), StoreError> {
        let (mut seal, mut text) = (self.seal, Vec::new());
        for entry in entries {
            let body = serde_json::to_vec(entry)
                .map_err(|error| StoreError::damaged(&self.path, error.to_string()))?;
            seal = seal.then(&body);
            text.extend(body);
            text.push(b'\t');
            text.extend(seal.0.to_string().as_bytes());
            text.push(b'\n');
        }
        self.file
            .write_all(&text)
            .map_err(|error| StoreError::io_sized("write", &self.path, text.len() as u64, error))?;
        self.file.sync_data().during("sync", &self.path)?;
        self.lines += entries.len() as u64;
        self.seal = seal;
        Ok(())
    }

    /// Says that the run came to its end; nothing is added any more.
    pub fn end(mut self, at: u64) -> Result<(), StoreError> {
        let lines = self.lines;
        self.add(&Entry::Ended { at, lines })?;
        disk::seal(&self.file, &self.path, 0o444)
    }
}

/// Reads the number of a run's file; none for other files.
fn number_of(name: &str) -> Option<u64> {
    let (number, _) = name.strip_suffix(ENDING)?.split_once('-')?;
    number.parse().ok()
}

impl Store {
    /// Puts the damaged journal of a run into quarantine; its sound lines stay, in a new file of the
    /// same number. Returns where the damaged one lies.
    pub(crate) fn mend_journal(&self, run: &RunRecord) -> Result<PathBuf, StoreError> {
        self.must_write()?;
        let folder = self.layout().folder(FOLDER);
        let path = self.journal_path(run);
        let is_end = |entry: &&Entry| matches!(entry, Entry::Ended { .. });
        let sound: Vec<Entry> = run.entries.iter().filter(|e| !is_end(e)).cloned().collect();
        // Of what cannot be read at all, nothing is left to tell.
        if let Some(last) = sound.last() {
            let number = number_of(&run.name).unwrap_or_default();
            let name = format!("{}{ENDING}", disk::fresh_name(&format!("{number:08}")));
            let to = folder.join(name);
            let mut journal = Journal {
                file: disk::begin(&to)?,
                path: to,
                lines: 0,
                seal: Seal::begin(),
            };
            let at = last.at();
            journal.add_all(&sound)?;
            journal.end(at)?;
        }
        let aside = self.layout().folder("quarantine");
        let aside = aside.join(disk::fresh_name(&run.name));
        fs::rename(&path, &aside).during("quarantine", &path)?;
        disk::sync_folder(&folder)?;
        Ok(aside)
    }

    /// Where the journal of a run lies.
    pub(crate) fn journal_path(&self, run: &RunRecord) -> PathBuf {
        self.layout().folder(FOLDER).join(&run.name)
    }
}
