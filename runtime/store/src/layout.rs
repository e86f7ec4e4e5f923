//! Where everything lies below the folder of a store.

use std::path::{Path, PathBuf};

use vpc_compiler::plan::Key;

use crate::Digest;

/// The folders every store has.
pub(crate) const FOLDERS: [&str; 10] = [
    "objects",
    "jobs",
    "evicted",
    "progress",
    "studies",
    "pins",
    "locks",
    "tmp",
    "quarantine",
    "results",
];

/// The paths of one store.
#[derive(Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

/// The place of a manifest: a finished job, or a step of one under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) key: Key,
    pub(crate) step: Option<u64>,
}

impl Place {
    pub(crate) const fn job(key: Key) -> Self {
        Self { key, step: None }
    }

    pub(crate) const fn step(key: Key, step: u64) -> Self {
        Self {
            key,
            step: Some(step),
        }
    }
}

impl Layout {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn format(&self) -> PathBuf {
        self.root.join("format")
    }

    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub(crate) fn object(&self, digest: Digest) -> PathBuf {
        let digits = digest.to_string();
        let (shard, rest) = digits.split_at_checked(2).unwrap_or_default();
        self.folder("objects").join(shard).join(rest)
    }

    pub(crate) fn manifest(&self, place: Place) -> PathBuf {
        match place.step {
            None => self
                .shard(&place.key.to_string())
                .join(format!("{}.json", place.key)),
            Some(step) => self.steps(place.key).join(format!("{step}.json")),
        }
    }

    /// The place of what is left of an evicted job.
    pub(crate) fn trace(&self, key: Key) -> PathBuf {
        let digits = key.to_string();
        let shard = digits.get(..2).unwrap_or_default();
        self.folder("evicted")
            .join(shard)
            .join(format!("{digits}.json"))
    }

    /// The folder of the finished jobs whose keys begin like `digits`.
    pub(crate) fn shard(&self, digits: &str) -> PathBuf {
        self.folder("jobs")
            .join(digits.get(..2).unwrap_or_default())
    }

    /// The folder of the checkpoints of one job.
    pub(crate) fn steps(&self, key: Key) -> PathBuf {
        self.folder("progress").join(key.to_string())
    }

    pub(crate) fn lock(&self, name: &str) -> PathBuf {
        self.folder("locks").join(format!("{name}.lock"))
    }
}

/// The folder that holds `path`.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_as_documented() {
        let layout = Layout::new(Path::new("s"));
        let key = Key::new([0xab; 32]);
        let job = layout.manifest(Place::job(key));
        assert_eq!(job, Path::new("s/jobs/ab").join(format!("{key}.json")));
        let step = layout.manifest(Place::step(key, 40));
        assert_eq!(
            step,
            Path::new("s/progress")
                .join(key.to_string())
                .join("40.json")
        );
        let object = layout.object(Digest::of(b""));
        assert_eq!(object.file_name().unwrap().len(), 62);
        assert!(object.starts_with("s/objects/af"));
    }
}
