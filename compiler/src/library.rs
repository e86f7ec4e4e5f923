//! What the compiler may know of the outside: texts and facts, given by the caller.

use crate::plan::Key;

/// Texts of `.vp` files and facts about data files.
pub trait Library {
    /// Returns the text of a `.vp` file.
    fn text(&self, path: &str) -> Result<String, FileFault>;

    /// Returns the facts about a data file.
    fn facts(&self, path: &str) -> Result<FileFacts, FileFault>;

    /// Returns the facts about a folder: the digest of the names and contents of all files in it, and
    /// their size together.
    fn folder(&self, path: &str) -> Result<FileFacts, FileFault> {
        let _ = path;
        Err(FileFault::Missing)
    }

    /// Returns where a file of a published benchmark lies for a study in `folder` (with a `/` at its end, unless
    /// empty), and the facts about it; a folder of files ends in `/`.
    fn benchmark(&self, folder: &str, file: &str) -> (String, Result<FileFacts, FileFault>) {
        (
            format!("{folder}benchmarks/{file}"),
            Err(FileFault::Missing),
        )
    }

    /// Returns how many tokens to train on a `tokens` job made, where they were counted.
    fn tokens(&self, job: Key) -> Option<u64> {
        let _ = job;
        None
    }
}

/// What identity needs to know about a data file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileFacts {
    /// blake3 of its bytes.
    pub digest: Key,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Why a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileFault {
    /// There is none.
    Missing,
    /// It is a folder.
    Folder,
    /// It is no folder.
    NoFolder,
    /// It is not UTF-8; the first bad byte is at this offset.
    NotUtf8(usize),
    /// The system refuses, in its own words.
    Refused(String),
}
