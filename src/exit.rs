//! Exit statuses: an interface, like any other.

use vpc_store::{ErrorKind, StoreError};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Everything asked for was done.
    Ok,
    /// There is something to do, where that was asked: as other planners tell it.
    Changes,
    /// Problems in the `.vp`, or failed jobs.
    Problems,
    /// Wrong use of the command.
    Use,
    /// The store is damaged; running again heals it.
    Damaged,
    /// The machine does not allow it: disk full, read-only and the like.
    Environment,
    /// Stopped by this signal.
    Signal(u8),
}

impl Status {
    /// Returns the number handed to the shell.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Problems => 1,
            Self::Use | Self::Changes => 2,
            Self::Damaged => 3,
            Self::Environment => 4,
            Self::Signal(signal) => 128 + signal,
        }
    }

    /// Returns the status that a failure of the store leads to.
    pub(crate) fn of(error: &StoreError) -> Self {
        match error.kind() {
            ErrorKind::Damaged | ErrorKind::Nondeterministic => Self::Damaged,
            ErrorKind::NotAStore | ErrorKind::NewerFormat | ErrorKind::Use => Self::Use,
            _ => Self::Environment,
        }
    }
}
