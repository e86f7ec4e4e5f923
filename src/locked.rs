//! The lock file `vp.lock` beside a study: what its data files held when it was written.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use vpc_compiler::FileFacts;
use vpc_compiler::plan::{Key, Plan};
use vpc_store::folder_bytes;

/// The name of the file.
pub(crate) const NAME: &str = "vp.lock";

/// The version of the file.
const SCHEMA: u32 = 2;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LockFile {
    schema: u32,
    /// Studies by name.
    pub(crate) studies: BTreeMap<String, LockedStudy>,
}

/// What is locked of one study.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LockedStudy {
    /// Data files by path, as seen from the lock file.
    pub(crate) files: BTreeMap<String, LockedFile>,
    /// What is known of the categories.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) categories: BTreeMap<String, LockedCategory>,
}

/// A data file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LockedFile {
    /// blake3 of its bytes.
    pub(crate) digest: Key,
    /// Its size in bytes.
    pub(crate) bytes: u64,
}

/// The text of a category, as it was counted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LockedCategory {
    /// Documents and bytes to train on.
    pub(crate) train: Amount,
    /// Documents and bytes held out.
    pub(crate) held_out: Amount,
    /// Tokens to train on, by tokenizer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tokens: BTreeMap<String, LockedTokens>,
}

/// The tokens of a category under one tokenizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LockedTokens {
    /// The job that made them: they are known of just what it encodes.
    pub(crate) job: Key,
    /// Tokens to train on.
    pub(crate) train: u64,
}

/// An amount of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Amount {
    /// Documents.
    pub(crate) documents: u64,
    /// Their text in bytes.
    pub(crate) bytes: u64,
}

/// What is read of any version.
#[derive(Deserialize)]
struct Probe {
    schema: u32,
}

/// What the lock file beside a study says of it; nothing where there is none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Locked {
    folder: PathBuf,
    /// What is locked of the study.
    pub(crate) study: Option<LockedStudy>,
}

/// A file that is not as it is locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Drift {
    /// The file, as the study names it.
    pub(crate) path: String,
    before: LockedFile,
    after: LockedFile,
}

impl std::fmt::Display for Drift {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (path, before, after) = (&self.path, self.before, self.after);
        let bytes = |file: LockedFile| crate::output::grouped(file.bytes);
        write!(
            f,
            "`{path}` is not as it is locked: {} bytes, content {}, and was {} bytes, content {}",
            bytes(after),
            after.digest.short(),
            bytes(before),
            before.digest.short()
        )
    }
}

impl LockedFile {
    /// Returns what the compiler wants to know.
    pub(crate) fn facts(self) -> FileFacts {
        FileFacts {
            digest: self.digest,
            bytes: self.bytes,
        }
    }
}

impl LockFile {
    /// Begins a file without studies.
    pub(crate) fn new() -> Self {
        let studies = BTreeMap::new();
        Self {
            schema: SCHEMA,
            studies,
        }
    }

    /// Reads a lock file; none where there is none. What is wrong with it, in words.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, String> {
        let text = match std::fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("`{}` cannot be read: {error}", path.display())),
            Ok(text) => text,
        };
        let refuse = |why: String| {
            format!(
                "`{}` is no lock file of this version ({why}); restore it, or remove it and write it \
                 anew with `vpc lock`",
                path.display()
            )
        };
        let probe: Probe =
            serde_json::from_slice(&text).map_err(|error| refuse(error.to_string()))?;
        if probe.schema != SCHEMA {
            return Err(refuse(format!("schema {}", probe.schema)));
        }
        let file = serde_json::from_slice(&text).map_err(|error| refuse(error.to_string()))?;
        Ok(Some(file))
    }
}

impl Locked {
    /// Reads what the lock file beside a study says of it.
    pub(crate) fn of(study: &Path) -> Result<Self, String> {
        let folder = folder(study);
        let file = LockFile::read(&folder.join(NAME))?;
        // As the plan calls it.
        let name = study.file_name().unwrap_or_default().to_string_lossy();
        let name = name.strip_suffix(".vp").unwrap_or(&name);
        let study = file.and_then(|mut file| file.studies.remove(name));
        Ok(Self { folder, study })
    }

