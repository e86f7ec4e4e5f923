//! The program is killed at every system call that changes something, and must lose nothing.

#![allow(missing_docs, reason = "a test")]

use std::fs;
use std::process::Command;
use std::sync::Mutex;

mod common;
use common::{
    KILLED, committed, example, has_strace, nightly, output, say, skip, strace, violations,
};

/// Calls that change the file system; a `?` lets strace pass over what a machine does not have.
const CALLS: [&str; 19] = [
    "openat",
    "write",
    "fsync",
    "fchmod",
    "renameat2",
    "?rename",
    "?renameat",
    "?mkdir",
    "?mkdirat",
    "?unlink",
    "?unlinkat",
    "?rmdir",
    "?link",
    "linkat",
    "ftruncate",
    "?chmod",
    "fchmodat",
    "flock",
    "?pwrite64",
];

/// What one harness run found.
#[derive(Debug, Default)]
struct Found {
    points: usize,
    wrong: Vec<String>,
    counts: Vec<String>,
}

/// Brings the faults on the K-th call, K = 1, 2, …, until none fires any more.
fn every(
    call: &str,
    fault: &str,
    mark: &str,
    program: &[&str],
    again: bool,
) -> (usize, Vec<String>) {
    let mut wrong = Vec::new();
    for when in 1.. {
        let folder = tempfile::tempdir_in("/dev/shm")
            .or_else(|_| tempfile::tempdir())
            .unwrap();
        let (root, log) = (folder.path().join("s"), folder.path().join("log"));
        let mut line = vec![program[0], root.to_str().unwrap()];
        line.extend(&program[1..]);
        let ran = strace(&log, call, &format!("{fault}:when={when}"), &line);
        let fired = fs::read_to_string(&log).unwrap().contains(mark);
        let at = format!("{call} {when}");
        if mark.contains("SIGKILL") {
            assert_ne!(fired, ran.status.success(), "{at}: {ran:?}");
        }
        wrong.extend(
            violations(&root, &committed(&ran.stdout))
                .iter()
                .map(|w| format!("{at}: {w}")),
        );
        if fired && call == "fsync" && ran.status.success() {
            let told = String::from_utf8_lossy(&ran.stderr).contains("may not be durable");
            assert!(told, "{at}: a failed sync was passed over: {ran:?}");
        }
        if again {
            let next = output(Command::new(line[0]).args(&line[1..]));
            let both = committed(&next.stdout).len() == 2 && next.status.success();
            assert!(both, "{at}: the next run failed: {next:?}");
        }
        if !fired {
            assert!(ran.status.success() || !again, "{at}: {ran:?}");
            return (when - 1, wrong);
        }
    }
    unreachable!("the loop ends by itself")
}

/// Does the same for many calls, two at a time.
fn harness(calls: &[&str], fault: &str, mark: &str, program: &[&str], again: bool) -> Found {
    let (queue, found) = (Mutex::new(calls.iter()), Mutex::new(Found::default()));
    let worker = || {
        loop {
            let Some(call) = queue.lock().unwrap().next() else {
                return;
            };
            let (points, wrong) = every(call, fault, mark, program, again);
            let mut found = found.lock().unwrap();
            found.points += points;
            found.wrong.extend(wrong);
            if points > 0 {
                found
                    .counts
                    .push(format!("{}={points}", call.trim_start_matches('?')));
            }
        }
    };
    std::thread::scope(|scope| (0..2).for_each(|_| _ = scope.spawn(worker)));
    found.into_inner().unwrap()
}

#[test]
fn a_kill_at_any_call_loses_nothing() {
    if !has_strace() {
        return skip(
            "a_kill_at_any_call_loses_nothing",
            "strace cannot trace here",
        );
    }
    let commit = example("commit");
    let program = [commit.to_str().unwrap(), "2"];
    let mut calls = CALLS.to_vec();
    calls.extend(nightly().then_some("close"));
    let found = harness(&calls, "signal=KILL", KILLED, &program, true);
    say(&format!(
        "kill: {} points, {} wrong: {}",
        found.points,
        found.wrong.len(),
        found.counts.join(" ")
    ));
    assert!(found.wrong.is_empty(), "{:#?}", found.wrong);
    for call in ["openat", "write", "fsync", "fchmod", "renameat2", "flock"] {
        assert!(
            found
                .counts
                .iter()
                .any(|count| count.starts_with(&format!("{call}="))),
            "{call}"
        );
    }
    assert!(found.points > 100, "only {} faults fired", found.points);
}

#[test]
fn the_harness_catches_writing_in_place() {
    if !has_strace() {
        return skip(
            "the_harness_catches_writing_in_place",
            "strace cannot trace here",
        );
    }
    let broken = example("broken");
    let program = [broken.to_str().unwrap(), "2", "in-place"];
    let found = harness(&["write"], "signal=KILL", KILLED, &program, false);
    say(&format!(
        "kill, writing in place: {} points, {} wrong",
        found.points,
        found.wrong.len()
    ));
    assert!(!found.wrong.is_empty(), "the harness has become blind");
}

#[test]
fn an_error_at_any_call_is_not_acknowledged() {
    if !has_strace() {
        return skip(
            "an_error_at_any_call_is_not_acknowledged",
            "strace cannot trace here",
        );
    }
    let commit = example("commit");
    let program = [commit.to_str().unwrap(), "2"];
    let mut faults = vec![
        (
            "EIO",
            &["fsync", "write", "renameat2", "?rename", "fchmod", "?mkdir"][..],
        ),
        ("ENOSPC", &["write", "fsync", "renameat2", "?mkdir"]),
        ("EINTR", &["write"]),
    ];
    if nightly() {
        faults.extend([
            ("EMFILE", &["openat"][..]),
            ("ENOLCK", &["flock"]),
            ("EIO", &["read"]),
        ]);
    }
    for (error, calls) in faults {
        let found = harness(
            calls,
            &format!("error={error}"),
            "(INJECTED)",
            &program,
            true,
        );
        let counts = found.counts.join(" ");
        say(&format!(
            "{error}: {} points, {} wrong: {counts}",
            found.points,
            found.wrong.len()
        ));
        assert!(found.wrong.is_empty(), "{:#?}", found.wrong);
        assert!(found.points > 0);
    }
}

#[test]
fn older_file_systems_are_served_too() {
    if !has_strace() {
        return skip(
            "older_file_systems_are_served_too",
            "strace cannot trace here",
        );
    }
    let commit = example("commit");
    for (call, error, warnings) in [
        ("flock", "ENOSYS", 1),
        ("flock", "EOPNOTSUPP", 1),
        ("renameat2", "EINVAL", 0),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (root, log) = (folder.path().join("s"), folder.path().join("log"));
        let program = [commit.to_str().unwrap(), root.to_str().unwrap(), "2"];
        let ran = strace(&log, call, &format!("error={error}:when=1+"), &program);
        assert!(ran.status.success(), "{call}: {ran:?}");
        assert_eq!(committed(&ran.stdout).len(), 2);
        let told = String::from_utf8_lossy(&ran.stderr)
            .matches("refuses locks")
            .count();
        assert_eq!(told, warnings, "{ran:?}");
        assert!(violations(&root, &committed(&ran.stdout)).is_empty());
    }
}
