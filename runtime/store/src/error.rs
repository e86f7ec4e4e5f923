//! What can go wrong with a store, in words that say what to do.

use std::io;
use std::path::{Path, PathBuf};

use vpc_compiler::plan::Key;

use crate::Difference;
use crate::limits::STORE_FORMAT;

/// What kind of trouble an error is; the command maps it to an exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Something in the store is damaged; running again recomputes it.
    Damaged,
    /// The machine does not allow the work: disk full, read-only, no permission, I/O error.
    Environment,
    /// The store was written in another format than this build knows.
    NewerFormat,
    /// The folder is something else than a store.
    NotAStore,
    /// The same job gave two different results.
    Nondeterministic,
    /// The store was used wrongly: a name, a size or an order of calls.
    Use,
}

/// A failure of the store; every case names the path or key it is about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no room on the file system, or the quota is used up.
    #[error(
        "no space left to {action} `{path}`: {}; free some space or move the store, then run \
         again (finished work is kept)",
        crate::size::room(*needed, *free)
    )]
    DiskFull {
        /// What was being done.
        action: &'static str,
        /// Where it was being done.
        path: PathBuf,
        /// Bytes that were about to be written; 0 where that is not known.
        needed: u64,
        /// Bytes that the file system still offers, where it tells.
        free: Option<u64>,
    },

    /// The file system does not allow writing.
    #[error(
        "cannot {action} `{path}`: the file system is read-only; mount it writable or move the store"
    )]
    ReadOnly {
        /// What was being done.
        action: &'static str,
        /// Where it was being done.
        path: PathBuf,
    },

    /// The user lacks a permission.
    #[error(
        "cannot {action} `{path}`: permission denied; check its owner and mode, or move the store"
    )]
    Permission {
        /// What was being done.
        action: &'static str,
        /// Where it was being done.
        path: PathBuf,
    },

    /// Any other failure of the operating system.
    #[error("cannot {action} `{path}`: {source}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// Where it was being done.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },

    /// The file system has no locks, without which this work is not safe.
    #[error(
        "the file system of `{path}` refuses locks, so nobody can tell whether a run is under way; \
         clear the store from a machine where it has them"
    )]
    NoLocks {
        /// The folder of the store.
        path: PathBuf,
    },

    /// The folder has content but is not a store.
    #[error("`{path}` is not a store: {problem}; name an empty or missing folder instead")]
    NotAStore {
        /// The folder.
        path: PathBuf,
        /// What speaks against it.
        problem: String,
    },

    /// The store or a manifest has a format number this build does not know.
    #[error(
        "`{path}` has format {found}, this build knows {STORE_FORMAT}; use the `vpc` that wrote it, \
         or name another store folder"
    )]
    NewerFormat {
        /// The file that carries the number.
        path: PathBuf,
        /// The number.
        found: u64,
    },

    /// An artifact or manifest is missing, cut short or altered.
    #[error("`{path}` is damaged: {problem}; run again and it is made anew")]
    Damaged {
        /// The damaged file.
        path: PathBuf,
        /// How it is damaged.
        problem: String,
    },

    /// Two makings of one job gave different files; the first is kept.
    #[error("job {key} is not deterministic: {difference}; the first result is kept")]
    Nondeterministic {
        /// The job.
        key: Key,
        /// The first difference, in order of names.
        difference: Box<Difference>,
    },

    /// A manifest has no file of this name.
    #[error("job {key} has no file `{name}`")]
    NoSuchFile {
        /// The job.
        key: Key,
        /// The name that was asked for.
        name: String,
    },

    /// A name of a file is not safe or is used twice.
    #[error("`{name}` cannot name a file of the store: {problem}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },

    /// An artifact was begun but not finished before publishing.
    #[error("file `{name}` was begun but not finished; finish every writer before publishing")]
    Unfinished {
        /// The name of the file.
        name: String,
    },

    /// Something is larger than the store allows.
    #[error("{what} is {found}, the limit is {limit}")]
    Limit {
        /// What is too large, with its unit.
        what: &'static str,
        /// How large it is.
        found: u64,
        /// How large it may be.
        limit: u64,
    },

    /// A file is not an archive of a study, or cannot become one.
    #[error("`{path}`: {problem}")]
    Archive {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        problem: String,
    },

    /// Something has the name that a new folder was to have.
    #[error("`{path}` is there already, and is no empty folder; name another")]
    Taken {
        /// The folder that was to be made.
        path: PathBuf,
    },

    /// A store opened by `peek` was asked to change something.
    #[error("store `{path}` was opened for looking only")]
    Peeked {
        /// The folder of the store.
        path: PathBuf,
    },
}

