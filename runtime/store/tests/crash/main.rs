//! Crash states: the system calls of real programs are recorded once, and for thousands of seeds the
//! power is cut at some step and what was not synced is lost, torn or out of order. The real store
//! must open what is left, find all that was said, and believe nothing that is torn.
//!
//! The model is harsher than a journaling file system: each name of a folder that was not synced
//! keeps any number of its changes, whatever became of the other names.

#![allow(missing_docs, reason = "a test")]

#[path = "../common/mod.rs"]
mod common;
mod disk;
mod trace;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use vpc_store::{Draft, Key, Store};

use common::{Dice, committed, example, key_of, nightly, output, say, skip, violations, works};
use disk::{Disk, Left};
use trace::{CALLS, Step};

/// The jobs of each recording.
const JOBS: u64 = 2;

/// The store, in a folder that is not there yet either.
const STORE: &str = "new/s";

/// The programs of one recording, one after the other on one store, and what they did.
struct Recording {
    name: String,
    folder: PathBuf,
    steps: Vec<Step>,
}

/// Records programs; each is a name, its arguments after the store, and the fault to inject.
fn record(name: &str, programs: &[(&str, &[&str], Option<String>)]) -> Recording {
    let folder = tempfile::tempdir().unwrap();
    let (root, log) = (folder.path().join(STORE), folder.path().join("log"));
    let mut steps = Vec::new();
    for (program, arguments, fault) in programs {
        let mut command = Command::new("strace");
        command
            .args(["-f", "-y", "-xx", "-s", "1000000", "-o"])
            .arg(&log);
        command.arg("-e").arg(format!("trace={CALLS}"));
        command.args(fault.iter().flat_map(|fault| ["-e", fault.as_str()]));
        command.arg(example(program)).arg(&root).args(*arguments);
        let ran = output(&mut command);
        assert!(ran.status.success() || fault.is_some(), "{name}: {ran:?}");
        steps.extend(trace::read(&log, folder.path()));
    }
    Recording {
        name: name.to_owned(),
        folder: folder.path().to_owned(),
        steps,
    }
}

/// What was found in the states that cuts left of one recording.
#[derive(Debug, Default)]
struct Found {
    cuts: usize,
    states: usize,
    wrong: Vec<String>,
}

/// Looks at the same number of cuts after each step.
fn explore(recording: &Recording, cuts: u64, most_wrong: usize) -> Found {
    let folder = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap();
    let mut disk = Disk::new(&recording.folder);
    let mut said: BTreeMap<Key, Vec<u8>> = BTreeMap::new();
    let (mut found, mut seen) = (Found::default(), HashSet::new());
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    for (at, step) in recording.steps.iter().enumerate() {
        disk.follow(step);
        if let Step::Said(text) = step {
            for key in committed(text.as_bytes()) {
                let manifest = disk.read(&manifest(&recording.folder.join(STORE), key));
                let manifest = manifest.expect("said, and not even written").to_vec();
                said.entry(key).or_insert(manifest);
            }
        }
        for cut in 0..cuts {
            let left = disk.cut(&mut Dice(at as u64 * 1_000_003 + cut));
            found.cuts += 1;
            if !seen.insert(hasher.hash_one((&left, said.len()))) {
                continue;
            }
            found.states += 1;
            let heal = found.states.is_multiple_of(8);
            let wrong = look(&left, folder.path(), &said, heal);
            let place = format!("{}, step {at} ({step:.60?}), cut {cut}", recording.name);
            found
                .wrong
                .extend(wrong.into_iter().map(|wrong| format!("{place}: {wrong}")));
            if found.wrong.len() >= most_wrong {
                return found;
            }
        }
    }
    found
}

fn manifest(root: &Path, key: Key) -> PathBuf {
    let key = key.to_string();
    root.join("jobs")
        .join(&key[..2])
        .join(format!("{key}.json"))
}

/// Opens what is left with the real store; says what is wrong with it.
fn look(left: &Left, folder: &Path, said: &BTreeMap<Key, Vec<u8>>, heal: bool) -> Vec<String> {
    let root = folder.join(STORE);
    let above = root.parent().unwrap();
    if above.exists() {
        fs::remove_dir_all(above).unwrap();
    }
    disk::write(left, folder);
    let keys: Vec<Key> = said.keys().copied().collect();
    let mut wrong = violations(&root, &keys);
    if !wrong.is_empty() {
        return wrong;
    }
    for (key, right) in said {
        if fs::read(manifest(&root, *key)).unwrap() != *right {
            wrong.push(format!("{key} is not what was said"));
        }
    }
    if heal {
        wrong.extend(goes_on(&root).err());
    }
    wrong
}

