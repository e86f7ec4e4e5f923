//! What came of a run.

use vpc_compiler::plan::Key;

/// What came of a run.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Jobs finished by this run.
    pub made: Vec<Key>,
    /// Jobs for which an earlier result stands, since their inputs came out as before.
    pub reused: Vec<Key>,
    /// Needed jobs that were finished before.
    pub cached: usize,
    /// Jobs that failed.
    pub failed: Vec<Failure>,
    /// Jobs not run because one they need failed.
    pub skipped: Vec<Key>,
    /// Needed jobs that were not begun or not finished, because of a stop or an earlier failure.
    pub left: usize,
    /// Whether the run was stopped before its end.
    pub stopped: bool,
}

/// A job that failed.
#[derive(Debug)]
pub struct Failure {
    /// The job.
    pub key: Key,
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub place: String,
    /// Why, in words.
    pub message: String,
    /// Whether the machine is at fault: disk full, read-only and the like.
    pub environment: bool,
    /// Whether the store was found damaged; the next run heals it.
    pub damage: bool,
}

impl Outcome {
    /// Whether everything asked for is there.
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty() && self.skipped.is_empty() && self.left == 0
    }
}
