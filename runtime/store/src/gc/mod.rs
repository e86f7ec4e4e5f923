//! Clearing a store: what nothing reaches goes; what studies reach and reports do not read makes
//! room where that is asked for.
//!
//! [`Store::would_clear`] says what would go and changes nothing. [`Store::clearing`] keeps new
//! runs from beginning, and [`Clearing::carry_out`] removes what was chosen.

mod carry;
mod choose;
mod room;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use vpc_compiler::plan::Key;

use crate::census::Amount;
use crate::limits::QUARANTINE_DAYS;
use crate::traces::Cost;

pub use carry::{Clearing, Collected};

/// What may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GcOptions {
    /// How many bytes the whole store may have; none leaves everything that studies reach.
    pub to: Option<u64>,
    /// How long damaged files stay in quarantine.
    pub quarantine: Duration,
}

impl Default for GcOptions {
    fn default() -> Self {
        Self {
            to: None,
            quarantine: Duration::from_hours(24 * QUARANTINE_DAYS),
        }
    }
}

/// What would go, and why other things would not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Removal {
    /// The size of the store as it is, in bytes.
    pub before: u64,
    /// Finished jobs of no study, not pinned and not adopted.
    pub jobs: Vec<Gone>,
    /// Finished jobs that make room.
    pub evicted: Vec<Gone>,
    /// What computing all of `jobs` again would take.
    pub jobs_again: Cost,
    /// What computing all of `evicted` again would take.
    pub evicted_again: Cost,
    /// Checkpoints that no study keeps.
    pub checkpoints: Vec<Gone>,
    /// Blobs that no manifest names.
    pub orphans: Amount,
    /// Private folders that no process holds.
    pub private: Amount,
    /// Damaged files that lay in quarantine long enough.
    pub quarantine: Amount,
    /// The size that was asked for, in bytes.
    pub to: Option<u64>,
    /// What stands against removing more.
    pub hindrances: Vec<Hindrance>,
    /// The quarantined files.
    pub(crate) quarantined: Vec<PathBuf>,
    /// Traces of jobs that are there again.
    pub stale_traces: Vec<Key>,
}

/// A job or a checkpoint that would go.
#[derive(Debug, Clone, PartialEq)]
pub struct Gone {
    /// The job.
    pub key: Key,
    /// The step, of a checkpoint.
    pub step: Option<u64>,
    /// The kind of the job.
    pub kind: String,
    /// The first name of the job.
    pub label: String,
    /// Its blobs that nothing else needs then.
    pub freed: Amount,
    /// What computing it again would take, with all inputs that are gone then; nothing for
    /// checkpoints, which are made on the way.
    pub cost: Cost,
    /// Whether other jobs of the store were made from it. If not, the next run of its study
    /// computes it again.
    pub is_input: bool,
}

/// Why not everything that was asked for would go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hindrance {
    /// Studies that ran before the store knew of studies; their names, where they left results.
    Unfiled(Vec<String>),
    /// Studies whose records were damaged.
    Lost(Vec<String>),
    /// Manifests that cannot be read.
    Damaged(usize),
    /// A run is under way, and might read whatever studies reach.
    UnderWay,
    /// What is left is read by reports, pinned, adopted, kept by studies, or not from jobs.
    TooMuchLeft,
}

/// What the studies and pins of a store reach.
#[derive(Debug, Default)]
pub(crate) struct Roots {
    pub(crate) reached: BTreeMap<Key, Reach>,
    pub(crate) pinned: BTreeSet<Key>,
}

/// What studies say of a job.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    /// Whether reports read it.
    pub(crate) read: bool,
    /// Whether it is a place of checkpoints, and no job.
    pub(crate) is_place: bool,
    /// Steps whose checkpoints stay.
    pub(crate) keep: BTreeSet<u64>,
}

impl Removal {
    /// Returns how many bytes would go.
    pub fn bytes(&self) -> u64 {
        let gone = [&self.jobs, &self.evicted, &self.checkpoints];
        let jobs: u64 = gone.into_iter().flatten().map(|one| one.freed.bytes).sum();
        jobs + self.orphans.bytes + self.private.bytes + self.quarantine.bytes
    }

    /// Returns the size of the store afterwards, in bytes.
    pub fn after(&self) -> u64 {
        self.before.saturating_sub(self.bytes())
    }

    /// Returns whether nothing would go.
    pub fn is_empty(&self) -> bool {
        let loose = self.private.count + self.quarantine.count + self.stale_traces.len();
        loose == 0 && !self.takes_blobs()
    }

    /// Whether blobs go, or manifests that name some.
    fn takes_blobs(&self) -> bool {
        let jobs = self.jobs.len() + self.evicted.len() + self.checkpoints.len();
        jobs + self.orphans.count > 0
    }
}

impl fmt::Display for Hindrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |names: &[String]| -> String {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            names.join(", ")
        };
        match self {
            Self::Unfiled(names) if names.is_empty() => f.write_str(
                "no study is filed in this store yet, so no job is removed; \
                 run each of your studies once, that files them",
            ),
            Self::Unfiled(names) => write!(
                f,
                "the store has results of {} and does not know what that needs, so no job is \
                 removed; run it once, that files it, or let go of it with `vpc store forget`",
                quoted(names)
            ),
            Self::Lost(names) => write!(
                f,
                "the record of {} is damaged, so no job is removed; run it once, that files it \
                 again, or let go of it with `vpc store forget`",
                quoted(names)
            ),
            Self::Damaged(count) => write!(
                f,
                "{count} manifest{} cannot be read, so no job and no file is removed; \
                 `vpc store verify` sets aside what is damaged",
                if *count == 1 { "" } else { "s" }
            ),
            Self::UnderWay => f.write_str(
                "a run is under way, so nothing that a study reaches is removed; \
                 ask again when it has ended",
            ),
            Self::TooMuchLeft => f.write_str(
                "the store stays larger than that: the rest is read by reports, pinned, adopted, \
                 or kept by studies",
            ),
        }
    }
}
