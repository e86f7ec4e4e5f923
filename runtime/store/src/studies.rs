//! What a store knows of studies: the roots of retention.
//!
//! A run files its whole study before it looks at what is there. What a filed study names is kept;
//! what no study names any more may go.

use std::collections::BTreeSet;
use std::fs::File;

use serde::{Deserialize, Serialize};
use vpc_compiler::plan::Key;

use crate::limits::{MAX_STUDY_BYTES, STUDY_SCHEMA};
use crate::lock::{Tried, is_held, try_exclusive};
use crate::records::Record;
use crate::{Digest, Store, StoreError};

/// A study as it was planned last: the jobs whose results are to be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyRecord {
    /// The version of this structure, [`STUDY_SCHEMA`].
    pub schema: u32,
    /// The name: the file without folder and ending.
    pub name: String,
    /// The study's file, as seen from the folder that holds the store where it lies below that;
    /// else its whole path.
    pub file: String,
    /// Its jobs, inputs before their users; none for a study that was forgotten.
    pub jobs: Vec<StudyJob>,
}

/// A job of a study.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyJob {
    /// The job.
    pub key: Key,
    /// Its first name.
    pub label: String,
    /// Its kind.
    pub kind: String,
    /// Whether reports or claims read its numbers.
    pub read: bool,
    /// Whether it is no job, but a place where jobs of one beginning keep checkpoints.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_place: bool,
    /// Steps whose checkpoints stay when it is finished.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keep: Vec<u64>,
}

/// A run under way; dropping ends it. While there is one, nothing that a study names is removed.
#[derive(Debug)]
#[must_use]
pub struct Running {
    _file: Option<File>,
}

/// The lock of whoever reads or changes the roots.
const STUDIES: &str = "studies";

/// The lock that runs share.
const RUNNING: &str = "running";

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Record for StudyRecord {
    const WORD: &'static str = "study";
    const FOLDER: &'static str = "studies";
    const SCHEMA: u32 = STUDY_SCHEMA;
    const MOST_BYTES: u64 = MAX_STUDY_BYTES;

    /// The name for people, and what tells two studies of one name apart.
    fn file_name(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let name: String = self.name.chars().take(80).map(plain).collect();
        format!(
            "study-{name}-{}.json",
            Digest::of(self.file.as_bytes()).short()
        )
    }
}

impl StudyRecord {
    /// Makes a record of the present schema.
    pub fn new(name: String, file: String, jobs: Vec<StudyJob>) -> Self {
        let schema = STUDY_SCHEMA;
        Self {
            schema,
            name,
            file,
            jobs,
        }
    }

    /// The name of the study whose record has this file name.
    pub(crate) fn name_of(file_name: &str) -> String {
        let inner = file_name.strip_prefix("study-").unwrap_or(file_name);
        let name = inner.rsplit_once('-').map_or(inner, |(name, _)| name);
        name.to_owned()
    }

    /// Returns how many jobs it names.
    pub fn job_count(&self) -> usize {
        self.jobs.iter().filter(|job| !job.is_place).count()
    }

    /// Returns whether it was forgotten: it names no job.
    pub fn is_forgotten(&self) -> bool {
        self.jobs.is_empty()
    }
}

impl Store {
    /// Begins a run of a study: files the study, and holds off the removal of what studies name.
    ///
    /// Waits for a clearing under way. Look for finished jobs after this, not before. What the
    /// record named before stays in it until [`Store::end_run`]: an edit that is not carried out
    /// may be undone, and another run may be of an earlier text of the same study.
    pub fn begin_run(&self, study: &StudyRecord) -> Result<Running, StoreError> {
        self.must_write()?;
        let _held = self.hold_roots()?;
        let running = self.under_way()?;
        self.put_record(&self.joined(study)?)?;
        Ok(running)
    }

    /// Ends a run after which the whole study is there: what its record named before may go, unless
    /// other runs go on.
    pub fn end_run(&self, running: Running, study: &StudyRecord) -> Result<(), StoreError> {
        drop(running);
        let _held = self.hold_roots()?;
        if let Tried::Taken(_alone) = self.keep_runs_out()? {
            self.put_record(study)?;
        }
        Ok(())
    }

    /// Files a study in place of its earlier record; false where the same lay there.
    ///
    /// Waits for a clearing under way.
    pub fn file_study(&self, study: &StudyRecord) -> Result<bool, StoreError> {
        self.must_write()?;
        let _held = self.hold(STUDIES, false)?;
        self.put_record(study)
    }

    /// Takes part in the lock of running `vpc run`s: until it is dropped, nothing is removed that
    /// a study names.
    pub fn under_way(&self) -> Result<Running, StoreError> {
        let file = self.hold(RUNNING, true)?;
        Ok(Running { _file: file })
    }

    /// Reads the records of all studies, in order of their names; damaged ones are set aside.
    pub fn studies(&self) -> Result<Vec<StudyRecord>, StoreError> {
        self.records()
    }

    /// Lets go of what a study names; nothing is removed by this. False where it is not known.
    ///
    /// A record without jobs stays, so that the store knows of the study.
    pub fn forget_study(&self, study: &StudyRecord) -> Result<bool, StoreError> {
        let empty = StudyRecord {
            jobs: Vec::new(),
            ..study.clone()
        };
        let name = study.file_name();
        let is_known = self.studies()?.iter().any(|one| one.file_name() == name)
            || self.lost::<StudyRecord>()?.contains(&name);
        Ok(is_known && self.file_study(&empty)?)
    }

