//! Disks that fill up, by bytes and by files, during a whole run.

use crate::common::{Run, computed, mounting_shell, named, nightly, say, skip};
use crate::study::{folder, reference};

/// Runs on a small disk, then on a large one: what filled it, and whether it was full.
fn fill(shell: &[&str], options: &str, expected: &crate::common::Computed) -> bool {
    let folder = folder();
    let script = format!(
        "mkdir -p d && mount -t tmpfs -o {options} tmpfs d || exit 77
         $VPC run s.vp --store d/s > out 2> first; echo $?
         mount -o remount,size=64m,nr_inodes=99999 d
         $VPC run s.vp --store d/s > out 2> second; echo $?
         cp -r d/s copy"
    );
    let run = Run::of(folder.script(shell, &script).output().unwrap()).ends(0);
    let (first, second) = (folder.read("first"), folder.read("second"));
    let full = first.contains("no space left");
    let statuses = if full { "4\n0\n" } else { "0\n0\n" };
    assert_eq!(run.stdout, statuses, "{options}: {first}\n{second}");
    let done = named(&first, "done   ");
    let again = named(&second, "start  ");
    assert!(
        again.iter().all(|name| !done.contains(name)),
        "{first}\n{second}"
    );
    assert_eq!(computed(&folder.join("copy"), "s"), *expected, "{options}");
    full
}

#[test]
fn a_full_disk_costs_nothing_that_was_done() {
    let Some(shell) = mounting_shell() else {
        return skip("full disks", "no mounts allowed here");
    };
    let (_reference, expected) = reference();
    let (bytes, files) = if nightly() { (20, 5) } else { (60, 12) };
    let sizes = (40..=640)
        .step_by(bytes)
        .map(|size| format!("size={size}k"));
    let counts = (10..=130)
        .step_by(files)
        .map(|count| format!("size=8m,nr_inodes={count}"));
    let (mut tried, mut full) = ((0, 0), (0, 0));
    for options in sizes {
        tried.0 += 1;
        full.0 += usize::from(fill(shell, &options, &expected));
    }
    for options in counts {
        tried.1 += 1;
        full.1 += usize::from(fill(shell, &options, &expected));
    }
    say(&format!(
        "full disks: {} of {} sizes and {} of {} numbers of files were too small; nothing lost, equal bits",
        full.0, tried.0, full.1, tried.1
    ));
    assert!(full.0 >= 5 && full.1 >= 5, "{full:?}");
}