impl StoreError {
    /// Says what kind of trouble this is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::DiskFull { .. }
            | Self::ReadOnly { .. }
            | Self::Permission { .. }
            | Self::NoLocks { .. }
            | Self::Io { .. } => ErrorKind::Environment,
            Self::NotAStore { .. } => ErrorKind::NotAStore,
            Self::NewerFormat { .. } => ErrorKind::NewerFormat,
            Self::Damaged { .. } => ErrorKind::Damaged,
            Self::Nondeterministic { .. } => ErrorKind::Nondeterministic,
            Self::NoSuchFile { .. }
            | Self::Name { .. }
            | Self::Unfinished { .. }
            | Self::Limit { .. }
            | Self::Archive { .. }
            | Self::Taken { .. }
            | Self::Peeked { .. } => ErrorKind::Use,
        }
    }

    /// Takes the store's error out of one that an [`ArtifactWriter`](crate::ArtifactWriter) gave
    /// through `io::Write`.
    pub fn of_write(error: io::Error) -> Self {
        error
            .downcast()
            .unwrap_or_else(|source| Self::io("write", Path::new("artifact"), source))
    }

    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::io_sized(action, path, 0, source)
    }

    pub(crate) fn io_sized(
        action: &'static str,
        path: &Path,
        needed: u64,
        source: io::Error,
    ) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                let free = crate::disk::free_bytes(&path);
                Self::DiskFull {
                    action,
                    path,
                    needed,
                    free,
                }
            }
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { action, path },
            io::ErrorKind::PermissionDenied => Self::Permission { action, path },
            _ => Self::Io {
                action,
                path,
                source,
            },
        }
    }

    pub(crate) fn archive(path: &Path, problem: impl Into<String>) -> Self {
        Self::Archive {
            path: path.to_owned(),
            problem: problem.into(),
        }
    }

    pub(crate) fn damaged(path: &Path, problem: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            problem: problem.into(),
        }
    }
}

/// Adds what was being done, and where, to a failure of the operating system.
pub(crate) trait During<T> {
    /// Names the action (a verb for "cannot …") and the path.
    fn during(self, action: &'static str, path: &Path) -> Result<T, StoreError>;
}

impl<T, E: Into<io::Error>> During<T> for Result<T, E> {
    fn during(self, action: &'static str, path: &Path) -> Result<T, StoreError> {
        self.map_err(|error| StoreError::io(action, path, error.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: io::ErrorKind) -> StoreError {
        StoreError::io("write", Path::new("/x"), kind.into())
    }

    #[test]
    fn environment_is_told_apart() {
        for kind in [
            io::ErrorKind::StorageFull,
            io::ErrorKind::QuotaExceeded,
            io::ErrorKind::ReadOnlyFilesystem,
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::Other,
        ] {
            assert_eq!(of(kind).kind(), ErrorKind::Environment);
        }
        assert!(matches!(
            of(io::ErrorKind::ReadOnlyFilesystem),
            StoreError::ReadOnly { .. }
        ));
    }

    #[test]
    fn a_full_disk_says_what_to_do() {
        let error = StoreError::DiskFull {
            action: "write",
            path: "/s".into(),
            needed: 2048,
            free: Some(3 << 20),
        };
        assert_eq!(
            error.to_string(),
            "no space left to write `/s`: 2.0 KiB needed at once, 3.0 MiB free; free some space or \
             move the store, then run again (finished work is kept)"
        );
    }

    #[test]
    fn errors_come_back_out_of_io() {
        let inner = StoreError::Unfinished { name: "a".into() };
        let back = StoreError::of_write(io::Error::other(inner));
        assert_eq!(back.kind(), ErrorKind::Use);
        assert_eq!(
            StoreError::of_write(io::Error::other("x")).kind(),
            ErrorKind::Environment
        );
    }

    #[test]
    fn errors_are_small() {
        assert!(
            size_of::<StoreError>() <= 104,
            "{}",
            size_of::<StoreError>()
        );
    }
}
