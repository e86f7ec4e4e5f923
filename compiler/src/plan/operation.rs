//! What says how work is done or where things lie, and never what comes out.

use serde::{Deserialize, Serialize};

use super::Fraction;

/// An operation field of a task: it has no way into a key.
///
/// A [`Record`](super::Record) takes values, and this cannot become one:
///
/// ```compile_fail,E0277
/// use vpc_compiler::plan::{Operation, Record};
/// let path = Operation::new("data/code.txt".to_owned());
/// Record::default().with("path", path);
/// ```
///
/// What is inside is for those who carry a plan out; the compiler's lints forbid it to look.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Operation<T>(T);

impl<T> Operation<T> {
    /// Makes an operation field.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Returns the value, for carrying the plan out.
    pub const fn get(&self) -> &T {
        &self.0
    }
}

impl<T> Operation<Option<T>> {
    /// Returns whether it is left out.
    pub const fn is_none(&self) -> bool {
        self.0.is_none()
    }
}

impl Operation<bool> {
    /// Returns whether it is off.
    pub const fn is_false(&self) -> bool {
        !self.0
    }

    /// Turns it on where another is.
    pub(super) fn or(&mut self, other: &Self) {
        self.0 |= other.0;
    }
}

impl Operation<Option<Fraction>> {
    /// Keeps the lower of two limits.
    pub(super) fn tighten(&mut self, other: &Self) {
        let lower = match (self.0, other.0) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        self.0 = lower;
    }
}

impl Operation<Vec<u64>> {
    /// Adds the numbers of another, sorted and each once.
    pub(super) fn unite(&mut self, other: Self) {
        self.0.extend(other.0);
        self.0.sort_unstable();
        self.0.dedup();
    }
}
