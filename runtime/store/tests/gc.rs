//! Clearing: what nothing reaches goes, what is needed stays, and the cheapest makes room.

#![allow(missing_docs, reason = "a test")]

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use vpc_store::{
    Claim, Collected, Cost, Draft, GcOptions, Hindrance, Key, Removal, Store, StudyJob, StudyRecord,
};

mod common;
use common::{key_of, violations};

fn fresh() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("s")).unwrap();
    (folder, store)
}

/// Publishes a job of this many bytes that took so many seconds.
fn publish(store: &Store, job: u64, bytes: usize, seconds: f64, inputs: &[u64]) {
    let made = json!({"seconds": seconds});
    publish_as(store, job, &content(job, bytes), inputs, made);
}

fn publish_as(store: &Store, job: u64, content: &[u8], inputs: &[u64], made: Value) {
    let mut attempt = store.attempt(key_of(job)).unwrap();
    attempt.write("a", content).unwrap();
    let inputs = inputs.iter().map(|job| ("data".to_owned(), key_of(*job)));
    let draft = Draft {
        kind: "train".into(),
        labels: vec![format!("job {job}")],
        inputs: inputs.collect(),
        made,
        ..Draft::default()
    };
    attempt.publish(draft).unwrap();
}

fn content(job: u64, bytes: usize) -> Vec<u8> {
    job.to_le_bytes().into_iter().cycle().take(bytes).collect()
}

fn checkpoint(store: &Store, job: u64, step: u64) {
    let mut attempt = store.attempt(key_of(job)).unwrap();
    attempt
        .write("state", &content(job * 1000 + step, 100))
        .unwrap();
    attempt.publish_progress(step, Draft::default()).unwrap();
}

/// Files a study of these jobs; of those in `read`, reports read the numbers.
fn file(store: &Store, name: &str, jobs: &[u64], read: &[u64]) {
    store.file_study(&study(name, jobs, read)).unwrap();
}

fn study(name: &str, jobs: &[u64], read: &[u64]) -> StudyRecord {
    let job = |job: &u64| StudyJob {
        key: key_of(*job),
        label: format!("job {job}"),
        kind: "train".into(),
        read: read.contains(job),
        is_place: false,
        keep: vec![7],
    };
    StudyRecord::new(
        name.into(),
        format!("{name}.vp"),
        jobs.iter().map(job).collect(),
    )
}

fn clear(store: &Store, options: GcOptions) -> (Removal, Collected) {
    let would = store.would_clear(&options).unwrap();
    let clearing = store.clearing().unwrap();
    let removal = clearing.choose(&options).unwrap();
    assert_eq!(would, removal, "a look says the same");
    let done = clearing.carry_out(&removal).unwrap();
    assert_eq!(violations(store.root(), &[]), [""; 0]);
    (removal, done)
}

fn to(bytes: u64) -> GcOptions {
    GcOptions {
        to: Some(bytes),
        ..GcOptions::default()
    }
}

fn cost(seconds: f64, jobs: usize) -> Cost {
    Cost {
        seconds,
        jobs,
        unknown: 0,
    }
}

fn keys(gone: &[vpc_store::Gone]) -> Vec<Key> {
    gone.iter().map(|gone| gone.key).collect()
}

