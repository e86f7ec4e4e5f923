//! Limits of the machine and odd paths: success, or one clear message; never a panic or an abort.

use std::fs;
use std::os::unix::fs::symlink;

use crate::common::{Computed, Folder, Run, computed, nightly, say, skip};
use crate::study::{STUDY, folder, reference, tales, works};

/// What a limited run may end with.
fn ends_well(folder: &Folder, run: &Run, expected: &Computed, what: &str) -> bool {
    match run.status {
        0 => {
            assert_eq!(computed(&folder.join(".vp"), "s"), *expected, "{what}");
            true
        }
        1 | 4 => {
            let told = run.stderr.contains("error: ") || run.stderr.contains("FAILED");
            assert!(told, "{what}: {}", run.stderr);
            // Without the limit it goes on.
            folder.vpc("run s.vp").ends(0);
            assert_eq!(computed(&folder.join(".vp"), "s"), *expected, "{what}");
            false
        }
        other => panic!("{what}: status {other}: {}", run.stderr),
    }
}

#[test]
fn limits_on_a_process_are_told() {
    let (_reference, expected) = reference();
    let mut ended = (0, 0);
    for (limit, fits) in [
        ("-n 32", Some(true)),
        ("-n 16", None),
        ("-n 12", None),
        ("-n 8", None),
        ("-n 6", Some(false)),
        ("-v 1048576", Some(true)),
        ("-v 524288", Some(false)),
        ("-v 65536", Some(false)),
        ("-f 100", None),
        ("-f 8", Some(false)),
    ] {
        let folder = folder();
        let script = format!("ulimit {limit}; exec $VPC run s.vp --threads 2");
        let run = Run::of(folder.script(&["sh"], &script).output().unwrap());
        let whole = ends_well(&folder, &run, &expected, limit);
        assert!(
            fits.is_none_or(|fits| fits == whole),
            "{limit}: {}",
            run.stderr
        );
        if whole {
            ended.0 += 1;
        } else {
            ended.1 += 1;
        }
    }
    say(&format!(
        "limits: {} runs went through, {} were refused with a message",
        ended.0, ended.1
    ));
}

#[test]
fn too_few_processes_are_told() {
    let nobody = [
        "setpriv",
        "--reuid",
        "65533",
        "--regid",
        "65533",
        "--clear-groups",
        "sh",
    ];
    let (_reference, expected) = reference();
    let (mut through, mut refused) = (0, 0);
    for processes in 1..=8 {
        let folder = folder();
        // Whoever may do all is under no limit; an unused user is.
        assert!(works(
            "chmod",
            &["-R", "a+rwX", folder.path().to_str().unwrap()]
        ));
        let can = folder.script(&nobody, "test -x $VPC && touch x").status();
        if !can.is_ok_and(|status| status.success()) {
            return skip("few processes", "this user may not become another");
        }
        let script = format!("exec prlimit --nproc={processes} $VPC run s.vp --threads 2");
        let run = Run::of(folder.script(&nobody, &script).output().unwrap());
        assert!(works(
            "chmod",
            &["-R", "a+rwX", folder.path().to_str().unwrap()]
        ));
        if ends_well(&folder, &run, &expected, &format!("{processes} processes")) {
            through += 1;
        } else {
            refused += 1;
        }
    }
    say(&format!(
        "limits: of 8 numbers of processes {through} were enough, {refused} refused with a message"
    ));
    assert!(through > 0 && refused > 0);
}

#[test]
fn odd_paths_are_paths() {
    let (_reference, expected) = reference();
    let deep = ["deep"; 400].join("/");
    let long = "l".repeat(250);
    let paths = [
        "with blank",
        " leading",
        "-dash",
        "new\nline",
        "tab\tand\u{1b}[31m",
        "ünï/cödé",
        "日本語",
        "quote'\"`$(id)",
        "back\\slash",
        "%s%n",
        "semi;colon|pipe",
        "*?[a]",
        "\u{202e}right",
        &long,
        &deep,
    ];
    for path in paths {
        let folder = Folder::new();
        folder.write(&format!("{path}/s.vp"), STUDY);
        folder.write(&format!("{path}/tales.txt"), tales());
        let mut command = folder.command("run --");
        let run = Run::of(command.arg(format!("{path}/s.vp")).output().unwrap()).ends(0);
        assert_eq!(
            computed(&folder.join(path).join(".vp"), "s"),
            expected,
            "{path}"
        );
        assert!(!run.stderr.contains('\u{1b}'), "{}", run.stderr);
    }
    say(&format!(
        "limits: {} odd paths of a study and its store, equal bits",
        paths.len()
    ));
}

