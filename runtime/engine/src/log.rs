//! The journal of a run, as the engine keeps it. It tells; nothing rests on it: where it cannot be
//! written, the work goes on.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use vpc_compiler::plan::{Job, Plan};
use vpc_store::{Begun, Earlier, Ended, Entry, Journal, Manifest, Store, StoreError, Took};

use crate::event::{Event, Observer};
use crate::options::Options;
use crate::survey::{State, Survey};

/// The journal of one run, and what the journals of earlier runs told of its study.
pub(crate) struct Log {
    journal: Option<Journal>,
    earlier: Earlier,
    /// Why nothing is written any more.
    trouble: Option<StoreError>,
    /// Whether what was there at the beginning was noted.
    has_looked: bool,
}

impl Log {
    /// Reads what earlier runs told, and begins to tell of this one.
    pub(crate) fn begin(store: &Store, options: &Options) -> Result<Self, StoreError> {
        let earlier = store.history()?.earlier(&options.study);
        let (journal, trouble) = match store.journal(&begun(options)) {
            Ok(journal) => (Some(journal), None),
            Err(error) => (None, Some(error)),
        };
        Ok(Self {
            journal,
            earlier,
            trouble,
            has_looked: false,
        })
    }

    /// Returns the jobs that were there under each name of the study when the run began.
    pub(crate) fn earlier(&self) -> &Earlier {
        &self.earlier
    }

    /// Notes the finished jobs that are not known by their names.
    pub(crate) fn found(&mut self, plan: &Plan, survey: &Survey) {
        // Once: a later pass finds what this run has told of already.
        if std::mem::replace(&mut self.has_looked, true) {
            return;
        }
        let entries = unknown(plan, survey, &self.earlier);
        if !entries.is_empty() {
            self.write(&entries);
        }
    }

    /// Notes that a job was done, and what it took.
    pub(crate) fn done(
        &mut self,
        job: &Job,
        made: &Manifest,
        took: Duration,
        filing: Option<Duration>,
    ) {
        let threads = made.made.get("threads").and_then(serde_json::Value::as_u64);
        let took = threads.map(|threads| Took {
            seconds: took.as_secs_f64(),
            threads,
            bytes: made.bytes(),
            filing: filing.map(|filing| filing.as_secs_f64()),
        });
        self.write(&[entry(job, Ended::Done, took)]);
    }

    /// Notes what else came of a job.
    pub(crate) fn ended(&mut self, job: &Job, ended: Ended) {
        self.write(&[entry(job, ended, None)]);
    }

    /// Says that the run came to its end, and what kept the journal from telling all of it.
    pub(crate) fn end(mut self, observer: &dyn Observer) {
        if let Some(Err(error)) = self.journal.take().map(|journal| journal.end(now())) {
            self.trouble = Some(error);
        }
        if let Some(error) = self.trouble {
            let note = format!("the journal of this run breaks off: {error}");
            observer.event(Event::Note(&note));
        }
    }

    fn write(&mut self, entries: &[Entry]) {
        let written = self
            .journal
            .as_mut()
            .map(|journal| journal.add_all(entries));
        if let Some(Err(error)) = written {
            // A line may be torn: nothing can follow it.
            self.journal = None;
            self.trouble = Some(error);
        }
    }
}

/// Notes the finished jobs of a study that has nothing to do, where their names are new.
///
/// So a later edit is compared with them, whoever made them.
pub fn note_found(
    plan: &Plan,
    survey: &Survey,
    store: &Store,
    options: &Options,
) -> Result<(), StoreError> {
    let earlier = store.history()?.earlier(&options.study);
    let entries = unknown(plan, survey, &earlier);
    if entries.is_empty() {
        return Ok(());
    }
    let mut journal = store.journal(&begun(options))?;
    journal.add_all(&entries)?;
    journal.end(now())
}

fn unknown(plan: &Plan, survey: &Survey, earlier: &Earlier) -> Vec<Entry> {
    let jobs = plan.jobs.iter().zip(&survey.states);
    let cached = jobs.filter(|(_, state)| **state == State::Cached);
    cached
        .filter(|(job, _)| {
            job.labels
                .iter()
                .any(|label| !earlier.knows(label, job.key))
        })
        .map(|(job, _)| entry(job, Ended::Found, None))
        .collect()
}

fn entry(job: &Job, ended: Ended, took: Option<Took>) -> Entry {
    Entry::Job {
        key: job.key,
        kind: job.task.kind().to_owned(),
        labels: job.names(),
        ended,
        took,
        at: now(),
    }
}

fn begun(options: &Options) -> Begun {
    let (study, only) = (options.study.clone(), options.only.clone());
    Begun::new("run", study, only, options.build.clone(), now())
}

/// Milliseconds since 1970 by this machine's clock; 0 where the clock stands before that.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}