    /// Names the studies whose records were damaged and not filed again since: what they need is
    /// not known.
    pub fn lost_studies(&self) -> Result<Vec<String>, StoreError> {
        let lost = self.lost::<StudyRecord>()?.into_iter();
        Ok(lost.map(|file| StudyRecord::name_of(&file)).collect())
    }

    /// Keeps everybody out who reads or changes the roots, until it is dropped.
    pub(crate) fn hold_roots(&self) -> Result<Option<File>, StoreError> {
        self.hold(STUDIES, false)
    }

    /// Keeps new runs out; none where a run is under way.
    pub(crate) fn keep_runs_out(&self) -> Result<Tried, StoreError> {
        try_exclusive(&self.layout().lock(RUNNING))
    }

    /// Tells whether somebody is clearing the store, or is just beginning a run, so that
    /// [`Store::begin_run`] would wait.
    pub fn is_busy(&self) -> bool {
        is_held(&self.layout().lock(STUDIES))
    }

    /// Tells whether a run is under way, changing nothing.
    pub(crate) fn has_run(&self) -> bool {
        is_held(&self.layout().lock(RUNNING))
    }

    /// The record with those jobs of its earlier form that it lacks.
    fn joined(&self, study: &StudyRecord) -> Result<StudyRecord, StoreError> {
        let known: BTreeSet<Key> = study.jobs.iter().map(|job| job.key).collect();
        let mut all = study.clone();
        let earlier = self.studies()?.into_iter();
        let earlier = earlier.filter(|one| one.file_name() == study.file_name());
        let lacking = earlier.flat_map(|one| one.jobs);
        all.jobs
            .extend(lacking.filter(|job| !known.contains(&job.key)));
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn fresh() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("s")).unwrap();
        (folder, store)
    }

    fn study(file: &str, jobs: &[u8]) -> StudyRecord {
        let job = |number: &u8| StudyJob {
            key: Key::new([*number; 32]),
            label: format!("job {number}"),
            kind: "train".into(),
            read: false,
            is_place: false,
            keep: Vec::new(),
        };
        StudyRecord::new("s".into(), file.into(), jobs.iter().map(job).collect())
    }

    fn only_file(store: &Store) -> std::path::PathBuf {
        let files = store.record_files::<StudyRecord>().unwrap();
        assert_eq!(files.len(), 1, "{files:?}");
        files.into_iter().next().unwrap()
    }

    #[test]
    fn a_study_is_filed_once_and_replaced_as_it_changes() {
        let (_folder, store) = fresh();
        assert!(store.file_study(&study("s.vp", &[1, 2])).unwrap());
        let written = fs::metadata(only_file(&store)).unwrap().modified().unwrap();
        assert!(!store.file_study(&study("s.vp", &[1, 2])).unwrap());
        let again = fs::metadata(only_file(&store)).unwrap().modified().unwrap();
        assert_eq!(again, written);
        assert!(store.file_study(&study("s.vp", &[2])).unwrap());
        assert_eq!(store.studies().unwrap(), [study("s.vp", &[2])]);
    }

    #[test]
    fn two_studies_of_one_name_are_two() {
        let (_folder, store) = fresh();
        store.file_study(&study("a/s.vp", &[1])).unwrap();
        store.file_study(&study("b/s.vp", &[2])).unwrap();
        assert_eq!(store.studies().unwrap().len(), 2);
        assert!(store.forget_study(&study("a/s.vp", &[])).unwrap());
        assert!(!store.forget_study(&study("c/s.vp", &[])).unwrap());
        let forgotten = |one: &&StudyRecord| one.is_forgotten();
        let studies = store.studies().unwrap();
        assert_eq!(studies.iter().filter(forgotten).count(), 1);
    }

    #[test]
    fn damage_is_set_aside_and_the_next_filing_heals_it() {
        let (_folder, store) = fresh();
        store.file_study(&study("s.vp", &[1])).unwrap();
        let path = only_file(&store);
        let mut text = fs::read(&path).unwrap();
        text[100] ^= 1;
        fs::remove_file(&path).unwrap();
        fs::write(&path, text).unwrap();
        assert!(store.studies().unwrap().is_empty());
        let damage = store.damage();
        assert_eq!(damage.len(), 1);
        assert!(damage[0].moved_to.is_some(), "{damage:?}");
        assert_eq!(store.lost_studies().unwrap(), ["s"]);
        assert!(store.file_study(&study("s.vp", &[1])).unwrap());
        assert_eq!(store.studies().unwrap().len(), 1);
        assert!(store.lost_studies().unwrap().is_empty());
    }

    #[test]
    fn beside_another_run_nothing_leaves_the_record() {
        let (_folder, store) = fresh();
        let first = store.begin_run(&study("s.vp", &[1, 2])).unwrap();
        let second = store.begin_run(&study("s.vp", &[2, 3])).unwrap();
        assert_eq!(store.studies().unwrap(), [study("s.vp", &[2, 3, 1])]);
        store.end_run(first, &study("s.vp", &[1, 2])).unwrap();
        assert_eq!(store.studies().unwrap(), [study("s.vp", &[2, 3, 1])]);
        drop(second);
        // An edit that is not carried out lets go of nothing; one that is does.
        let alone = store.begin_run(&study("s.vp", &[3])).unwrap();
        assert_eq!(store.studies().unwrap(), [study("s.vp", &[3, 2, 1])]);
        store.end_run(alone, &study("s.vp", &[3])).unwrap();
        assert_eq!(store.studies().unwrap(), [study("s.vp", &[3])]);
    }
}