#[test]
fn odd_names_of_a_study_are_names() {
    let names = [
        "a b",
        "ü",
        ".hidden",
        "x=y",
        "new\nline",
        "-",
        "=cmd|x",
        "'\"`$(id)",
        "\u{1b}[31m",
        &"n".repeat(240),
    ];
    for name in names {
        let folder = folder();
        fs::rename(folder.join("s.vp"), folder.join(&format!("{name}.vp"))).unwrap();
        let mut command = folder.command("run --");
        let run = Run::of(command.arg(format!("{name}.vp")).output().unwrap()).ends(0);
        assert!(!run.stderr.contains('\u{1b}'), "{}", run.stderr);
        let results: Vec<_> = fs::read_dir(folder.join(".vp/results")).unwrap().collect();
        assert_eq!(results.len(), 1);
        assert!(
            results[0]
                .as_ref()
                .unwrap()
                .path()
                .join("results.json")
                .exists()
        );
    }
    say(&format!(
        "limits: {} odd names of a study, results filed",
        names.len()
    ));
}

#[test]
fn a_path_too_long_is_told() {
    let folder = folder();
    let path = format!("{}/s.vp", "x".repeat(5_000));
    Run::of(folder.command("run").arg(path).output().unwrap()).ends(2);
    let store = "y/".repeat(4_000);
    Run::of(
        folder
            .command("run s.vp --store")
            .arg(store)
            .output()
            .unwrap(),
    )
    .ends(4);
}

#[test]
fn a_store_behind_a_link_is_a_store() {
    let (_reference, expected) = reference();
    let folder = folder();
    fs::create_dir_all(folder.join("elsewhere/real")).unwrap();
    symlink("elsewhere/real", folder.join(".vp")).unwrap();
    folder.vpc("run s.vp").ends(0);
    assert_eq!(computed(&folder.join(".vp"), "s"), expected);
    folder.vpc("run s.vp --store elsewhere/real").ends(0);
    // A link to nothing, and one to itself.
    symlink("nothing/there", folder.join("dangling")).unwrap();
    symlink("loop", folder.join("loop")).unwrap();
    for name in ["dangling", "loop"] {
        let run = folder.vpc(&format!("run s.vp --store {name}"));
        assert!(matches!(run.status, 0 | 2 | 4), "{name}: {}", run.stderr);
    }
}

#[test]
fn a_store_full_of_strange_files_is_a_store() {
    let files = if nightly() { 1_000_000 } else { 100_000 };
    let (folder, expected) = reference();
    let store = folder.join(".vp");
    let folders = [
        "objects",
        "objects/ab",
        "jobs",
        "jobs/ab",
        "progress",
        "locks",
        "quarantine",
        "results",
        "tmp",
        ".",
    ];
    for at in 0..files {
        let below = store.join(folders[at % folders.len()]);
        if at < folders.len() {
            fs::create_dir_all(&below).unwrap();
        }
        fs::File::create(below.join(format!("stranger {at}"))).unwrap();
    }
    let run = folder.vpc("run s.vp").ends(0);
    assert!(run.stderr.contains("nothing to do"), "{}", run.stderr);
    let path = crate::common::manifest(&store, "e/fit[seed=1]").unwrap().0;
    fs::remove_file(path).unwrap();
    let begun = std::time::Instant::now();
    folder.vpc("run s.vp").ends(0);
    let took = begun.elapsed();
    assert_eq!(computed(&store, "s"), expected);
    folder.vpc("show e/fit[seed=1]").ends(0);
    folder.vpc("plan s.vp").ends(0);
    assert!(took < std::time::Duration::from_secs(30), "{took:?}");
    say(&format!(
        "limits: {files} strange files in a store, a run among them took {took:.1?}"
    ));
}
