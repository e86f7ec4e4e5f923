//! Manifests: what a job was, what it made, and where its files are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vpc_compiler::plan::Key;

use crate::limits::MANIFEST_SCHEMA;
use crate::{Digest, StoreError};

/// One file of an artifact: its content and its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    /// The blake3 digest of the content.
    pub digest: Digest,
    /// The size in bytes.
    pub bytes: u64,
}

/// What is said about a job when it is published.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Draft {
    /// What kind of job it was.
    pub kind: String,
    /// The full specification of the job.
    pub spec: Value,
    /// The jobs it drew on, each by the part it played.
    pub inputs: Vec<(String, Key)>,
    /// Names that people gave to the job.
    pub labels: Vec<String>,
    /// What was measured; a second making must give the same.
    pub metrics: Value,
    /// Facts about this making (build, host, seconds); never part of what the job is.
    pub made: Value,
}

/// A published job, finished or (with a step) a checkpoint of one under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of this structure.
    pub schema: u32,
    /// The job.
    pub key: Key,
    /// The step of an unfinished job's checkpoint; none for a finished job.
    pub step: Option<u64>,
    /// What kind of job it was.
    pub kind: String,
    /// The full specification of the job.
    pub spec: Value,
    /// The jobs it drew on, each by the part it played.
    pub inputs: Vec<(String, Key)>,
    /// Names that people gave to the job.
    pub labels: Vec<String>,
    /// What was measured.
    pub metrics: Value,
    /// Facts about this making; never part of what the job is.
    pub made: Value,
    /// The files by name.
    pub files: BTreeMap<String, FileRecord>,
}

/// How two makings of one job differ in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The name of the file.
    pub name: String,
    /// Its digest in the store; none where the first making lacks the file.
    pub first: Option<Digest>,
    /// Its digest in the second making; none where that lacks the file.
    pub second: Option<Digest>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tell = |digest: Option<Digest>| {
            digest.map_or_else(|| "absent".to_owned(), |digest| digest.to_string())
        };
        write!(
            f,
            "file `{}` was {} and is now {}",
            self.name,
            tell(self.first),
            tell(self.second)
        )
    }
}

impl Manifest {
    /// Returns the record of the file `name`; [`StoreError::NoSuchFile`] where there is none.
    pub fn file(&self, name: &str) -> Result<&FileRecord, StoreError> {
        self.files.get(name).ok_or_else(|| StoreError::NoSuchFile {
            key: self.key,
            name: name.to_owned(),
        })
    }

    /// Returns the size of all files together, in bytes.
    pub fn bytes(&self) -> u64 {
        self.files.values().map(|file| file.bytes).sum()
    }

    /// Returns how long the making took, in seconds, where that is known.
    pub fn seconds(&self) -> Option<f64> {
        self.made.get("seconds")?.as_f64()
    }

    /// Returns whether the files came from elsewhere: no run can compute them again.
    pub fn is_adopted(&self) -> bool {
        self.made.get("adopted").is_some_and(|from| !from.is_null())
    }

    pub(crate) fn new(
        key: Key,
        step: Option<u64>,
        draft: Draft,
        files: BTreeMap<String, FileRecord>,
    ) -> Self {
        let Draft {
            kind,
            spec,
            inputs,
            labels,
            metrics,
            made,
        } = draft;
        let schema = MANIFEST_SCHEMA;
        Self {
            schema,
            key,
            step,
            kind,
            spec,
            inputs,
            labels,
            metrics,
            made,
            files,
        }
    }

    /// Compares with a second making of the same job; the first difference in files is an error.
    pub(crate) fn agree(&self, second: &Self) -> Result<(), StoreError> {
        let names: BTreeSet<&String> = self.files.keys().chain(second.files.keys()).collect();
        let digest = |of: &Self, name: &str| of.files.get(name).map(|file| file.digest);
        for name in names {
            let (first, second) = (digest(self, name), digest(second, name));
            if first != second {
                let difference = Box::new(Difference {
                    name: name.clone(),
                    first,
                    second,
                });
                return Err(StoreError::Nondeterministic {
                    key: self.key,
                    difference,
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(files: &[(&str, &[u8])]) -> Manifest {
        let record = |bytes: &[u8]| FileRecord {
            digest: Digest::of(bytes),
            bytes: 1,
        };
        let files = files
            .iter()
            .map(|(name, bytes)| ((*name).to_owned(), record(bytes)));
        Manifest::new(Key::new([1; 32]), None, Draft::default(), files.collect())
    }

    #[test]
    fn the_first_difference_is_named() {
        let first = with(&[("a", b"1"), ("b", b"2")]);
        assert!(first.agree(&first).is_ok());
        for second in [
            with(&[("a", b"1"), ("b", b"3")]),
            with(&[("a", b"1")]),
            with(&[("a", b"1"), ("b", b"x"), ("c", b"y")]),
        ] {
            let Err(StoreError::Nondeterministic { difference, .. }) = first.agree(&second) else {
                panic!("not noticed")
            };
            assert_eq!(difference.name, "b");
        }
    }

    #[test]
    fn files_are_found_by_name() {
        let manifest = with(&[("a", b"1"), ("b", b"2")]);
        assert!(manifest.file("a").is_ok());
        assert_eq!(manifest.file("x").unwrap_err().to_string(), {
            format!("job {} has no file `x`", manifest.key)
        });
        assert_eq!(manifest.bytes(), 2);
    }
}
