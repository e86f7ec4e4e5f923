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

/// Most steps of evaluating one field or declaration; an element of a list is a step.
pub(crate) const STEPS: usize = 1_000_000;

/// Most bits of a number's numerator or denominator.
pub(crate) const BITS: u64 = 4096;

/// Most problems that are told.
pub(crate) const PROBLEMS: usize = 1000;
