//! Where and as whom a run happens: keys, bits and results do not depend on it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::common::{Folder, Run, computed, say, skip};
use crate::study::{folder, reference, works};

/// Each a shell script that runs the study of its folder, however it is told to.
const PLACES: [(&str, &str); 18] = [
    ("a time zone", "TZ=Asia/Kathmandu exec $VPC run s.vp"),
    ("no such time zone", "TZ=:/nowhere exec $VPC run s.vp"),
    (
        "another locale",
        "LC_ALL=tr_TR.UTF-8 LANG=tr_TR.UTF-8 exec $VPC run s.vp",
    ),
    ("the plain locale", "LC_ALL=C LANG=C exec $VPC run s.vp"),
    ("a private mask", "umask 077; exec $VPC run s.vp"),
    ("an open mask", "umask 000; exec $VPC run s.vp"),
    (
        "another folder",
        "here=$PWD; cd /; exec $VPC run \"$here/s.vp\"",
    ),
    (
        "a folder further down",
        "mkdir -p a/b; cd a/b; exec $VPC run ../../s.vp",
    ),
    ("no home", "unset HOME USER LOGNAME; exec $VPC run s.vp"),
    (
        "a home that is not there",
        "HOME=/nowhere XDG_CACHE_HOME=/nowhere exec $VPC run s.vp",
    ),
    ("no environment", "exec env -i $VPC run s.vp"),
    ("one thread", "exec $VPC run s.vp --threads 1"),
    ("two threads", "exec $VPC run s.vp --threads 2"),
    (
        "three threads",
        "RAYON_NUM_THREADS=5 exec $VPC run s.vp --threads 3",
    ),
    (
        "another temporary folder",
        "TMPDIR=/nowhere exec $VPC run s.vp",
    ),
    (
        "another store",
        "mkdir far; $VPC run s.vp --store far/away/store && mv far/away/store .vp",
    ),
    ("a small stack", "ulimit -s 256; exec $VPC run s.vp"),
    ("no standard input", "exec $VPC run s.vp <&-"),
];

#[test]
fn places_do_not_change_a_bit() {
    let (_reference, expected) = reference();
    for (place, script) in PLACES {
        let folder = folder();
        Run::of(folder.script(&["sh"], script).output().unwrap()).ends(0);
        assert_eq!(computed(&folder.join(".vp"), "s"), expected, "{place}");
    }
    say(&format!(
        "environment: {} places, equal keys, bits and results",
        PLACES.len()
    ));
}

#[test]
fn other_names_of_the_machine_do_not_change_a_bit() {
    if !works("unshare", &["-u", "hostname", "elsewhere"]) {
        return skip("another name of the machine", "no name spaces allowed here");
    }
    let (_reference, expected) = reference();
    let folder = folder();
    let script = "hostname elsewhere && exec $VPC run s.vp";
    Run::of(
        folder
            .script(&["unshare", "-u", "sh"], script)
            .output()
            .unwrap(),
    )
    .ends(0);
    assert_eq!(computed(&folder.join(".vp"), "s"), expected);
}

/// Gives a folder to everybody.
fn open_to_all(folder: &Folder) {
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
}

#[test]
fn other_users_get_the_same_bits() {
    let nobody = ["--reuid", "65534", "--regid", "65534", "--clear-groups"];
    let (_reference, expected) = reference();
    let folder = folder();
    open_to_all(&folder);
    let shell = [&["setpriv"], &nobody[..], &["sh"]].concat();
    let can = folder.script(&shell, "test -x $VPC && touch x").status();
    if !can.is_ok_and(|status| status.success()) {
        return skip("another user", "this user may not become another");
    }
    Run::of(
        folder
            .script(&shell, "exec $VPC run s.vp")
            .output()
            .unwrap(),
    )
    .ends(0);
    assert_eq!(computed(&folder.join(".vp"), "s"), expected);
}
