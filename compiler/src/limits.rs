//! Limits on what a study may expand to: one place, generous, always with a message.

/// Most runs of one experiment's job.
pub(crate) const RUNS: usize = 1_000_000;

/// Largest size within a model or a batch: products of two of them fit into 64 bits.
pub(crate) const SIZE: u64 = 1 << 31;

/// Most tokens of a run.
pub(crate) const TOKENS: u64 = 1_000_000_000_000_000_000;

/// Most values of one axis.
pub(crate) const AXIS_VALUES: usize = 100_000;

/// Deepest chain of `let`s of an experiment that use each other.
pub(crate) const LETS: usize = 64;

/// Most expressions being evaluated within each other, through declarations too.
pub(crate) const EVALUATION: usize = 300;