/// The next run: sweeps, resumes and publishes each job.
fn goes_on(root: &Path) -> Result<(), String> {
    let told = |error: vpc_store::StoreError| format!("the next run: {error}");
    let store = Store::open(root).map_err(told)?;
    store.sweep().map_err(told)?;
    for job in 0..JOBS {
        store.progress(key_of(job)).map_err(told)?;
        if store.find(key_of(job)).map_err(told)?.is_none() {
            let mut attempt = store.attempt(key_of(job)).map_err(told)?;
            attempt.write("weights", b"other").map_err(told)?;
            attempt.publish(Draft::default()).map_err(told)?;
        }
        store.clear_progress(key_of(job), &[]).map_err(told)?;
    }
    let keys: Vec<Key> = (0..JOBS).map(key_of).collect();
    let wrong = violations(root, &keys);
    wrong
        .first()
        .map_or(Ok(()), |first| Err(format!("after the next run: {first}")))
}

/// The store's own ways: one quiet run, and runs after one that was killed at each of its syncs.
fn recordings() -> Vec<Recording> {
    let jobs = JOBS.to_string();
    let commit = ("commit", &[jobs.as_str()][..], None);
    let mut all = vec![record("quiet", std::slice::from_ref(&commit))];
    let syncs = all[0]
        .steps
        .iter()
        .filter(|step| matches!(step, Step::Sync(_)));
    for when in 1..=syncs.count() {
        let fault = format!("inject=fsync:signal=KILL:when={when}");
        let killed = ("commit", &[jobs.as_str()][..], Some(fault));
        all.push(record(
            &format!("killed at sync {when}"),
            &[killed, commit.clone()],
        ));
    }
    all
}

fn has_strace() -> bool {
    works(
        "strace",
        &[
            "-o",
            "/dev/null",
            "-e",
            "inject=openat:error=EIO:when=999",
            "true",
        ],
    )
}

#[test]
fn a_cut_at_any_step_loses_nothing_that_was_said() {
    if !has_strace() {
        return skip("crash states", "strace cannot trace here");
    }
    let recordings = recordings();
    let steps: usize = recordings.iter().map(|one| one.steps.len()).sum();
    let seeds: u64 = if nightly() { 1_000_000 } else { 10_000 };
    let cuts = seeds.div_ceil(steps as u64);
    let (next, all) = (AtomicUsize::new(0), Mutex::new(Found::default()));
    let worker = || {
        while let Some(one) = recordings.get(next.fetch_add(1, Ordering::SeqCst)) {
            let found = explore(one, cuts, 5);
            let mut all = all.lock().unwrap();
            all.cuts += found.cuts;
            all.states += found.states;
            all.wrong.extend(found.wrong);
        }
    };
    std::thread::scope(|scope| (0..2).for_each(|_| _ = scope.spawn(worker)));
    let found = all.into_inner().unwrap();
    say(&format!(
        "crash states: {} cuts in {} recordings of {steps} steps, {} different states, {} wrong",
        found.cuts,
        recordings.len(),
        found.states,
        found.wrong.len()
    ));
    assert!(found.wrong.is_empty(), "{:#?}", found.wrong);
    assert!(found.cuts as u64 >= seeds && found.states > 1_000);
}

#[test]
fn broken_writers_are_caught() {
    if !has_strace() {
        return skip("crash states of broken writers", "strace cannot trace here");
    }
    for (mode, complaint) in [
        ("no-fsync", "lost"),
        ("no-dir-fsync", "lost"),
        ("in-place", "torn"),
        ("rename-over", "is not what was said"),
    ] {
        let [first, second] = ["0", "1"].map(|salt| ("broken", ["1", mode, salt]));
        let programs = [&first, &second].map(|one| (one.0, &one.1[..], None));
        let found = explore(&record(mode, &programs), 50, usize::MAX);
        let caught = found
            .wrong
            .iter()
            .filter(|wrong| wrong.contains(complaint))
            .count();
        say(&format!(
            "crash states, {mode}: {} of {} wrong, {caught} with `{complaint}`",
            found.wrong.len(),
            found.states
        ));
        assert!(
            caught > 0,
            "the harness has become blind to {mode}: {:#?}",
            found.wrong
        );
    }
}
