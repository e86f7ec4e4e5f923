//! What the whole-program tests share: a folder with a study in it, and the command run there.

#![allow(dead_code, reason = "each test uses its own part")]

pub(crate) mod sight;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The program under test.
pub(crate) const VPC: &str = env!("CARGO_BIN_EXE_vpc");

/// A study of one small model at two seeds: seconds to run.
pub(crate) const SMALL: &str = r"
category code { source: world(code, size: 64 KiB) }
tokenizer bpe { vocabulary: 300, data: code }
scale tiny { layers: 1, width: 16, heads: 2, context: 32, batch: 4 }
experiment e {
  vary seed: 1..2
  pretrain base { model: tiny, data: code, tokenizer: bpe, tokens: 5k, seed: seed }
  eval fit { from: base, suite: held_out([code]) }
}
";

/// Writes past the capture of the test runner, so that counts and skips are seen.
pub(crate) fn say(line: &str) {
    _ = writeln!(io::stderr(), "{line}");
}

/// Says loudly that a test did not run.
pub(crate) fn skip(test: &str, reason: &str) {
    say(&format!("SKIPPED: {test}: {reason} (1 test not run)"));
}

/// Tells whether the long counts are wanted.
pub(crate) fn nightly() -> bool {
    std::env::var("VPC_TIER").is_ok_and(|tier| tier == "nightly")
}

/// A folder of its own, with a study and its data.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A folder in memory, where there is one: for what does not depend on a disk.
    pub(crate) fn in_memory() -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Self(folder.unwrap())
    }

    /// A folder with these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self::new();
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn join(&self, below: &str) -> PathBuf {
        self.path().join(below)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// The command, to be run in this folder; arguments are parted by blanks.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(VPC);
        command.args(arguments.split_whitespace());
        self.prepared(command)
    }

    /// A shell script, to be run in this folder with `$VPC` set.
    pub(crate) fn script(&self, shell: &[&str], script: &str) -> Command {
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).arg("-c").arg(script);
        self.prepared(command)
    }

    fn prepared(&self, mut command: Command) -> Command {
        command
            .current_dir(self.path())
            .env("NO_COLOR", "1")
            .env("VPC", VPC)
            // What was measured of the machine must not be seen by a test, nor written by it.
            .env("XDG_CACHE_HOME", self.join(".cache"))
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::null());
        command
    }

    /// Runs the command to its end.
    pub(crate) fn vpc(&self, arguments: &str) -> Run {
        Run::of(self.command(arguments).output().unwrap())
    }

    /// Starts the command, with its messages going to a file of this name.
    pub(crate) fn start(&self, arguments: &str, messages: &str) -> Child {
        let file = fs::File::create(self.join(messages)).unwrap();
        let mut command = self.command(arguments);
        command.stdout(Stdio::null()).stderr(file).spawn().unwrap()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.join(name)).unwrap()
    }
}

/// A screen without what depends on the machine: how long a plan takes there.
pub(crate) fn anywhere(screen: &str) -> String {
    let line = |line: &str| match line.split_once("takes about ") {
        Some(("", _)) => "takes about … on this machine\n".to_owned(),
        _ => line.to_owned(),
    };
    screen.split_inclusive('\n').map(line).collect()
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Takes what a command wrote; none of our commands may panic or die of a signal.
    pub(crate) fn of(output: Output) -> Self {
        let stdout = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let status = output.status.code();
        assert!(
            status.is_some_and(|status| status != 101)
                && !stderr.contains("panicked")
                && !stderr.contains("in a way it should not"),
            "{:?}\n{stderr}",
            output.status
        );
        Self {
            status: status.unwrap(),
            stdout,
            stderr,
        }
    }

    /// Requires this exit status.
    #[track_caller]
    pub(crate) fn ends(self, status: i32) -> Self {
        let Self { stdout, stderr, .. } = &self;
        assert_eq!(self.status, status, "{stdout}\n{stderr}");
        self
    }

    /// The names on lines that begin with this word, such as `start` or `done`.
    pub(crate) fn named(&self, word: &str) -> Vec<String> {
        named(&self.stderr, word)
    }
}

/// The names of jobs on lines that begin with this word.
pub(crate) fn named(messages: &str, word: &str) -> Vec<String> {
    let lines = messages.lines().filter_map(|line| line.strip_prefix(word));
    lines
        .filter_map(|rest| rest.strip_prefix(' ')?.split_whitespace().next())
        .map(|name| name.trim_end_matches(':').to_owned())
        .collect()
}

