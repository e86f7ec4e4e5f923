//! Bits are flipped and files cut: every damage is noticed, and publishing again heals it.

#![allow(missing_docs, reason = "a test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;
use vpc_store::{Draft, ErrorKind, Key, Store};

mod common;
use common::{Dice, files_below, key_of, nightly, say, violations};

const JOBS: u64 = 6;

fn content(job: u64) -> Vec<u8> {
    (0..500 + job)
        .flat_map(|at| (at * job).to_le_bytes())
        .collect()
}

fn publish(store: &Store, job: u64) {
    let mut attempt = store.attempt(key_of(job)).unwrap();
    attempt.write("weights", &content(job)).unwrap();
    attempt.write("shared", b"the same in all jobs").unwrap();
    let metrics = json!({"loss": 1.0 / (job as f64 + 0.3)});
    attempt
        .publish(Draft {
            kind: "train".into(),
            metrics,
            ..Draft::default()
        })
        .unwrap();
    let mut attempt = store.attempt(key_of(job)).unwrap();
    attempt.write("state", &state(job)).unwrap();
    attempt.publish_progress(STEP, Draft::default()).unwrap();
}

/// The step of each job's only checkpoint.
const STEP: u64 = 7;

fn state(job: u64) -> Vec<u8> {
    format!("the state of job {job} after step {STEP} ")
        .repeat(20)
        .into_bytes()
}

/// Reads a whole checkpoint; false where damage was noticed.
fn resumes(store: &Store, job: u64) -> bool {
    let Some(found) = store.progress(key_of(job)).unwrap() else {
        return false;
    };
    let blob = store.read(found.file("state").unwrap()).unwrap();
    assert_eq!(&blob[..], state(job), "a wrong checkpoint was handed out");
    true
}

/// Reads a whole job; false where damage was noticed. Wrong bytes end the test.
fn reads(store: &Store, job: u64) -> bool {
    let Some(found) = store.find(key_of(job)).unwrap() else {
        return false;
    };
    assert_eq!(found.metrics, json!({"loss": 1.0 / (job as f64 + 0.3)}));
    for (name, right) in [
        ("weights", &content(job)[..]),
        ("shared", b"the same in all jobs"),
    ] {
        match store.read(found.file(name).unwrap()) {
            Ok(blob) => assert_eq!(&blob[..], right, "wrong bytes were handed out"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
                return false;
            }
        }
    }
    true
}

fn alter(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Damages one file, expects that to be noticed, heals, and expects no trace of it.
fn round(root: &Path, victim: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    alter(victim, change);
    let store = Store::open(root).unwrap();
    let whole = |store: &Store, job| reads(store, job) & resumes(store, job);
    let hurt: Vec<u64> = (0..JOBS).filter(|job| !whole(&store, *job)).collect();
    assert!(
        !hurt.is_empty(),
        "damage of {} was not noticed",
        victim.display()
    );
    assert!(!store.damage().is_empty());
    for job in hurt {
        publish(&store, job);
    }
    let after = Store::open(root).unwrap();
    assert!((0..JOBS).all(|job| whole(&after, job)));
    assert_eq!(after.damage(), []);
}

fn filled() -> (tempfile::TempDir, PathBuf, Vec<PathBuf>) {
    let folder = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap();
    let root = folder.path().join("s");
    let store = Store::open(&root).unwrap();
    (0..JOBS).for_each(|job| publish(&store, job));
    let mut victims = files_below(&root.join("objects"));
    victims.extend(files_below(&root.join("jobs")));
    victims.extend(files_below(&root.join("progress")));
    assert_eq!(victims.len() as u64, JOBS * 4 + 1);
    (folder, root, victims)
}

#[test]
fn every_flipped_bit_is_noticed_and_healed() {
    let (_folder, root, victims) = filled();
    let mut dice = Dice(1);
    let rounds = if nightly() { 10_000 } else { 1_000 };
    for _ in 0..rounds {
        let victim = &victims[dice.roll(victims.len() as u64) as usize];
        let bit = dice.roll(fs::metadata(victim).unwrap().len() * 8) as usize;
        round(&root, victim, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
    }
    assert!(violations(&root, &[]).is_empty());
    say(&format!("flips: {rounds} of {rounds} noticed and healed"));
}

#[test]
fn every_cut_or_longer_file_is_noticed_and_healed() {
    let (_folder, root, victims) = filled();
    let more = if nightly() { 100 } else { 8 };
    let (mut dice, mut cuts) = (Dice(2), 0);
    for victim in &victims {
        let length = fs::metadata(victim).unwrap().len() as usize;
        let mut at = vec![0, 1, length / 2, length - 1];
        at.extend((0..more).map(|_| dice.roll(length as u64) as usize));
        for cut in at {
            round(&root, victim, |bytes| bytes.truncate(cut));
            cuts += 1;
        }
        round(&root, victim, |bytes| bytes.push(0));
        round(&root, victim, |bytes| bytes.fill(0xa5));
    }
    say(&format!(
        "truncations: {cuts} of {cuts} noticed and healed, and {} files that were longer or filled",
        victims.len() * 2
    ));
    assert!(cuts >= 300);
}

#[test]
fn finding_is_quick() {
    let (_folder, root, _) = filled();
    let store = Store::open(&root).unwrap();
    let keys: Vec<Key> = (0..JOBS).map(key_of).collect();
    let begun = std::time::Instant::now();
    let rounds = 2_000;
    for round in 0..rounds {
        assert!(store.find(keys[round % keys.len()]).unwrap().is_some());
    }
    let rate = rounds as f64 / begun.elapsed().as_secs_f64();
    say(&format!("find: {rate:.0} a second"));
    assert!(rate > 1_000.0);
}
