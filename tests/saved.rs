//! Saved plans: a run does just what one says, or refuses it as out of date.

mod common;

use std::fs;

use common::{Folder, SMALL};
use serde_json::Value;

fn saved(folder: &Folder) -> Value {
    serde_json::from_str(&folder.read("p.json")).unwrap()
}

/// A folder with a study and its saved plan.
fn folder(study: &str) -> Folder {
    let folder = Folder::with(&[("s.vp", study)]);
    folder.vpc("plan s.vp -o p.json").ends(0);
    folder
}

#[test]
fn a_saved_plan_is_what_a_run_of_the_study_does() {
    let folder = folder(SMALL);
    let saved = saved(&folder);
    assert_eq!(saved["schema"], 1);
    assert_eq!(saved["to_do"].as_array().unwrap().len(), 7);
    let run = folder.vpc("run p.json").ends(0);
    let done = run.named("done");
    assert_eq!(done.len(), 7, "{}", run.stderr);
    // The study and its plan are one and the same to the store.
    let run = folder.vpc("run s.vp").ends(0);
    assert!(run.stderr.contains("nothing to do"), "{}", run.stderr);
    // And again: what it says is done.
    let run = folder.vpc("run p.json").ends(0);
    assert!(run.stderr.contains("nothing to do"), "{}", run.stderr);
}

#[test]
fn a_part_stays_a_part() {
    let folder = Folder::with(&[("s.vp", SMALL)]);
    folder
        .vpc("plan s.vp --only e/base[seed=1] -o p.json --store elsewhere")
        .ends(0);
    let run = folder.vpc("run p.json").ends(0);
    assert!(
        run.named("done").contains(&"e/base[seed=1]".to_owned()),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains("seed=2"), "{}", run.stderr);
    assert!(folder.join("elsewhere/jobs").is_dir());
}

/// Each thing that a plan rests on, changed; nothing is begun and nothing is written.
#[test]
fn what_is_out_of_date_is_refused() {
    let with_data = SMALL.replace(
        "source: world(code, size: 64 KiB)",
        "source: text(\"code.txt\")",
    );
    let text: String = (0..400).map(|n| format!("let x{n} = {n};\n\n")).collect();
    for (name, reason, change) in [
        (
            "the study",
            "`s.vp` was changed",
            &(|folder: &Folder| folder.write("s.vp", SMALL)) as &dyn Fn(&Folder),
        ),
        (
            "the study is gone",
            "`s.vp` cannot be read from here",
            &|folder| {
                fs::remove_file(folder.join("s.vp")).unwrap();
            },
        ),
        ("the data", "`code.txt` holds something else", &|folder| {
            folder.write("code.txt", "other\n\ntext\n");
        }),
    ] {
        let folder = Folder::with(&[("s.vp", &with_data), ("code.txt", &text)]);
        folder.vpc("plan s.vp -o p.json").ends(0);
        change(&folder);
        let run = folder.vpc("run p.json").ends(1);
        assert!(run.stderr.contains("out of date"), "{name}: {}", run.stderr);
        assert!(run.stderr.contains(reason), "{name}: {}", run.stderr);
        assert!(run.stderr.contains("vpc plan s.vp -o p.json"), "{name}");
        assert!(!folder.join(".vp").exists(), "{name}");
    }
}

/// A plan that says that something is cached does not do it again when it is gone.
#[test]
fn more_than_was_said_is_not_done() {
    let folder = Folder::with(&[("s.vp", SMALL)]);
    folder.vpc("run s.vp").ends(0);
    folder.vpc("plan s.vp -o p.json").ends(0);
    assert_eq!(saved(&folder)["to_do"], Value::Array(Vec::new()));
    for job in ["e/fit[seed=2]", "e/base[seed=2]"] {
        let (path, _) = common::manifest(&folder.join(".vp"), job).unwrap();
        fs::remove_file(path).unwrap();
    }
    let run = folder.vpc("run p.json").ends(1);
    assert!(
        run.stderr
            .contains("2 jobs would be done that it does not say"),
        "{}",
        run.stderr
    );
}

/// What an edit would do again was seen by whoever runs the plan.
#[test]
fn a_saved_plan_accepts_its_changes() {
    let folder = Folder::with(&[("s.vp", SMALL)]);
    folder.vpc("run s.vp").ends(0);
    folder.write("s.vp", SMALL.replace("5k", "6k"));
    folder.vpc("run s.vp").ends(1);
    folder.vpc("plan s.vp -o p.json").ends(0);
    let run = folder.vpc("run p.json").ends(0);
    assert_eq!(run.named("done").len(), 4, "{}", run.stderr);
}

#[test]
fn what_is_no_saved_plan_is_said() {
    let folder = folder(SMALL);
    let whole = folder.read("p.json");
    let key = saved(&folder)["plan"]["jobs"][0]["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let other = if key.starts_with('0') { "1" } else { "0" };
    for (text, words) in [
        ("", "is no plan"),
        ("{}", "is no plan"),
        ("[1, 2]", "is no saved plan"),
        (&whole[..whole.len() / 2], "is no plan"),
        (
            &whole.replacen("\"schema\":1", "\"schema\":9", 1),
            "another version (9)",
        ),
        (
            &whole.replacen("\"to_do\"", "\"more\":1,\"to_do\"", 1),
            "unknown field",
        ),
        // A job with another seed than its key stands for.
        (
            &whole.replacen("\"seed\":1", "\"seed\":3", 1),
            "another key",
        ),
        (
            &whole.replace(&key, &format!("{other}{}", &key[1..])),
            "another key",
        ),
        (&"[".repeat(100_000), "is no plan"),
    ] {
        folder.write("q.json", text);
        let run = folder.vpc("run q.json").ends(2);
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
        assert!(!folder.join(".vp").exists());
    }
    folder.vpc("run nothing.json").ends(2);
    let run = folder.vpc("plan p.json").ends(2);
    assert!(run.stderr.contains("vpc run p.json"), "{}", run.stderr);
    let run = folder.vpc("plan s.vp -o s.vp").ends(2);
    assert!(run.stderr.contains(".json"), "{}", run.stderr);
    folder.vpc("plan s.vp -o nowhere/p.json").ends(4);
    let run = folder.vpc("run p.json --only e/base").ends(2);
    assert!(run.stderr.contains("leave out `--only`"), "{}", run.stderr);
}

/// 0: nothing to do; 2: something; 1: every mistake, wrong use too.
#[test]
fn the_exit_status_tells() {
    let folder = Folder::with(&[("s.vp", SMALL)]);
    folder.vpc("plan s.vp --detailed-exitcode").ends(2);
    folder.vpc("plan s.vp --detailed-exitcode --json").ends(2);
    folder.vpc("plan none.vp --detailed-exitcode").ends(1);
    folder
        .vpc("plan s.vp --detailed-exitcode --only nothing")
        .ends(1);
    folder
        .vpc("plan s.vp --detailed-exitcode --nonsense")
        .ends(1);
    folder.vpc("plan none.vp").ends(2);
    folder.vpc("run s.vp").ends(0);
    folder.vpc("plan s.vp --detailed-exitcode").ends(0);
}
