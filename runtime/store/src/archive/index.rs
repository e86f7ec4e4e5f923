//! The index of an archive.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use vpc_compiler::plan::Key;

use crate::limits::{ARCHIVE_SCHEMA, MAX_ARCHIVE_TEXTS, MAX_MANIFEST_BYTES, MAX_TEXT_BYTES};
use crate::name::check_name;
use crate::seal::{Flaw, decode_as, encode_as};
use crate::{Digest, FileRecord, StoreError, StudyRecord};

const WORD: &str = "archive";

/// Names all members of an archive, in their order: texts, results, jobs, blobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Index {
    pub(crate) schema: u32,
    /// The study, as a store knows it.
    pub(crate) record: StudyRecord,
    /// The path of the study among the texts.
    pub(crate) study: String,
    /// The `.vp` files and the lock file, by paths below one folder.
    pub(crate) texts: Vec<Text>,
    /// The results by their names.
    pub(crate) results: Vec<Text>,
    pub(crate) jobs: Vec<Listed>,
    pub(crate) blobs: Vec<FileRecord>,
}

/// A text of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Text {
    pub(crate) path: String,
    pub(crate) digest: Digest,
    pub(crate) bytes: u64,
}

/// The manifest of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listed {
    pub(crate) key: Key,
    /// The step, of a checkpoint.
    pub(crate) step: Option<u64>,
    /// Whether it comes without its files.
    pub(crate) is_trace: bool,
    pub(crate) digest: Digest,
    pub(crate) bytes: u64,
}

impl Text {
    pub(crate) fn of(path: String, content: &[u8]) -> Self {
        Self {
            path,
            digest: Digest::of(content),
            bytes: content.len() as u64,
        }
    }
}

impl Listed {
    /// The name of its member.
    pub(crate) fn member(&self) -> String {
        match (self.step, self.is_trace) {
            (Some(step), _) => format!("progress/{}-{step}.json", self.key),
            (None, true) => format!("evicted/{}.json", self.key),
            (None, false) => format!("jobs/{}.json", self.key),
        }
    }
}

impl Index {
    pub(crate) fn encode(&self) -> Result<Vec<u8>, StoreError> {
        encode_as(WORD, self)
    }

    /// Reads an index that is sealed, of a known schema, and makes sense; else a problem in words.
    pub(crate) fn decode(text: &[u8]) -> Result<Self, String> {
        let index: Self = decode_as(WORD, ARCHIVE_SCHEMA, text).map_err(|flaw| match flaw {
            Flaw::Damaged(problem) => format!("its index is damaged: {problem}"),
            Flaw::Newer(found) => {
                format!("it has schema {found}, this build knows {ARCHIVE_SCHEMA}; update `vpc`")
            }
        })?;
        index.check()?;
        Ok(index)
    }

    fn check(&self) -> Result<(), String> {
        let texts = || self.texts.iter().chain(&self.results);
        if texts().count() > MAX_ARCHIVE_TEXTS {
            return Err(format!(
                "it has more than {MAX_ARCHIVE_TEXTS} texts and results"
            ));
        }
        for text in texts() {
            check_name(&text.path).map_err(|error| error.to_string())?;
            if text.bytes > MAX_TEXT_BYTES {
                return Err(format!(
                    "`{}` has {} bytes, too many",
                    text.path, text.bytes
                ));
            }
        }
        let record = &self.record;
        if !self.results.is_empty() {
            check_name(&record.name).map_err(|error| error.to_string())?;
        }
        let jobs = record.jobs.iter().flat_map(|job| [&job.label, &job.kind]);
        if ![&record.name, &record.file]
            .into_iter()
            .chain(jobs)
            .all(|text| is_plain(text))
        {
            return Err("it has control characters in a name".to_owned());
        }
        if let Some(job) = self.jobs.iter().find(|job| job.bytes > MAX_MANIFEST_BYTES) {
            return Err(format!("a manifest has {} bytes, too many", job.bytes));
        }
        let paths = |texts: &[Text]| once(texts.iter().map(|text| text.path.clone()));
        let jobs = once(self.jobs.iter().map(|job| (job.key, job.step)));
        let blobs = once(self.blobs.iter().map(|blob| blob.digest));
        if !(paths(&self.texts) && paths(&self.results) && jobs && blobs) {
            return Err("it names something twice".to_owned());
        }
        if !self.texts.iter().any(|text| text.path == self.study) {
            return Err("it lacks its study".to_owned());
        }
        if self
            .jobs
            .iter()
            .any(|job| job.step.is_some() && job.is_trace)
        {
            return Err("it has a checkpoint without files".to_owned());
        }
        Ok(())
    }
}

/// Whether a text can be shown on a terminal as it is.
pub(super) fn is_plain(text: &str) -> bool {
    !text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t'))
}

/// Whether all are different.
fn once<T: Ord>(mut things: impl Iterator<Item = T>) -> bool {
    let mut seen = BTreeSet::new();
    things.all(|thing| seen.insert(thing))
}
