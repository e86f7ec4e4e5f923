//! A whole store compared with what it should be, byte for byte.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use vpc_compiler::plan::Key;

use crate::census::Amount;
use crate::find::{Loaded, open_if_there};
use crate::layout::Place;
use crate::quarantine::Aside;
use crate::read::content_problem;
use crate::records::{Filed, Record, load_record};
use crate::{Digest, Digests, Manifest, Pin, RunState, Store, StoreError, StudyRecord};

/// What an audit looked at, and all the damage there is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Audit {
    /// Finished jobs.
    pub jobs: usize,
    /// Checkpoints.
    pub checkpoints: usize,
    /// What is left of evicted jobs.
    pub traces: usize,
    /// Records of studies, pins, journals of runs, and remembered digests.
    pub records: usize,
    /// Blobs, all of which were read.
    pub blobs: Amount,
    /// Blobs that nothing names.
    pub loose: Amount,
    /// The damage.
    pub found: Vec<Found>,
}

/// One damaged thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub what: Suspect,
    /// Where it was found.
    pub path: PathBuf,
    /// The first name of the job, as far as studies know it.
    pub label: Option<String>,
    /// How it is damaged.
    pub problem: String,
    /// Where it lies now; none where it is missing or was only looked at.
    pub moved_to: Option<PathBuf>,
    /// What follows from it.
    pub then: Consequence,
}

/// What may be damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspect {
    /// The manifest of a finished job, or one of the files it names.
    Job(Key),
    /// A checkpoint, or one of its files.
    Checkpoint(Key, u64),
    /// What is left of an evicted job.
    Trace(Key),
    /// A blob.
    Blob(Digest),
    /// The record of a study.
    Study,
    /// A pin.
    Pin,
    /// The journal of a run.
    Journal,
    /// The remembered digests of data files.
    Digests,
}

/// What follows from damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consequence {
    /// The next run of its study computes it again: nothing was made from it.
    ComputedAgain,
    /// It is computed again when something needs it: others were made from it that are there.
    WhenNeeded,
    /// No study needs it.
    NotNeeded,
    /// The job goes on from an earlier checkpoint.
    EarlierCheckpoint,
    /// What the job was and took is known no more.
    Forgotten,
    /// The jobs that name it are told on their own.
    SeeJobs,
    /// No job is removed until the study is filed again.
    FileAgain,
    /// The job stays pinned; why is known no more.
    StaysPinned,
    /// The sound beginning of the journal stays.
    BeginningStays,
    /// Data files are read again.
    ReadAgain,
}

impl Store {
    /// Reads every byte of every blob, manifest, trace and record.
    ///
    /// What is damaged is set aside, so that the next run computes it again; a peeking store only
    /// looks. `progress` is told how many bytes were read, of how many.
    pub fn audit(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Audit, StoreError> {
        let mut look = Look {
            store: self,
            audit: Audit::default(),
            bad: BTreeSet::new(),
            named: BTreeSet::new(),
            inputs: BTreeSet::new(),
        };
        look.blobs(progress)?;
        for key in self.keys_below("jobs")? {
            look.audit.jobs += 1;
            look.manifest(Place::job(key))?;
        }
        for (key, step) in self.all_steps()? {
            look.audit.checkpoints += 1;
            look.manifest(Place::step(key, step))?;
        }
        for key in self.keys_below("evicted")? {
            look.audit.traces += 1;
            look.trace(key)?;
        }
        let studies = look.records::<StudyRecord>(Suspect::Study, Consequence::FileAgain)?;
        look.records::<Pin>(Suspect::Pin, Consequence::StaysPinned)?;
        look.records::<Digests>(Suspect::Digests, Consequence::ReadAgain)?;
        look.journals()?;
        look.finish(studies)
    }
}

/// An audit under way.
struct Look<'s> {
    store: &'s Store,
    audit: Audit,
    /// Damaged blobs.
    bad: BTreeSet<Digest>,
    /// Blobs that a manifest names.
    named: BTreeSet<Digest>,
    /// Jobs from which others were made.
    inputs: BTreeSet<Key>,
}

