//! Limits on what a study may expand to: one place, generous, always with a message.

/// Most runs of one experiment's job.
pub(crate) const RUNS: usize = 1_000_000;

/// Most values of one axis.
pub(crate) const AXIS_VALUES: usize = 100_000;

/// Deepest chain of declarations that use each other.
pub(crate) const DEPTH: usize = 64;