#[test]
fn only_what_nothing_reaches_goes() {
    let (_folder, store) = fresh();
    for job in 0..6 {
        publish(&store, job, 1000, 1.0, &[]);
    }
    publish_as(
        &store,
        6,
        &content(6, 1000),
        &[],
        json!({"adopted": "elsewhere"}),
    );
    publish_as(&store, 7, &content(7, 1000), &[], json!({"adopted": null}));
    file(&store, "s", &[0, 1], &[0]);
    file(&store, "t", &[1, 2], &[]);
    store.pin(key_of(3), "").unwrap();
    for step in [5, 7] {
        checkpoint(&store, 0, step);
        checkpoint(&store, 4, step);
        checkpoint(&store, 90, step);
    }
    // Job 2 is under way again, job 91 was never finished and is of no study.
    let before = store.would_clear(&GcOptions::default()).unwrap();
    let (removal, done) = clear(&store, GcOptions::default());
    assert_eq!(before, removal);
    assert_eq!(keys(&removal.jobs), [4, 5, 7].map(key_of));
    assert_eq!(removal.jobs[0].freed.bytes, 1000);
    let steps: Vec<_> = removal
        .checkpoints
        .iter()
        .map(|c| (c.key, c.step))
        .collect();
    let mut expected =
        [(0, 5), (4, 5), (4, 7), (90, 5), (90, 7)].map(|(job, step)| (key_of(job), Some(step)));
    expected.sort_unstable();
    assert_eq!(steps, expected);
    assert_eq!((done.jobs, done.checkpoints, done.busy), (3, 5, 0));
    assert_eq!(done.blobs.bytes, 3500);
    for job in [0, 1, 2, 3, 6] {
        assert!(store.find(key_of(job)).unwrap().is_some(), "{job}");
    }
    for job in [4, 5, 7] {
        assert!(store.find(key_of(job)).unwrap().is_none(), "{job}");
        assert!(store.evicted(key_of(job)).unwrap().is_some(), "{job}");
    }
    assert!(store.progress_at(key_of(0), 7).unwrap().is_some());
    let (again, _) = clear(&store, GcOptions::default());
    assert!(again.is_empty(), "{again:?}");
}

#[test]
fn the_cheapest_bytes_make_room_and_what_is_read_stays() {
    let (_folder, store) = fresh();
    // Data for a model, dear for its size; a large model; a small one; one that reports read.
    publish(&store, 0, 10_000, 50.0, &[]);
    publish(&store, 1, 100_000, 10.0, &[0]);
    publish(&store, 2, 1_000, 10.0, &[0]);
    publish(&store, 3, 100_000, 0.0, &[1]);
    publish(&store, 4, 100_000, 0.0, &[]);
    file(&store, "s", &[0, 1, 2, 3, 4], &[3]);
    store.pin(key_of(4), "dear to me").unwrap();
    let size = store.would_clear(&GcOptions::default()).unwrap().before;

    let look = store.would_clear(&to(size - 1)).unwrap();
    assert_eq!(keys(&look.evicted), [key_of(1)]);
    assert_eq!(look.evicted[0].cost, cost(10.0, 1));
    assert!(look.evicted[0].is_input);
    // With its data gone too, the model costs the data as well.
    let look = store.would_clear(&to(size - 105_000)).unwrap();
    assert_eq!(keys(&look.evicted), [1, 0].map(key_of));
    assert_eq!(look.evicted[0].cost, cost(60.0, 2));

    let (removal, done) = clear(&store, to(0));
    assert_eq!(keys(&removal.evicted), [1, 0, 2].map(key_of));
    assert_eq!(removal.hindrances, [Hindrance::TooMuchLeft]);
    assert_eq!((done.jobs, done.blobs.bytes), (3, 111_000));
    let trace = store.evicted(key_of(1)).unwrap().unwrap();
    assert_eq!(store.cost_again(&trace).unwrap(), cost(60.0, 2));
    for job in [3, 4] {
        assert!(store.find(key_of(job)).unwrap().is_some());
    }
    // Evicted jobs stay reached, and what is computed again is what it was.
    publish(&store, 1, 100_000, 10.0, &[0]);
    assert!(store.find(key_of(1)).unwrap().is_some());
    assert!(store.warnings().is_empty());
}

#[test]
fn shared_files_go_with_the_last_that_needs_them() {
    let (_folder, store) = fresh();
    for job in [1, 2] {
        publish_as(&store, job, b"the same", &[], json!({"seconds": 1.0}));
    }
    file(&store, "s", &[1], &[]);
    let (removal, done) = clear(&store, GcOptions::default());
    assert_eq!(removal.jobs[0].freed.bytes, 0);
    assert_eq!((done.jobs, done.blobs.count), (1, 0));
    let (removal, _) = clear(&store, to(0));
    assert_eq!(removal.evicted[0].freed.bytes, 8);
}

