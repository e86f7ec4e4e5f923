//! What the fault tests share: looking at a store after the fact, and the tools of the machine.

#![allow(dead_code, reason = "each test uses its own part")]

pub(crate) mod archives;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use vpc_store::{Digest, Key, Store};

/// Writes past the capture of the test runner, so that nothing is skipped in silence.
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

/// The program of an example, which `cargo test` builds beside the tests.
pub(crate) fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(
        path.exists(),
        "run `cargo test -p vpc-store` as a whole: it builds `{name}`"
    );
    path
}

/// Runs a program to its end.
pub(crate) fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

/// Tells whether a command can be run and says yes.
pub(crate) fn works(program: &str, arguments: &[&str]) -> bool {
    let run = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    run.is_ok_and(|output| output.status.success())
}

/// Runs a program with a fault at some call of one kind.
pub(crate) fn strace(log: &Path, call: &str, fault: &str, program: &[&str]) -> Output {
    let mut command = Command::new("strace");
    command
        .arg("-f")
        .arg("-o")
        .arg(log)
        .arg("-e")
        .arg(format!("trace={call}"));
    command
        .arg("-e")
        .arg(format!("inject={call}:{fault}"))
        .args(program);
    output(&mut command)
}

/// Tells whether faults can be brought here.
pub(crate) fn has_strace() -> bool {
    let null = Path::new("/dev/null");
    works("strace", &["-V"])
        && strace(null, "openat", "error=EIO:when=999", &["true"])
            .status
            .success()
}

/// What strace says of a process that it killed.
pub(crate) const KILLED: &str = "killed by SIGKILL";

/// The keys that a program said were committed.
pub(crate) fn committed(printed: &[u8]) -> Vec<Key> {
    let text = String::from_utf8_lossy(printed);
    let whole = text
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    whole
        .filter_map(|line| line.trim_end().strip_prefix("committed ")?.parse().ok())
        .collect()
}

/// The key of the job with a number, as the example programs choose it.
pub(crate) fn key_of(job: u64) -> Key {
    Digest::of(&job.to_le_bytes()).to_string().parse().unwrap()
}

/// Lists all files below a folder, in order.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// What is wrong with a store: acknowledged jobs that are gone, and files that are torn.
pub(crate) fn violations(root: &Path, acknowledged: &[Key]) -> Vec<String> {
    let mut found = torn(root);
    if acknowledged.is_empty() && !root.join("format").exists() {
        return found;
    }
    let store = match Store::open(root) {
        Ok(store) => store,
        Err(error) => return vec![format!("cannot be opened: {error}")],
    };
    for key in acknowledged {
        match store.find(*key).unwrap() {
            None => found.push(format!("lost {key}")),
            Some(manifest) => found.extend(store.verify(&manifest).err().map(|e| e.to_string())),
        }
    }
    for manifest in store.manifests().unwrap() {
        found.extend(
            store
                .verify(&manifest.unwrap())
                .err()
                .map(|e| e.to_string()),
        );
    }
    found.extend(store.damage().iter().map(|damage| format!("{damage:?}")));
    found
}

/// The files under a final name that do not have the content of that name.
fn torn(root: &Path) -> Vec<String> {
    let wrong = |path: &PathBuf| {
        let shard = path
            .parent()
            .unwrap()
            .file_name()
            .unwrap()
            .to_string_lossy();
        let name = format!("{shard}{}", path.file_name().unwrap().to_string_lossy());
        Digest::of(&fs::read(path).unwrap()).to_string() != name
    };
    let objects = files_below(&root.join("objects"));
    objects
        .iter()
        .filter(|path| wrong(path))
        .map(|path| format!("torn {}", path.display()))
        .collect()
}

/// A small generator of numbers that look random and are the same each time.
#[derive(Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// A mounted file system; unmounted when dropped.
#[derive(Debug)]
pub(crate) struct Mount(PathBuf);

impl Mount {
    /// Mounts; none where that is not allowed here.
    pub(crate) fn new(arguments: &[&str], at: &Path) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let mut all = arguments.to_vec();
        all.push(at.to_str().unwrap());
        works("mount", &all).then(|| Self(at.to_owned()))
    }

    /// The mounted folder.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let path = self.0.to_str().unwrap();
        if !works("umount", &[path]) {
            works("umount", &["-l", path]);
        }
    }
}