/// A message without what changes from run to run: times, and names of temporary files.
pub(crate) fn stable(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let words = line.split_inclusive([' ', '`', '/']).map(without_chance);
        let line: String = words.collect();
        match line.rsplit_once(" in ") {
            Some((before, time)) if time.ends_with(" s") => format!("{before} in # s"),
            _ => line,
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// `name-123-0123456789abcdef` without its numbers.
fn without_chance(word: &str) -> String {
    let end = word.trim_end_matches([' ', '`', '/']);
    let mut parts: Vec<&str> = end.split('-').collect();
    let is_chance = |part: &&str| part.len() == 16 && part.bytes().all(|b| b.is_ascii_hexdigit());
    if parts.len() >= 3 && parts.last().is_some_and(is_chance) {
        parts.truncate(parts.len() - 2);
        return format!("{}-#{}", parts.join("-"), &word[end.len()..]);
    }
    word.to_owned()
}

/// A shell with mounts of its own, which end with it; none where the machine does not allow them.
pub(crate) fn mounting_shell() -> Option<&'static [&'static str]> {
    let shells: [&[&str]; 2] = [&["unshare", "-m", "sh"], &["unshare", "-rm", "sh"]];
    shells.into_iter().find(|shell| {
        let folder = Folder::new();
        let script = "mkdir x && mount -t tmpfs tmpfs x && mount --bind x x";
        let tried = folder.script(shell, script).output();
        tried.is_ok_and(|output| output.status.success())
    })
}

/// Makes `$1` read-only for the rest of a script of [`mounting_shell`].
pub(crate) const READ_ONLY: &str =
    "freeze() { mount --bind $1 $1 && mount -o remount,bind,ro $1; }\n";

/// All files below a folder with their sizes and times, in order.
pub(crate) fn listing(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let facts = fs::symlink_metadata(&path).unwrap();
        let time = facts.modified().unwrap();
        found.push(format!("{} {} {time:?}", path.display(), facts.len()));
        if facts.is_dir() {
            found.extend(listing(&path));
        }
    }
    found.sort();
    found
}

/// The manifest of a finished job, by one of its labels.
pub(crate) fn filed(folder: &Folder, label: &str) -> Value {
    let all = manifests(&folder.join(".vp"));
    let mut found = all.values().map(|(_, manifest)| manifest);
    let found = found.find(|manifest| labels(manifest).any(|one| one == label));
    found.unwrap_or_else(|| panic!("no {label}")).clone()
}

/// The answers that a job filed, as lines.
pub(crate) fn answers(folder: &Folder, label: &str) -> Vec<Value> {
    let run = folder.vpc(&format!("export {label} --to jsonl -")).ends(0);
    let lines = run.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The manifests of a store's finished jobs, by key.
pub(crate) fn manifests(store: &Path) -> BTreeMap<String, (PathBuf, Value)> {
    let mut found = BTreeMap::new();
    for shard in fs::read_dir(store.join("jobs")).into_iter().flatten() {
        for entry in fs::read_dir(shard.unwrap().path()).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|ending| ending != "json") {
                continue;
            }
            let mut sealed: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let manifest = sealed["manifest"].take();
            found.insert(
                manifest["key"].as_str().unwrap().to_owned(),
                (path, manifest),
            );
        }
    }
    found
}

/// The manifest of the finished job of this name.
pub(crate) fn manifest(store: &Path, name: &str) -> Option<(PathBuf, Value)> {
    manifests(store)
        .into_values()
        .find(|(_, manifest)| labels(manifest).any(|label| label == name))
}

/// The names of a job.
pub(crate) fn labels(manifest: &Value) -> impl Iterator<Item = &str> {
    manifest["labels"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
}

/// The path of an object of a store.
pub(crate) fn object(store: &Path, manifest: &Value, file: &str) -> PathBuf {
    let digest = manifest["files"][file]["digest"].as_str().unwrap();
    store.join("objects").join(&digest[..2]).join(&digest[2..])
}

/// What jobs computed: files and metrics by key, and the filed results. Nothing of when and how.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Computed {
    pub(crate) jobs: BTreeMap<String, String>,
    pub(crate) csv: String,
    pub(crate) json: String,
}

/// What a store says was computed for a study.
pub(crate) fn computed(store: &Path, study: &str) -> Computed {
    let jobs = manifests(store).into_iter().map(|(key, (_, manifest))| {
        let (files, metrics) = (&manifest["files"], &manifest["metrics"]);
        (key, format!("{files} {metrics}"))
    });
    let result = |name: &str| {
        let path = store.join("results").join(study).join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    Computed {
        jobs: jobs.collect(),
        csv: result("results.csv"),
        json: result("results.json"),
    }
}

/// Numbers that look random but are the same in every run of a test.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number from 0 up to 1.
    pub(crate) fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}
