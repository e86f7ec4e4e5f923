//! Many at once: threads and processes on one store, with and without agreement.

#![allow(missing_docs, reason = "a test")]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use vpc_store::{Draft, ErrorKind, Store};

mod common;
use common::{Dice, committed, example, key_of, nightly, output, say, violations};

fn fresh() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("s")).unwrap();
    (folder, store)
}

fn publish(store: &Store, job: u64, content: u64) -> Result<(), ErrorKind> {
    let mut attempt = store.attempt(key_of(job)).unwrap();
    attempt.write("a", &content.to_le_bytes()).unwrap();
    attempt
        .publish(Draft::default())
        .map(drop)
        .map_err(|error| error.kind())
}

#[test]
fn equal_results_are_one_result() {
    let (_folder, store) = fresh();
    let others = || Store::open(store.root()).unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            let store = others();
            scope.spawn(move || (0..20).for_each(|job| publish(&store, job, job).unwrap()));
        }
    });
    let keys: Vec<_> = (0..20).map(key_of).collect();
    assert_eq!(violations(store.root(), &keys), [""; 0]);
}

#[test]
fn of_different_results_the_first_is_kept() {
    let (_folder, store) = fresh();
    for job in 0..20 {
        let race = |content| {
            let store = store.clone();
            move || publish(&store, job, content)
        };
        let racers: Vec<_> = (0..8).map(|content| thread::spawn(race(content))).collect();
        let ends: Vec<_> = racers
            .into_iter()
            .map(|racer| racer.join().unwrap())
            .collect();
        let winner = ends.iter().position(Result::is_ok).unwrap();
        let lost = ends
            .iter()
            .filter(|end| **end == Err(ErrorKind::Nondeterministic))
            .count();
        assert_eq!(lost, 7, "{ends:?}");
        let found = store.find(key_of(job)).unwrap().unwrap();
        let kept = store.read(found.file("a").unwrap()).unwrap();
        assert_eq!(&kept[..], (winner as u64).to_le_bytes());
    }
}

#[test]
fn replacing_what_is_there_is_noticed() {
    let (_folder, store) = fresh();
    let mut seen = Vec::new();
    for salt in ["0", "1"] {
        let mut command = Command::new(example("broken"));
        command.arg(store.root()).args(["1", "rename-over", salt]);
        assert!(output(&mut command).status.success());
        seen.push(store.find(key_of(0)).unwrap().unwrap().files);
    }
    assert_ne!(
        seen[0], seen[1],
        "the first was kept: this writer is no longer broken"
    );
}

#[test]
fn healing_at_once_loses_nothing() {
    let (_folder, store) = fresh();
    publish(&store, 1, 1).unwrap();
    let path = common::files_below(&store.root().join("jobs")).remove(0);
    for _ in 0..50 {
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "damaged").unwrap();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let store = Store::open(store.root()).unwrap();
                    _ = store.find(key_of(1)).unwrap();
                    publish(&store, 1, 1).unwrap();
                    assert!(
                        store.find(key_of(1)).unwrap().is_some(),
                        "acknowledged, then gone"
                    );
                });
            }
        });
    }
}

#[test]
fn clearing_does_not_take_what_others_publish() {
    let (_folder, store) = fresh();
    thread::scope(|scope| {
        let clearer = &store;
        scope.spawn(move || {
            for round in 0..60 {
                let mut attempt = clearer.attempt(key_of(999)).unwrap();
                attempt
                    .write("state", &(round % 30u64).to_le_bytes())
                    .unwrap();
                attempt.publish_progress(round, Draft::default()).unwrap();
                clearer.clear_progress(key_of(999), &[]).unwrap();
            }
        });
        for start in [0, 30] {
            let store = Store::open(store.root()).unwrap();
            scope.spawn(move || {
                for job in start..start + 30 {
                    publish(&store, job, job % 30).unwrap();
                    let found = store
                        .find(key_of(job))
                        .unwrap()
                        .expect("acknowledged, then gone");
                    store.verify(&found).unwrap();
                }
            });
        }
    });
    let keys: Vec<_> = (0..60).map(key_of).collect();
    assert_eq!(violations(store.root(), &keys), [""; 0]);
}

fn start(root: &Path, jobs: &str) -> Child {
    let mut command = Command::new(example("commit"));
    command
        .arg(root)
        .arg(jobs)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn processes_share_a_store() {
    let rounds = if nightly() { 50 } else { 6 };
    let mut dice = Dice(7);
    for round in 0..rounds {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("s");
        let mut running: Vec<Child> = (0..4).map(|_| start(&root, "12")).collect();
        if round % 2 == 1 {
            thread::sleep(Duration::from_millis(5 + dice.roll(60)));
            running[0].kill().unwrap();
        }
        let ends: Vec<_> = running
            .into_iter()
            .map(|child| child.wait_with_output().unwrap())
            .collect();
        for (at, ended) in ends.iter().enumerate() {
            let keys = committed(&ended.stdout);
            let killed = at == 0 && round % 2 == 1;
            assert!(
                killed || ended.status.success() && keys.len() == 12,
                "{ended:?}"
            );
            assert_eq!(violations(&root, &keys), [""; 0]);
        }
        assert_eq!(Store::open(&root).unwrap().sweep().unwrap().held, 0);
    }
    say(&format!(
        "races: {rounds} rounds of 4 processes, every second with a kill"
    ));
}