impl Look<'_> {
    fn blobs(&mut self, progress: &mut dyn FnMut(u64, u64)) -> Result<(), StoreError> {
        let objects = self.store.objects()?;
        let all: u64 = objects.values().sum();
        for (digest, bytes) in objects {
            let path = self.store.layout().object(digest);
            // One that went meanwhile was not needed any more.
            let Some(file) = open_if_there(&path)? else {
                continue;
            };
            self.audit.blobs.add(bytes);
            if let Some(problem) = content_problem(digest, &file) {
                let is_bad = || matches!(self.store.inspect(digest), Ok(Some(_)));
                let moved = self.store.move_aside(&path, is_bad)?;
                self.bad.insert(digest);
                let what = Suspect::Blob(digest);
                self.note(what, &path, problem, moved, Consequence::SeeJobs);
            }
            progress(self.audit.blobs.bytes, all);
        }
        Ok(())
    }

    fn manifest(&mut self, place: Place) -> Result<(), StoreError> {
        let problem = match self.store.load(place)? {
            Loaded::Absent => None,
            Loaded::Bad(problem) => Some(problem),
            Loaded::Good(found) => {
                self.inputs.extend(found.inputs.iter().map(|(_, key)| *key));
                self.named
                    .extend(found.files.values().map(|file| file.digest));
                self.problem(&found)?
            }
        };
        let Some(problem) = problem else {
            return Ok(());
        };
        let is_bad = || match self.store.load(place) {
            Ok(Loaded::Bad(_)) => true,
            Ok(Loaded::Good(found)) => matches!(self.problem(&found), Ok(Some(_))),
            Ok(Loaded::Absent) | Err(_) => false,
        };
        let path = self.store.layout().manifest(place);
        let moved = self.store.move_aside(&path, is_bad)?;
        let (what, then) = match place.step {
            None => (Suspect::Job(place.key), Consequence::ComputedAgain),
            Some(step) => {
                let what = Suspect::Checkpoint(place.key, step);
                (what, Consequence::EarlierCheckpoint)
            }
        };
        self.note(what, &path, problem, moved, then);
        Ok(())
    }

    /// What is wrong with the files of a manifest.
    fn problem(&self, found: &Manifest) -> Result<Option<String>, StoreError> {
        let lacking = self.store.lacking(found)?;
        // Bad blobs are out of the way, unless this is but a look.
        let files = found.files.values().filter(|_| self.store.is_peeked());
        let mut bad = files.filter(|file| self.bad.contains(&file.digest));
        let lacking = lacking.or_else(|| Some((*bad.next()?, "it is damaged".to_owned())));
        Ok(lacking.map(|(file, problem)| format!("its file {}: {problem}", file.digest.short())))
    }

    fn trace(&mut self, key: Key) -> Result<(), StoreError> {
        match self.store.load_trace(key)? {
            Loaded::Absent => {}
            Loaded::Good(found) => self.inputs.extend(found.inputs.iter().map(|(_, key)| *key)),
            Loaded::Bad(problem) => {
                let path = self.store.layout().trace(key);
                let is_bad = || matches!(self.store.load_trace(key), Ok(Loaded::Bad(_)));
                let moved = self.store.move_aside(&path, is_bad)?;
                let what = Suspect::Trace(key);
                self.note(what, &path, problem, moved, Consequence::Forgotten);
            }
        }
        Ok(())
    }

    fn records<T: Record>(
        &mut self,
        what: Suspect,
        then: Consequence,
    ) -> Result<Vec<T>, StoreError> {
        let mut good = Vec::new();
        for path in self.store.record_files::<T>()? {
            self.audit.records += 1;
            match load_record::<T>(&path)? {
                Filed::Absent => {}
                Filed::Good(record) => good.push(record),
                Filed::Bad(problem) => {
                    let is_bad = || matches!(load_record::<T>(&path), Ok(Filed::Bad(_)));
                    let moved = self.store.move_aside(&path, is_bad)?;
                    self.note(what, &path, problem, moved, then);
                }
            }
        }
        Ok(good)
    }

    fn journals(&mut self) -> Result<(), StoreError> {
        for run in self.store.history()?.runs {
            self.audit.records += 1;
            let RunState::Damaged(problem) = &run.state else {
                continue;
            };
            let path = self.store.journal_path(&run);
            let moved = if self.store.is_peeked() {
                Aside::Missing
            } else {
                Aside::Moved(self.store.mend_journal(&run)?)
            };
            let then = Consequence::BeginningStays;
            self.note(Suspect::Journal, &path, problem.clone(), moved, then);
        }
        Ok(())
    }

    fn note(
        &mut self,
        what: Suspect,
        path: &Path,
        problem: String,
        moved: Aside,
        then: Consequence,
    ) {
        let moved_to = match moved {
            Aside::Sound => return,
            Aside::Missing => None,
            Aside::Moved(to) => Some(to),
        };
        self.audit.found.push(Found {
            what,
            path: path.to_owned(),
            label: None,
            problem,
            moved_to,
            then,
        });
    }

    /// Adds what is known when everything was seen: names, what is needed, what is loose.
    fn finish(self, studies: Vec<StudyRecord>) -> Result<Audit, StoreError> {
        let Self {
            store,
            mut audit,
            named,
            inputs,
            ..
        } = self;
        for (digest, bytes) in store.objects()? {
            if !named.contains(&digest) {
                audit.loose.add(bytes);
            }
        }
        let jobs = studies.into_iter().flat_map(|study| study.jobs);
        let labels: BTreeMap<Key, String> = jobs.map(|job| (job.key, job.label)).collect();
        for found in &mut audit.found {
            let (Suspect::Job(key) | Suspect::Checkpoint(key, _) | Suspect::Trace(key)) =
                found.what
            else {
                if matches!(found.what, Suspect::Blob(digest) if !named.contains(&digest)) {
                    found.then = Consequence::NotNeeded;
                }
                continue;
            };
            found.label = labels.get(&key).cloned();
            if found.then == Consequence::ComputedAgain {
                found.then = match &found.label {
                    None => Consequence::NotNeeded,
                    Some(_) if inputs.contains(&key) => Consequence::WhenNeeded,
                    Some(_) => Consequence::ComputedAgain,
                };
            }
        }
        Ok(audit)
    }
}