#[test]
fn what_is_not_known_holds_the_jobs() {
    let (_folder, store) = fresh();
    publish(&store, 1, 1000, 1.0, &[]);
    publish(&store, 2, 1000, 1.0, &[]);
    let (removal, _) = clear(&store, to(0));
    assert_eq!(removal.hindrances, [Hindrance::Unfiled(vec![])]);
    // A study that left results before the store knew of studies.
    store.write_result("old/results.csv".as_ref(), b"").unwrap();
    file(&store, "s", &[1], &[]);
    let (removal, _) = clear(&store, GcOptions::default());
    assert_eq!(removal.hindrances, [Hindrance::Unfiled(vec!["old".into()])]);
    file(&store, "old", &[], &[]);
    // A damaged record, first where it lies and then in quarantine, for however long.
    let path = fs::read_dir(store.root().join("studies")).unwrap();
    let path = path.map(|entry| entry.unwrap().path());
    let path = path
        .into_iter()
        .find(|path| path.to_string_lossy().contains("-s-"))
        .unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, "{}").unwrap();
    let now = GcOptions {
        quarantine: Duration::ZERO,
        ..GcOptions::default()
    };
    for _ in 0..2 {
        let (removal, _) = clear(&store, now);
        assert_eq!(removal.hindrances, [Hindrance::Lost(vec!["s".into()])]);
        assert!(removal.jobs.is_empty());
        assert_eq!(store.studies().unwrap().len(), 1);
    }
    file(&store, "s", &[1], &[]);
    let (removal, done) = clear(&store, now);
    assert_eq!((keys(&removal.jobs), done.others), (vec![key_of(2)], 1));
    // A manifest that cannot be read.
    let key = key_of(1).to_string();
    let path = store
        .root()
        .join("jobs")
        .join(&key[..2])
        .join(format!("{key}.json"));
    fs::remove_file(&path).unwrap();
    fs::write(&path, "{}").unwrap();
    let removal = store.would_clear(&GcOptions::default()).unwrap();
    assert_eq!(removal.hindrances, [Hindrance::Damaged(1)]);
    assert_eq!(removal.orphans.count, 0);
}

#[test]
fn a_run_under_way_keeps_what_studies_reach_and_what_it_works_at() {
    let (_folder, store) = fresh();
    (1..=3).for_each(|job| publish(&store, job, 1000, 1.0, &[]));
    let running = store.begin_run(&study("s", &[1], &[])).unwrap();
    let lock = store.claim(key_of(2)).unwrap();
    assert!(matches!(lock, Claim::Taken(_)));
    let (removal, done) = clear(&store, to(0));
    assert_eq!(removal.hindrances, [Hindrance::UnderWay]);
    assert_eq!((done.jobs, done.busy), (1, 1));
    assert!(store.find(key_of(2)).unwrap().is_some());
    drop((running, lock));
    let (removal, _) = clear(&store, to(0));
    assert_eq!(keys(&removal.evicted), [key_of(1)]);
}

#[test]
fn loose_files_and_dead_folders_go() {
    let (_folder, store) = fresh();
    publish(&store, 1, 1000, 1.0, &[]);
    file(&store, "s", &[1], &[]);
    let blob = content(2, 10);
    let digest = vpc_store::Digest::of(&blob).to_string();
    let shard = store.root().join("objects").join(&digest[..2]);
    fs::create_dir_all(&shard).unwrap();
    fs::write(shard.join(&digest[2..]), blob).unwrap();
    fs::create_dir(store.root().join("tmp/dead")).unwrap();
    fs::write(store.root().join("tmp/dead/0.part"), [0; 50]).unwrap();
    fs::write(store.root().join("quarantine/x-1-0123456789abcdef"), [0; 5]).unwrap();
    let mut alive = store.attempt(key_of(9)).unwrap();
    alive.write("a", b"in the making").unwrap();
    let (removal, done) = clear(&store, GcOptions::default());
    assert_eq!((removal.orphans.bytes, removal.private.bytes), (10, 50));
    assert_eq!(removal.quarantine.count, 0, "it is too young");
    assert_eq!((done.blobs.bytes, done.others), (10, 1));
    alive.publish(Draft::default()).unwrap();
}
