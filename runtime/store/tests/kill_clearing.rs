//! A clearing is killed at every call that moves, removes or syncs; the store stays sound.

#![allow(missing_docs, reason = "a test")]

use std::fs;
use std::path::Path;
use std::process::Command;

use vpc_store::{Key, Store};

mod common;
use common::{
    KILLED, example, files_below, has_strace, key_of, nightly, output, say, skip, strace,
    violations,
};

/// What a clearing of the store of `clear` may leave, whenever it ends.
fn clearing_violations(root: &Path) -> Vec<String> {
    let stays: Vec<Key> = [0, 4].map(key_of).into();
    let mut found = violations(root, &stays);
    let store = Store::open(root).unwrap();
    if store.progress_at(key_of(0), 7).unwrap().is_none() {
        found.push("the checkpoint to keep is gone".to_owned());
    }
    let audit = store.audit(&mut |_, _| ()).unwrap();
    found.extend(audit.found.iter().map(|found| format!("{found:?}")));
    for job in 0..7 {
        let is_there = store.find(key_of(job)).unwrap().is_some();
        if !is_there && store.evicted(key_of(job)).unwrap().is_none() {
            found.push(format!("job {job} left no trace"));
        }
    }
    found
}

/// Kills a clearing at the K-th call, K = 1, 2, …; the next one brings it to the same end.
fn clearings(call: &str, expected: &[String]) -> (usize, Vec<String>) {
    let clear = example("clear");
    let mut wrong = Vec::new();
    for when in 1.. {
        let folder = tempfile::tempdir().unwrap();
        let (root, log) = (folder.path().join("s"), folder.path().join("log"));
        let program = clear.to_str().unwrap();
        let place = root.to_str().unwrap();
        assert!(output(Command::new(program).arg(place)).status.success());
        let fault = format!("signal=KILL:when={when}");
        let ran = strace(&log, call, &fault, &[program, place, "now"]);
        let fired = fs::read_to_string(&log).unwrap().contains(KILLED);
        assert_ne!(fired, ran.status.success(), "{call} {when}: {ran:?}");
        let at = |wrong: String| format!("{call} {when}: {wrong}");
        wrong.extend(clearing_violations(&root).into_iter().map(at));
        let next = output(Command::new(program).args([place, "now"]));
        assert!(next.status.success(), "{call} {when}: {next:?}");
        wrong.extend(clearing_violations(&root).into_iter().map(at));
        let left = left_in(&root);
        if left != expected {
            wrong.push(at(format!("{left:?} is left")));
        }
        if !fired {
            return (when - 1, wrong);
        }
    }
    unreachable!("the loop ends by itself")
}

/// The files of a store but its locks, in order.
fn left_in(root: &Path) -> Vec<String> {
    let files = files_below(root).into_iter();
    let below = files.map(|path| {
        path.strip_prefix(root)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    });
    below.filter(|path| !path.starts_with("locks/")).collect()
}

#[test]
fn a_clearing_killed_at_any_call_leaves_a_sound_store() {
    if !has_strace() {
        return skip(
            "a_clearing_killed_at_any_call_leaves_a_sound_store",
            "strace cannot trace here",
        );
    }
    let clear = example("clear");
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("s");
    for arguments in [
        &[root.to_str().unwrap()][..],
        &[root.to_str().unwrap(), "now"],
    ] {
        assert!(
            output(Command::new(&clear).args(arguments))
                .status
                .success()
        );
    }
    let expected = left_in(&root);
    let traces = expected.iter().filter(|path| path.starts_with("evicted/"));
    assert_eq!(traces.count(), 5, "{expected:?}");
    let mut calls = vec![
        "?unlink",
        "?unlinkat",
        "?rename",
        "renameat2",
        "?rmdir",
        "fsync",
    ];
    calls.extend(nightly().then_some("openat"));
    let mut counts = Vec::new();
    for call in calls {
        let (points, wrong) = clearings(call, &expected);
        assert!(wrong.is_empty(), "{wrong:#?}");
        if points > 0 {
            counts.push(format!("{}={points}", call.trim_start_matches('?')));
        }
    }
    say(&format!("kill, clearing: 0 wrong: {}", counts.join(" ")));
    assert!(counts.len() >= 3, "{counts:?}");
}
