//! Archives: there and back to the same bytes, whenever the way is cut short.

#![allow(missing_docs, reason = "a test")]

use std::fs;
use std::process::Command;

use vpc_store::{Archive, Draft, Store};

mod common;
use common::archives::{archive, export, files_of, filled, import, record, sound};
use common::{KILLED, example, has_strace, key_of, nightly, output, say, skip, strace, violations};

#[test]
fn there_and_back_are_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let origin = filled(&at("origin"));
    export(&origin, &at("a.tar.zst"), true);
    let done = import(&at("copy"), &at("a.tar.zst")).unwrap();
    assert_eq!(
        (done.jobs, done.checkpoints, done.traces, done.there),
        (4, 1, 1, 0)
    );
    let copy = Store::open(&at("copy")).unwrap();
    for job in 0..6 {
        let key = key_of(job);
        assert_eq!(copy.find(key).unwrap(), origin.find(key).unwrap());
        assert_eq!(copy.evicted(key).unwrap(), origin.evicted(key).unwrap());
    }
    assert_eq!(
        copy.progress(key_of(1)).unwrap(),
        origin.progress(key_of(1)).unwrap()
    );
    assert_eq!(copy.audit(&mut |_, _| ()).unwrap().found, []);
    assert_eq!(
        fs::read(at("copy/results/s/results.csv")).unwrap(),
        b"a,b\n"
    );
    assert_eq!(copy.studies().unwrap(), [record()]);
    export(&copy, &at("b.tar.zst"), true);
    assert_eq!(
        fs::read(at("a.tar.zst")).unwrap(),
        fs::read(at("b.tar.zst")).unwrap()
    );
    // Once more: all is there.
    let again = import(&at("copy"), &at("a.tar.zst")).unwrap();
    assert_eq!((again.jobs, again.traces, again.there), (0, 0, 5));
    // What is there with other files stays.
    let other = Store::open(&at("other")).unwrap();
    let mut attempt = other.attempt(key_of(2)).unwrap();
    attempt.write("own", b"else").unwrap();
    let first = attempt.publish(Draft::default()).unwrap();
    let done = import(&at("other"), &at("a.tar.zst")).unwrap();
    assert_eq!((done.jobs, done.differing.len()), (3, 1));
    assert_eq!(other.find(key_of(2)).unwrap(), Some(first));
    assert!(violations(&at("other"), &[]).is_empty());
}

#[test]
fn without_files_a_job_leaves_what_an_eviction_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    export(&filled(&at("origin")), &at("a"), false);
    let done = import(&at("copy"), &at("a")).unwrap();
    assert_eq!((done.jobs, done.traces), (1, 4));
    let copy = Store::open(&at("copy")).unwrap();
    assert!(copy.find(key_of(0)).unwrap().is_some());
    assert_eq!(copy.evicted(key_of(3)).unwrap().unwrap().labels, ["job 3"]);
    // With files, it becomes a job again.
    export(&Store::open(&at("origin")).unwrap(), &at("b"), true);
    assert_eq!(import(&at("copy"), &at("b")).unwrap().jobs, 3);
    assert!(copy.evicted(key_of(3)).unwrap().is_none());
}

#[test]
fn texts_are_never_written_over_others() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let archive = Archive::open(&archive(folder.path())).unwrap();
    assert_eq!(archive.study(), "s.vp");
    assert_eq!(archive.write_texts(&at("new/deep")).unwrap(), 2);
    assert_eq!(fs::read(at("new/deep/lib/m.vp")).unwrap(), b"let a = 1\n");
    assert_eq!(archive.write_texts(&at("new/deep")).unwrap(), 0);
    fs::create_dir(at("other")).unwrap();
    fs::write(at("other/s.vp"), "mine").unwrap();
    assert!(archive.write_texts(&at("other")).is_err());
    assert_eq!(
        fs::read_dir(at("other")).unwrap().count(),
        1,
        "nothing was written"
    );
    // A link could lead anywhere.
    fs::create_dir(at("linked")).unwrap();
    std::os::unix::fs::symlink(at("other"), at("linked/lib")).unwrap();
    assert!(archive.write_texts(&at("linked")).is_err());
    assert!(!at("other/m.vp").exists());
}

#[test]
fn an_import_killed_at_any_call_leaves_a_sound_store_and_goes_on() {
    if !has_strace() {
        return skip(
            "an_import_killed_at_any_call_leaves_a_sound_store_and_goes_on",
            "strace cannot trace here",
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let file = archive(folder.path());
    let expected = files_of(&folder.path().join("origin"));
    let (root, log) = (folder.path().join("s"), folder.path().join("log"));
    let program = example("import");
    let mut points = 0;
    for call in [
        "renameat2",
        "?rename",
        "fsync",
        "?unlink",
        "?unlinkat",
        "write",
    ] {
        for when in (1..).step_by(if call == "write" && !nightly() { 7 } else { 1 }) {
            let _ = fs::remove_dir_all(&root);
            let line = [&program, &root, &file].map(|path| path.to_str().unwrap());
            strace(&log, call, &format!("signal=KILL:when={when}"), &line);
            let fired = fs::read_to_string(&log).unwrap().contains(KILLED);
            sound(&root, &format!("{call} {when}"));
            let next = output(Command::new(&program).arg(&root).arg(&file));
            assert!(next.status.success(), "{call} {when}: {next:?}");
            assert_eq!(files_of(&root), expected, "{call} {when}");
            if !fired {
                break;
            }
            points += 1;
        }
    }
    say(&format!("kill, importing: {points} points, 0 wrong"));
    assert!(points > 20, "only {points} faults fired");
}
