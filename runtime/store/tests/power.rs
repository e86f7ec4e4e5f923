//! The power is cut: what had reached the disk at a random moment must hold all that was said.
//!
//! An ext4 image is mounted so that it writes only what it is made to (`commit=600`); the writer
//! is stopped, the image copied, and the copy mounted as after a power cut.

#![allow(missing_docs, reason = "a test")]

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use vpc_store::Key;

mod common;
use common::{Dice, Mount, committed, example, nightly, say, skip, violations, works};

/// What one cut left: jobs that had been acknowledged, and what is wrong.
struct Cut {
    acknowledged: usize,
    wrong: Vec<String>,
}

fn image(path: &Path) -> bool {
    File::create(path)
        .and_then(|file| file.set_len(48 << 20))
        .unwrap();
    works("mkfs.ext4", &["-q", "-F", path.to_str().unwrap()])
}

/// Cuts the power once; none where that cannot be done here.
fn cut(program: &str, mode: Option<&str>, wait: Duration) -> Option<Cut> {
    let folder = tempfile::tempdir().unwrap();
    let [disk, copy, said] = ["disk", "copy", "said"].map(|name| folder.path().join(name));
    if !image(&disk) {
        return None;
    }
    let options = ["-o", "loop,commit=600", disk.to_str().unwrap()];
    let mount = Mount::new(&options, &folder.path().join("m"))?;
    let root = mount.path().join("s");
    let mut command = Command::new(example(program));
    command
        .arg(&root)
        .arg("1000000")
        .args(mode)
        .stdin(Stdio::null());
    let mut writer = command
        .stdout(File::create(&said).unwrap())
        .spawn()
        .unwrap();
    sleep(wait);
    assert!(works("kill", &["-STOP", &writer.id().to_string()]));
    sleep(Duration::from_millis(10));
    let acknowledged = committed(&fs::read(&said).unwrap());
    assert!(works(
        "cp",
        &[
            "--sparse=always",
            disk.to_str().unwrap(),
            copy.to_str().unwrap()
        ]
    ));
    writer.kill().unwrap();
    writer.wait().unwrap();
    drop(mount);
    Some(look(&copy, folder.path(), &acknowledged))
}

fn look(copy: &Path, folder: &Path, acknowledged: &[Key]) -> Cut {
    let options = ["-o", "loop", copy.to_str().unwrap()];
    let mount = Mount::new(&options, &folder.join("m2")).expect("the copy cannot be mounted");
    let root = mount.path().join("s");
    let mut wrong = violations(&root, acknowledged);
    let next = Command::new(example("commit"))
        .arg(&root)
        .arg("3")
        .output()
        .unwrap();
    if !next.status.success() && wrong.is_empty() {
        wrong.push(format!("the next run failed: {next:?}"));
    }
    Cut {
        acknowledged: acknowledged.len(),
        wrong,
    }
}

#[test]
fn a_power_cut_loses_nothing_that_was_acknowledged() {
    let cuts = if nightly() { 500 } else { 20 };
    let mut dice = Dice(3);
    let mut acknowledged = 0;
    for at in 0..cuts {
        let wait = Duration::from_millis(50 + dice.roll(400));
        let Some(cut) = cut("commit", None, wait) else {
            return skip(
                "a_power_cut_loses_nothing_that_was_acknowledged",
                "no loop mounts here",
            );
        };
        assert!(cut.wrong.is_empty(), "cut {at}: {:#?}", cut.wrong);
        acknowledged += cut.acknowledged;
    }
    say(&format!(
        "power: {cuts} cuts, {acknowledged} acknowledged jobs, 0 missing, 0 torn"
    ));
    assert!(acknowledged > 0);
}

#[test]
fn the_harness_catches_missing_syncs() {
    for mode in ["no-fsync", "no-dir-fsync"] {
        let mut cuts = 0;
        let wrong = loop {
            let Some(cut) = cut("broken", Some(mode), Duration::from_millis(150 + 20 * cuts))
            else {
                return skip("the_harness_catches_missing_syncs", "no loop mounts here");
            };
            cuts += 1;
            if !cut.wrong.is_empty() || cuts == 10 {
                break cut.wrong.len();
            }
        };
        say(&format!("power, {mode}: {wrong} wrong after {cuts} cuts"));
        assert!(wrong > 0, "the harness has become blind to {mode}");
    }
}
