//! The audit of a whole store finds every damage, and the account of its room adds up.

#![allow(missing_docs, reason = "a test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;
use vpc_store::{
    Audit, Consequence, Draft, GcOptions, Store, StudyJob, StudyRecord, Suspect, Usage,
};

mod common;
use common::{Dice, files_below, key_of, nightly, say};

/// Two studies: jobs 0 and 1 are of the first, 1 and 2 of the second, 3 of none. Job 4 was evicted;
/// job 1 was made from job 0.
fn filled(root: &Path) -> Store {
    let store = Store::open(root).unwrap();
    for job in 0..5 {
        let mut attempt = store.attempt(key_of(job)).unwrap();
        let content: Vec<u8> = (0..200 + job)
            .flat_map(|at| (at * job).to_le_bytes())
            .collect();
        attempt.write("own", &content).unwrap();
        attempt.write("shared", b"in all jobs").unwrap();
        let draft = Draft {
            kind: ["data", "train"][usize::from(job > 0)].into(),
            inputs: (job == 1)
                .then(|| ("data".into(), key_of(0)))
                .into_iter()
                .collect(),
            made: json!({"seconds": 1.0}),
            ..Draft::default()
        };
        attempt.publish(draft).unwrap();
    }
    let mut attempt = store.attempt(key_of(0)).unwrap();
    attempt.write("state", b"half way").unwrap();
    attempt.publish_progress(5, Draft::default()).unwrap();
    store.pin(key_of(3), "dear").unwrap();
    file(&store, "first", &[0, 1, 4]);
    file(&store, "second", &[1, 2, 4]);
    let clearing = store.clearing().unwrap();
    let mut removal = clearing
        .choose(&GcOptions {
            to: Some(0),
            ..GcOptions::default()
        })
        .unwrap();
    removal.evicted.retain(|gone| gone.key == key_of(4));
    clearing.carry_out(&removal).unwrap();
    assert!(store.evicted(key_of(4)).unwrap().is_some());
    let orphan = vpc_store::Digest::of(b"loose").to_string();
    let shard = root.join("objects").join(&orphan[..2]);
    fs::create_dir_all(&shard).unwrap();
    fs::write(shard.join(&orphan[2..]), b"loose").unwrap();
    store
}

fn file(store: &Store, name: &str, jobs: &[u64]) {
    let job = |job: &u64| StudyJob {
        key: key_of(*job),
        label: format!("job {job}"),
        kind: "train".into(),
        read: false,
        is_place: false,
        keep: vec![5],
    };
    let jobs = jobs.iter().map(job).collect();
    let study = StudyRecord::new(name.into(), format!("{name}.vp"), jobs);
    store.file_study(&study).unwrap();
}

fn audit(store: &Store) -> Audit {
    let mut told = (0, 0);
    let audit = store.audit(&mut |done, all| told = (done, all)).unwrap();
    assert_eq!(told.0, told.1);
    audit
}

/// All files that an audit is to vouch for.
fn victims(root: &Path) -> Vec<PathBuf> {
    let folders = ["objects", "jobs", "progress", "evicted", "studies", "pins"];
    let found = folders
        .iter()
        .flat_map(|folder| files_below(&root.join(folder)));
    found.collect()
}

fn copied(from: &Path, to: &Path) {
    for path in files_below(from) {
        let copy = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(&path, copy).unwrap();
    }
    for folder in ["tmp", "quarantine", "results"] {
        fs::create_dir_all(to.join(folder)).unwrap();
    }
}

#[test]
fn a_sound_store_is_sound() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("s"));
    let found = audit(&store);
    assert_eq!(found.found, []);
    assert_eq!((found.jobs, found.checkpoints, found.traces), (4, 1, 1));
    assert_eq!((found.records, found.blobs.count), (3, 7));
    assert_eq!(found.loose.bytes, 5);
}

/// What is done to the bytes of a file.
type Change = Box<dyn Fn(&mut Vec<u8>)>;