    /// Returns what is locked of a file, named as the study's plan names it.
    pub(crate) fn file(&self, path: &str) -> Option<LockedFile> {
        let study = self.study.as_ref()?;
        study.files.get(&below(&self.folder, path)).copied()
    }

    /// Returns how many tokens to train on a `tokens` job made, where that is locked.
    pub(crate) fn tokens(&self, job: Key) -> Option<u64> {
        let categories = self
            .study
            .iter()
            .flat_map(|study| study.categories.values());
        let mut tokens = categories.flat_map(|category| category.tokens.values());
        tokens
            .find(|tokens| tokens.job == job)
            .map(|tokens| tokens.train)
    }

    /// Returns the files of a plan that are not as they are locked.
    pub(crate) fn drift(&self, plan: &Plan) -> Vec<Drift> {
        let files = data_files(plan).into_iter();
        let drift = files.filter_map(|(path, after)| {
            let before = self.file(&path)?;
            // A size that only the compiler knew is not in the plan.
            (before.digest != after.digest).then_some(Drift {
                path,
                before,
                after,
            })
        });
        drift.collect()
    }
}

/// The data files of a plan, by the paths it names, with content and size.
pub(crate) fn data_files(plan: &Plan) -> BTreeMap<String, LockedFile> {
    let files = plan.jobs.iter().flat_map(|job| job.task.data());
    files
        .map(|(path, digest)| {
            let bytes = match std::fs::metadata(path) {
                Ok(about) if about.is_dir() => folder_bytes(Path::new(path)).unwrap_or(0),
                about => about.map_or(0, |about| about.len()),
            };
            (path.to_owned(), LockedFile { digest, bytes })
        })
        .collect()
}

/// The data files that a plan reads and that are not here: a lock file knows what they hold.
pub(crate) fn missing(plan: &Plan, reads: impl Fn(usize) -> bool) -> Vec<String> {
    let jobs = plan.jobs.iter().enumerate().filter(|(at, _)| reads(*at));
    let files = jobs.flat_map(|(_, job)| job.task.data());
    let gone = files.filter(|(path, _)| !Path::new(path).exists());
    let gone: std::collections::BTreeSet<String> = gone.map(|(path, _)| path.to_owned()).collect();
    gone.into_iter().collect()
}

/// A path as seen from a folder where it lies below that; else as it is written. However the study
/// was named on the command line, it comes out the same.
pub(crate) fn below(folder: &Path, path: &str) -> String {
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let path = Path::new(path);
    // The folder of a bare name is the present one.
    let home = whole(&Path::new(".").join(folder));
    let whole = whole(path);
    let below = whole.strip_prefix(&home).unwrap_or(path);
    below.to_string_lossy().into_owned()
}

/// The folder that holds a study.
pub(crate) fn folder(study: &Path) -> PathBuf {
    study.parent().unwrap_or(Path::new("")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_from_the_lock_file() {
        assert_eq!(below(Path::new("a/b"), "a/b/data/x"), "data/x");
        assert_eq!(below(Path::new(""), "data/x"), "data/x");
        assert_eq!(below(Path::new("."), "./data/x"), "data/x");
        assert_eq!(below(Path::new("a"), "/elsewhere/x"), "/elsewhere/x");
        assert_eq!(below(Path::new("a"), "b/x"), "b/x");
        let here = std::env::current_dir().unwrap();
        let whole = here.join("a/data/x");
        assert_eq!(below(Path::new("a"), whole.to_str().unwrap()), "data/x");
        assert_eq!(below(&here.join("a"), "a/data/x"), "data/x");
    }

    #[test]
    fn other_versions_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        assert_eq!(LockFile::read(&path), Ok(None));
        for text in [
            "",
            "{}",
            "[1]",
            r#"{"schema":1,"studies":{}}"#,
            r#"{"schema":2,"x":2}"#,
        ] {
            std::fs::write(&path, text).unwrap();
            assert!(
                LockFile::read(&path).unwrap_err().contains("vpc lock"),
                "{text}"
            );
        }
        let file = LockFile::new();
        std::fs::write(&path, serde_json::to_vec(&file).unwrap()).unwrap();
        assert_eq!(LockFile::read(&path), Ok(Some(file)));
    }
}
