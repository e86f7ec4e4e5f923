//! The study that these tests run: every kind of job that is run, in half a second.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{Computed, Folder, computed};

/// Nine jobs, a text file and a checkpoint among them.
pub(crate) const STUDY: &str = r#"
category tales { source: text("tales.txt"), held_out: 10% }
category code  { source: world(code, size: 48 KiB) }
mixture both { tales: 50%, code: rest }
tokenizer bpe { vocabulary: 270, data: both }
scale tiny { layers: 1, width: 16, heads: 2, context: 32, batch: 4, rate: 0.003 }

experiment e {
  vary seed: 1..2
  pretrain base { model: tiny, data: both, tokenizer: bpe, tokens: 8k, seed: seed, keep: [4k] }
  eval fit { from: base, suite: held_out([tales, code]) }
  report r { table t { cells: [fit.tales, fit.code], rows: seed } }
}
"#;

/// Jobs of the study.
pub(crate) const JOBS: usize = 9;

/// Forty paragraphs that differ.
pub(crate) fn tales() -> String {
    let tale = |n| format!("The old fox {n} saw {n} red boats on quiet water. ").repeat(40);
    (0..40).map(tale).collect::<Vec<_>>().join("\n\n")
}

/// A folder with the study and its text.
pub(crate) fn folder() -> Folder {
    Folder::with(&[("s.vp", STUDY), ("tales.txt", &tales())])
}

/// The same in memory, where a run is not slowed down by a disk.
pub(crate) fn quick_folder() -> Folder {
    let folder = Folder::in_memory();
    folder.write("s.vp", STUDY);
    folder.write("tales.txt", tales());
    folder
}

/// A quiet run to the end, and what it computed.
pub(crate) fn reference() -> (Folder, Computed) {
    let folder = folder();
    let run = folder.vpc("run s.vp").ends(0);
    assert_eq!(run.named("done").len(), JOBS, "{}", run.stderr);
    let found = computed(&folder.join(".vp"), "s");
    (folder, found)
}

/// Tells whether a command can be run and says yes.
pub(crate) fn works(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    command.output().is_ok_and(|output| output.status.success())
}

/// Waits until a file of the folder has this word.
pub(crate) fn wait_for(folder: &Folder, file: &str, word: &str) {
    let begun = Instant::now();
    while !fs::read_to_string(folder.join(file)).is_ok_and(|text| text.contains(word)) {
        assert!(begun.elapsed() < Duration::from_mins(1), "no `{word}`");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Sends a signal to a process.
pub(crate) fn send(signal: &str, process: u32) {
    let process = process.to_string();
    assert!(works("kill", &["-s", signal, &process]), "{signal}");
}

/// A library of this machine, by a pattern below `/usr/lib` and the end of its name.
pub(crate) fn library(name: &str) -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten();
    let places = folders.flat_map(|folder| {
        [
            folder.path().join("faketime").join(name),
            folder.path().join(name),
        ]
    });
    places.into_iter().find(|path| path.exists())
}
