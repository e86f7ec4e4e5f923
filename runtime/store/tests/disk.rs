//! Disks that are full or read-only, and unusual masks: clear errors, and nothing is lost.

#![allow(missing_docs, reason = "a test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use vpc_store::{Draft, ErrorKind, Key, Store, StoreError};

mod common;
use common::{
    Mount, committed, example, files_below, key_of, nightly, output, say, skip, violations, works,
};

fn publish(store: &Store, job: u64, bytes: usize) -> Result<Key, StoreError> {
    let mut attempt = store.attempt(key_of(job))?;
    attempt.write("weights", &job.to_le_bytes().repeat(bytes / 8))?;
    attempt.publish(Draft::default()).map(|made| made.key)
}

/// Publishes until nothing fits any more, makes room, and goes on.
fn fill(options: &str, bytes: usize) -> Option<usize> {
    let folder = tempfile::tempdir().unwrap();
    let mount = Mount::new(
        &["-t", "tmpfs", "-o", options, "none"],
        &folder.path().join("m"),
    )?;
    let root = mount.path().join("s");
    let store = Store::open(&root).unwrap();
    let mut done = Vec::new();
    let error = loop {
        match publish(&store, done.len() as u64, bytes) {
            Ok(key) => done.push(key),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::DiskFull { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Environment);
    assert!(
        error.to_string().contains(root.to_str().unwrap()),
        "{error}"
    );
    assert_eq!(violations(&root, &done), [""; 0]);
    let at = mount.path().to_str().unwrap();
    assert!(works(
        "mount",
        &["-o", "remount,size=64m,nr_inodes=9999", at]
    ));
    done.push(publish(&store, done.len() as u64, bytes).unwrap());
    assert_eq!(violations(&root, &done), [""; 0]);
    Some(done.len())
}

#[test]
fn a_full_disk_is_said_and_survived() {
    for (options, bytes) in [
        ("size=1m", 60_000),
        ("size=1m,nr_inodes=200", 800),
        ("size=2m", 1_000),
        ("size=3m", 300_000),
        ("size=4m", 777_777),
        ("size=1m,nr_inodes=60", 800),
        ("size=1500k", 9_000),
        ("size=2500k", 4_096),
        ("size=5m", 99_999),
        ("size=8m,nr_inodes=400", 8),
        ("size=8m", 2_000_000),
        ("size=16m", 5_000_000),
    ] {
        match fill(options, bytes) {
            Some(jobs) => say(&format!("full disk ({options}): {jobs} jobs intact")),
            None => {
                return skip(
                    "a_full_disk_is_said_and_survived",
                    "mounting is not allowed here",
                );
            }
        }
    }
}

#[test]
fn short_writes_are_made_whole() {
    const FAULT: &str = "enable_random name=posix/io/rw/write/reduce,probability=0.7";
    let folder = tempfile::tempdir().unwrap();
    let (log, program) = (folder.path().join("log"), example("commit"));
    let run = |root: &Path, before: &[&str]| {
        let all = [before, &["strace", "-f", "-e", "trace=write", "-o"]].concat();
        let mut command = Command::new(all[0]);
        command.args(&all[1..]).arg(&log).arg(&program).arg(root);
        let ran = output(command.arg("2"));
        assert!(ran.status.success(), "{ran:?}");
        assert_eq!(violations(root, &committed(&ran.stdout)), [""; 0]);
        (
            committed(&ran.stdout).len(),
            fs::read_to_string(&log).unwrap().lines().count(),
        )
    };
    if !works(
        "fiu-run",
        &["-x", "-c", FAULT, "strace", "-o", "/dev/null", "true"],
    ) {
        return skip(
            "short_writes_are_made_whole",
            "no `fiu-run` and `strace` here",
        );
    }
    let whole = run(&folder.path().join("s"), &["env"]).1;
    let (rounds, mut short) = (if nightly() { 200 } else { 20 }, 0);
    for round in 0..rounds {
        let root = folder.path().join(format!("s{round}"));
        let (jobs, calls) = run(&root, &["fiu-run", "-x", "-c", FAULT]);
        assert_eq!(jobs, 2);
        short += calls.saturating_sub(whole);
    }
    assert!(short > rounds, "only {short} writes were short");
    say(&format!(
        "short writes: {short} in {rounds} runs, nothing torn"
    ));
}

#[test]
fn a_read_only_store_can_be_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().join("real");
    let store = Store::open(&real.join("s")).unwrap();
    let key = publish(&store, 1, 800).unwrap();
    let real = real.to_str().unwrap();
    let Some(mount) = Mount::new(&["--bind", real], &folder.path().join("m")) else {
        return skip(
            "a_read_only_store_can_be_looked_at",
            "mounting is not allowed here",
        );
    };
    let root = mount.path().join("s");
    let opened = Store::open(&root).unwrap();
    assert!(works(
        "mount",
        &["-o", "remount,bind,ro", mount.path().to_str().unwrap()]
    ));
    let peeked = Store::peek(&root).unwrap().unwrap();
    peeked.verify(&peeked.find(key).unwrap().unwrap()).unwrap();
    assert!(Store::peek(&mount.path().join("none")).unwrap().is_none());
    for error in [
        Store::open(&root).map(drop).unwrap_err(),
        Store::open(&mount.path().join("none"))
            .map(drop)
            .unwrap_err(),
        publish(&opened, 2, 800).map(drop).unwrap_err(),
        opened.claim(key_of(2)).map(drop).unwrap_err(),
        opened
            .write_result(Path::new("a"), b"")
            .map(drop)
            .unwrap_err(),
        opened.attempt(key_of(2)).map(drop).unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
        assert_eq!(error.kind(), ErrorKind::Environment);
    }
    spoil(real);
    assert_eq!(peeked.find(key).unwrap(), None);
    assert_eq!(
        opened.find(key).unwrap(),
        None,
        "damage that cannot be moved is not used either"
    );
    say("read-only: looked at, and 6 of 6 writes refused");
}

fn spoil(real: &str) {
    let path = files_below(&Path::new(real).join("s/objects")).remove(0);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(path, "short").unwrap();
}

#[test]
fn any_mask_will_do() {
    let program = example("commit");
    for mask in ["000", "022", "027", "077"] {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("s");
        let line = format!("umask {mask}; exec \"$0\" \"$1\" 2");
        let ran = output(
            Command::new("sh")
                .arg("-c")
                .arg(line)
                .arg(&program)
                .arg(&root),
        );
        assert!(ran.status.success(), "{ran:?}");
        assert_eq!(violations(&root, &committed(&ran.stdout)), [""; 0]);
        for path in files_below(&root.join("objects")) {
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o444, "{} under {mask}", path.display());
        }
    }
}

#[test]
fn few_open_files_are_enough_or_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let program = example("commit");
    let (program, root) = (program.to_str().unwrap(), folder.path().join("s"));
    for (limit, fits) in [("5", false), ("16", true)] {
        let line = format!("ulimit -n {limit}; exec \"$0\" \"$1\" 2");
        let ran = output(
            Command::new("sh")
                .arg("-c")
                .arg(line)
                .arg(program)
                .arg(&root),
        );
        assert_eq!(ran.status.success(), fits, "{ran:?}");
        assert_ne!(ran.status.code(), Some(101), "{ran:?}");
    }
    assert_eq!(violations(&root, &[key_of(0), key_of(1)]), [""; 0]);
}
