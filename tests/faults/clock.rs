//! Clocks that are wrong, or jump while a run goes on: keys, bits and results are the same.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::common::{Folder, Run, computed, manifests, say, skip};
use crate::study::{folder, library, reference, wait_for, works};

const LIBRARY: &str = "libfaketimeMT.so.1";

/// Lets a command see another time, read anew from a file at each look at the clock.
fn faked(command: &mut Command, clock: &Path) -> Output {
    let library = library(LIBRARY).expect("looked for before");
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", clock)
        .env("FAKETIME_NO_CACHE", "1")
        .env("DONT_FAKE_MONOTONIC", "1");
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let process = child.id();
    let ran = child.wait_with_output().unwrap();
    tidy(process);
    ran
}

/// Removes what the library leaves in shared memory.
fn tidy(process: u32) {
    for name in ["faketime_shm_", "sem.faketime_sem_"] {
        _ = fs::remove_file(format!("/dev/shm/{name}{process}"));
    }
}

/// No time of the store is below zero, however the clock went.
fn times_are_times(folder: &Folder, messages: &str) {
    for (_, manifest) in manifests(&folder.join(".vp")).into_values() {
        let seconds = manifest["made"]["seconds"].as_f64().unwrap();
        assert!((0.0..1e6).contains(&seconds), "{manifest}");
    }
    assert!(!messages.contains(" in -"), "{messages}");
}

#[test]
fn a_wrong_clock_changes_nothing() {
    if library(LIBRARY).is_none() {
        return skip("clocks", "no libfaketime here");
    }
    let (_reference, expected) = reference();
    let clocks = [
        ("-2h", "2"),
        ("+10y", "20"),
        ("@1970-01-02 00:00:00", "1970"),
        ("@2200-01-01 00:00:00", "2200"),
    ];
    for (clock, year) in clocks {
        let folder = folder();
        folder.write("clock", format!("{clock}\n"));
        let date = faked(
            folder.script(&["sh"], "date +%Y").env("LC_ALL", "C"),
            &folder.join("clock"),
        );
        let date = String::from_utf8(date.stdout).unwrap();
        assert!(date.starts_with(year), "the clock is not faked: {date}");
        let run = Run::of(faked(
            &mut folder.command("run s.vp"),
            &folder.join("clock"),
        ))
        .ends(0);
        assert_eq!(computed(&folder.join(".vp"), "s"), expected, "{clock}");
        times_are_times(&folder, &run.stderr);
        // The next run has the right time again, and sees files of the future or the past.
        folder.vpc("run s.vp").ends(0);
        assert_eq!(computed(&folder.join(".vp"), "s"), expected, "{clock}");
    }
    say(&format!(
        "clocks: {} wrong ones, equal keys, bits and results",
        clocks.len()
    ));
}

#[test]
fn a_clock_that_jumps_during_a_run_changes_nothing() {
    let Some(library) = library(LIBRARY) else {
        return skip("jumping clocks", "no libfaketime here");
    };
    let (_reference, expected) = reference();
    let jumps = ["-2h", "+10y", "-30y", "+0"];
    let folder = folder();
    folder.write("clock", "+0\n");
    let file = fs::File::create(folder.join("messages")).unwrap();
    let mut command = folder.command("run s.vp --checkpoint-every 0");
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", folder.join("clock"))
        .env("FAKETIME_NO_CACHE", "1")
        .env("DONT_FAKE_MONOTONIC", "1")
        .stdout(Stdio::null())
        .stderr(file);
    let mut child = command.spawn().unwrap();
    for (at, jump) in jumps.iter().enumerate() {
        wait_for(
            &folder,
            "messages",
            [
                "start   corpus",
                "done    corpus",
                "start   e/base",
                "done    e/base",
            ][at],
        );
        folder.write("clock.new", format!("{jump}\n"));
        fs::rename(folder.join("clock.new"), folder.join("clock")).unwrap();
    }
    assert!(
        child.wait().unwrap().success(),
        "{}",
        folder.read("messages")
    );
    tidy(child.id());
    assert_eq!(computed(&folder.join(".vp"), "s"), expected);
    times_are_times(&folder, &folder.read("messages"));
    say(&format!(
        "clocks: {} jumps during a run, equal bits",
        jumps.len()
    ));
}

#[test]
fn files_of_the_future_are_files() {
    let (_reference, expected) = reference();
    let folder = folder();
    for name in ["s.vp", "tales.txt"] {
        let path = folder.join(name);
        assert!(works(
            "touch",
            &["-d", "2099-01-01", path.to_str().unwrap()]
        ));
    }
    folder.vpc("run s.vp").ends(0);
    assert_eq!(computed(&folder.join(".vp"), "s"), expected);
}
