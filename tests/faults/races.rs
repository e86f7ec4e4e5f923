//! Whole runs side by side on one store, with locks and where the file system refuses them.

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{Computed, Folder, VPC, computed, named, nightly, say, skip};
use crate::study::{JOBS, quick_folder, reference, send, wait_for, works};

const REFUSED: [&str; 4] = ["-f", "-qq", "-e", "inject=flock:error=ENOSYS"];

fn start(folder: &Folder, at: usize, locks: bool) -> Child {
    let messages = format!("messages{at}");
    if locks {
        return folder.start("run s.vp", &messages);
    }
    let file = std::fs::File::create(folder.join(&messages)).unwrap();
    let mut command = Command::new("strace");
    command
        .args(REFUSED)
        .args(["-e", "trace=flock", "-o", "/dev/null"]);
    command
        .args([VPC, "run", "s.vp"])
        .current_dir(folder.path());
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(file).spawn().unwrap()
}

/// Runs side by side to their end; returns all that they said.
fn race(runs: usize, locks: bool, expected: &Computed) -> String {
    let folder = quick_folder();
    let children: Vec<Child> = (0..runs).map(|at| start(&folder, at, locks)).collect();
    let mut messages = String::new();
    for (at, mut child) in children.into_iter().enumerate() {
        let ended = child.wait().unwrap();
        let said = folder.read(&format!("messages{at}"));
        assert!(ended.success(), "{ended}: {said}");
        assert_eq!(said.contains("refuses locks"), !locks, "{said}");
        messages += &said;
    }
    assert_eq!(computed(&folder.join(".vp"), "s"), *expected);
    folder.vpc("run s.vp").ends(0);
    messages
}

#[test]
fn runs_at_once_make_each_job_once() {
    let (_reference, expected) = reference();
    for (runs, rounds) in [
        (2, if nightly() { 50 } else { 10 }),
        (8, if nightly() { 50 } else { 5 }),
    ] {
        for _ in 0..rounds {
            let messages = race(runs, true, &expected);
            let begun = named(&messages, "start  ");
            let distinct: BTreeSet<_> = begun.iter().collect();
            assert_eq!((begun.len(), distinct.len()), (JOBS, JOBS), "{messages}");
        }
        say(&format!(
            "races: {rounds} rounds of {runs} runs, each job made once, equal bits"
        ));
    }
}

#[test]
fn without_locks_work_is_wasted_and_nothing_else() {
    let tried = [&REFUSED[..], &["-o", "/dev/null", "true"]].concat();
    if !works("strace", &tried) {
        return skip("races without locks", "strace cannot trace here");
    }
    let (_reference, expected) = reference();
    for (runs, rounds) in [
        (2, if nightly() { 25 } else { 3 }),
        (8, if nightly() { 25 } else { 2 }),
    ] {
        let mut twice = 0;
        for _ in 0..rounds {
            let begun = named(&race(runs, false, &expected), "start  ");
            twice += begun.len() - JOBS;
        }
        say(&format!(
            "races without locks: {rounds} rounds of {runs} runs, {twice} jobs made twice, equal bits"
        ));
    }
}

#[test]
fn the_death_of_a_holder_is_noticed_within_two_seconds() {
    let (_reference, expected) = reference();
    let rounds = if nightly() { 20 } else { 3 };
    let (mut slowest, mut taken) = (Duration::ZERO, 0);
    for _ in 0..rounds * 20 {
        if let Some(took) = take_over(&expected) {
            slowest = slowest.max(took);
            taken += 1;
        }
        if taken == rounds {
            break;
        }
    }
    assert_eq!(taken, rounds, "the holder never held anything");
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    say(&format!(
        "races: {rounds} holders killed, taken over after {slowest:?} at most"
    ));
}

/// Kills a run that holds a job for which another waits; none where it held none when it stopped.
fn take_over(expected: &Computed) -> Option<Duration> {
    let folder = quick_folder();
    let mut first = folder.start("run s.vp --checkpoint-every 0", "first");
    wait_for(&folder, "first", "start   e/base");
    send("STOP", first.id());
    let mut second = folder.start("run s.vp", "second");
    let (mut ended, begun) = (None, Instant::now());
    // It may also wait for the store as a whole, and says nothing then.
    let patient = || begun.elapsed() < Duration::from_secs(5);
    while ended.is_none() && patient() && !folder.read("second").contains("wait ") {
        std::thread::sleep(Duration::from_millis(2));
        ended = second.try_wait().unwrap();
    }
    let waiting = folder.read("second").lines().count();
    first.kill().unwrap();
    first.wait().unwrap();
    let killed = Instant::now();
    while ended.is_none() && folder.read("second").lines().count() == waiting {
        std::thread::sleep(Duration::from_millis(2));
        ended = second.try_wait().unwrap();
    }
    let took = killed.elapsed();
    assert!(
        second.wait().unwrap().success(),
        "{}",
        folder.read("second")
    );
    assert_eq!(computed(&folder.join(".vp"), "s"), *expected);
    folder.read("second").contains("wait ").then_some(took)
}