#[test]
fn every_damage_of_every_file_is_found_and_set_aside() {
    let folder = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap();
    let sound = folder.path().join("sound");
    filled(&sound);
    let flips = if nightly() { 200 } else { 8 };
    let (mut dice, mut rounds) = (Dice(7), 0);
    for victim in victims(&sound) {
        let below = victim.strip_prefix(&sound).unwrap();
        let length = fs::metadata(&victim).unwrap().len();
        let flip = |dice: &mut Dice| {
            let bit = dice.roll(length * 8) as usize;
            Box::new(move |bytes: &mut Vec<u8>| bytes[bit / 8] ^= 1 << (bit % 8))
        };
        let mut changes: Vec<Change> = (0..flips).map(|_| flip(&mut dice) as Change).collect();
        changes.push(Box::new(Vec::clear));
        changes.push(Box::new(|bytes| bytes.truncate(bytes.len() - 1)));
        changes.push(Box::new(|bytes| bytes.push(0)));
        for change in changes {
            let root = folder.path().join("s");
            copied(&sound, &root);
            let path = root.join(below);
            let mut bytes = fs::read(&path).unwrap();
            change(&mut bytes);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            fs::write(&path, bytes).unwrap();
            let looked = audit(&Store::peek(&root).unwrap().unwrap());
            let found = audit(&Store::open(&root).unwrap());
            let whats = |audit: &Audit| -> Vec<_> {
                let whats = audit.found.iter().map(|found| (found.what, found.then));
                whats.collect()
            };
            assert_eq!(whats(&looked), whats(&found), "{}", below.display());
            assert!(looked.found.iter().all(|found| found.moved_to.is_none()));
            let first = found.found.first();
            let first = first.unwrap_or_else(|| panic!("{} was not found", below.display()));
            assert_eq!(first.path, path);
            assert!(first.moved_to.as_ref().unwrap().exists());
            let after = audit(&Store::open(&root).unwrap());
            assert_eq!(after.found, [], "{}", below.display());
            fs::remove_dir_all(&root).unwrap();
            rounds += 1;
        }
    }
    say(&format!(
        "audit: {rounds} of {rounds} damages found and set aside"
    ));
}

#[test]
fn what_follows_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("s"));
    for job in 0..4 {
        let manifest = store.find(key_of(job)).unwrap().unwrap();
        let digits = manifest.file("own").unwrap().digest.to_string();
        let path = store
            .root()
            .join("objects")
            .join(&digits[..2])
            .join(&digits[2..]);
        fs::remove_file(path).unwrap();
    }
    let found = audit(&store).found;
    let then = |job| {
        let found = found
            .iter()
            .find(|found| found.what == Suspect::Job(key_of(job)));
        let found = found.unwrap();
        (found.label.clone(), found.then)
    };
    let named = |job: u64| Some(format!("job {job}"));
    assert_eq!(then(0), (named(0), Consequence::WhenNeeded));
    assert_eq!(then(1), (named(1), Consequence::ComputedAgain));
    assert_eq!(then(3), (None, Consequence::NotNeeded));
}

#[test]
fn the_account_adds_up() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("s"));
    let usage = store.usage().unwrap();
    let files = files_below(store.root());
    let bytes: u64 = files
        .iter()
        .map(|path| fs::metadata(path).unwrap().len())
        .sum();
    assert_eq!((usage.total.count, usage.total.bytes), (files.len(), bytes));
    let Usage {
        kinds,
        checkpoints,
        orphans,
        manifests,
        traces,
        ..
    } = &usage;
    let jobs: u64 = kinds.iter().map(|kind| kind.jobs.bytes).sum();
    let parts = [
        checkpoints,
        orphans,
        manifests,
        traces,
        &usage.quarantine,
        &usage.private,
    ];
    let parts: u64 = parts.iter().map(|part| part.bytes).sum();
    assert_eq!(jobs + parts + usage.others.bytes, bytes);
    // Jobs 0 to 3 have 8 bytes for each of 200 numbers and more, and eleven in common.
    assert_eq!(jobs, 8 * (200 + 201 + 202 + 203) + 11);
    assert_eq!(usage.shared_by_kinds, 11);
    assert_eq!(
        (checkpoints.count, checkpoints.bytes, orphans.bytes),
        (1, 8, 5)
    );
    let [first, second] = &usage.studies[..] else {
        panic!("{usage:?}")
    };
    assert_eq!((first.jobs, first.finished, first.evicted), (3, 2, 1));
    assert_eq!((first.bytes, first.own), (8 * 401 + 11 + 8, 8 * 200 + 8));
    assert_eq!((second.bytes, second.own), (8 * 403 + 11, 8 * 202));
    assert_eq!(usage.shared_by_studies, 8 * 201 + 11);
    assert_eq!((usage.unreached.count, usage.unreached.bytes), (1, 8 * 203));
    assert_eq!((usage.pinned, traces.count), (1, 1));
}
