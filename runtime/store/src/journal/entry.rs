//! What a line of the journal says.

use serde::{Deserialize, Serialize};
use vpc_compiler::plan::Key;

/// The version of the lines.
pub(super) const SCHEMA: u32 = 1;

/// One line of the journal. Times are milliseconds since 1970 by the clock of the host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Entry {
    /// A run begins; the first line of each file.
    Begun(Begun),
    /// A job came to an end in this run, or was found there.
    Job {
        /// The job.
        key: Key,
        /// Its kind.
        kind: String,
        /// Its names in the study; the first is the one used in messages.
        labels: Vec<String>,
        /// What came of it.
        ended: Ended,
        /// What it took.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        took: Option<Took>,
        /// When.
        at: u64,
    },
    /// The run came to its end; the last line of each file whose run did.
    Ended {
        /// When.
        at: u64,
        /// Lines before this one.
        lines: u64,
    },
}

/// A run that begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// The version of the lines.
    pub schema: u32,
    /// What was done: `run`, `adopt` and the like.
    pub command: String,
    /// The study: its file, as seen from the folder that holds the store.
    pub study: String,
    /// The selections of `--only`.
    pub only: Vec<String>,
    /// The program.
    pub build: String,
    /// The machine's name.
    pub host: String,
    /// The process.
    pub process: u32,
    /// When.
    pub at: u64,
}

/// What came of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// It was computed.
    Done,
    /// It was there already: made by a run of which this journal does not tell under this name.
    Found,
    /// Its inputs came out as before, so what this job had made stands for it.
    Reused(Key),
    /// It was brought from outside.
    Adopted,
    /// It failed, with the reason in words.
    Failed(String),
    /// The run was stopped before its end.
    Stopped,
}

/// What a job took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Took {
    /// Wall time of this run, in seconds.
    pub seconds: f64,
    /// Processor threads.
    pub threads: u64,
    /// Size of what it made, in bytes.
    pub bytes: u64,
    /// What writing and filing checkpoints and the result cost of the time, in seconds, where it was
    /// counted: how long the job waited, and the processor time of what was done beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filing: Option<f64>,
}

impl Begun {
    /// Says what begins, in this process and in the present version.
    pub fn new(command: &str, study: String, only: Vec<String>, build: String, at: u64) -> Self {
        Self {
            schema: SCHEMA,
            command: command.to_owned(),
            study,
            only,
            build,
            host: host(),
            process: std::process::id(),
            at,
        }
    }
}

/// Returns the name of this machine.
pub fn host() -> String {
    let about = rustix::system::uname();
    about.nodename().to_string_lossy().into_owned()
}

impl Entry {
    /// Returns when the entry was written.
    pub const fn at(&self) -> u64 {
        match self {
            Self::Begun(begun) => begun.at,
            Self::Job { at, .. } | Self::Ended { at, .. } => *at,
        }
    }
}

impl Ended {
    /// Whether the job's result was there afterwards.
    pub const fn is_there(&self) -> bool {
        match self {
            Self::Done | Self::Found | Self::Reused(_) | Self::Adopted => true,
            Self::Failed(_) | Self::Stopped => false,
        }
    }
}
