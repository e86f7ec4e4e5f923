//! `vp.lock`: what data files held, and what happens when they do not any more.

mod common;

use std::fs;

use common::Folder;
use serde_json::Value;

const STUDY: &str = r#"
category plays { source: text("data/plays.txt") }
category pages { source: jsonl("data/pages.jsonl", field: "text") }
tokenizer bpe { vocabulary: 300, data: plays, sample: 16 KiB }
scale tiny { layers: 1, width: 16, heads: 2, context: 32, batch: 4 }
experiment e {
  pretrain base { model: tiny, data: plays, tokenizer: bpe, tokens: 2048 }
  eval fit { from: base, suite: held_out([pages]) }
}
"#;

fn text(mark: &str) -> String {
    (0..300)
        .map(|at| format!("Line {at} of {mark}.\n\n"))
        .collect()
}

fn folder() -> Folder {
    let folder = Folder::with(&[("a/s.vp", STUDY)]);
    folder.write("a/data/plays.txt", text("one"));
    let page = |at: usize| format!("{{\"text\": \"page {at} of many, {}\"}}\n", at * at);
    folder.write("a/data/pages.jsonl", (0..200).map(page).collect::<String>());
    folder
}

fn locked(folder: &Folder) -> Value {
    let file: Value = serde_json::from_str(&folder.read("a/vp.lock")).unwrap();
    assert_eq!(file["schema"], 2);
    file["studies"]["s"].clone()
}

#[test]
fn files_are_written_down_and_counted() {
    let folder = folder();
    folder.vpc("lock a/s.vp --check").ends(1);
    assert!(!folder.join("a/vp.lock").exists());
    let run = folder.vpc("lock a/s.vp").ends(0);
    assert!(
        run.stderr
            .contains("a/vp.lock: 2 files locked, 0 categories counted"),
        "{}",
        run.stderr
    );
    let before = locked(&folder);
    let digest = blake3_of(&folder.read("a/data/plays.txt"));
    assert_eq!(before["files"]["data/plays.txt"]["digest"], digest);
    assert_eq!(
        before["files"]["data/plays.txt"]["bytes"],
        folder.read("a/data/plays.txt").len()
    );
    folder.vpc("lock a/s.vp --check").ends(0);
    // Counting reads and encodes; a run has it done already then.
    folder.vpc("lock a/s.vp --count").ends(0);
    let after = locked(&folder);
    assert_eq!(after["files"], before["files"]);
    let categories = &after["categories"];
    let documents = |side: &str| categories["pages"][side]["documents"].as_u64().unwrap();
    assert_eq!(documents("train") + documents("held_out"), 200);
    assert!(
        categories["plays"]["tokens"]["bpe"]["train"]
            .as_u64()
            .unwrap()
            > 300
    );
    let run = folder.vpc("run a/s.vp").ends(0);
    assert_eq!(run.named("done"), ["e/base", "e/fit"], "{}", run.stderr);
    let run = folder.vpc("lock a/s.vp").ends(0);
    assert!(run.stderr.contains("nothing changed"), "{}", run.stderr);
}

fn blake3_of(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

#[test]
fn drift_is_named_and_refused() {
    let folder = folder();
    folder.vpc("lock a/s.vp").ends(0);
    folder.write("a/data/plays.txt", text("two"));
    let plan = folder.vpc("plan a/s.vp").ends(0);
    assert!(
        plan.stderr
            .contains("warning: `a/data/plays.txt` is not as it is locked"),
        "{}",
        plan.stderr
    );
    assert!(!plan.stderr.contains("pages"), "{}", plan.stderr);
    let run = folder.vpc("run a/s.vp").ends(1);
    assert!(run.stderr.contains("`a/data/plays.txt`"), "{}", run.stderr);
    assert!(run.stderr.contains("vpc lock a/s.vp"), "{}", run.stderr);
    assert!(!folder.join("a/.vp").exists());
    let run = folder.vpc("lock a/s.vp").ends(0);
    assert!(run.stderr.contains("~ data/plays.txt"), "{}", run.stderr);
    folder.vpc("run a/s.vp").ends(0);
    // A finished study is shown whatever became of its data since.
    folder.write("a/data/plays.txt", text("one"));
    folder.vpc("run a/s.vp").ends(1);
    folder.write("a/data/plays.txt", text("two"));
    folder.vpc("run a/s.vp").ends(0);
}

#[test]
fn a_locked_study_is_planned_without_its_data() {
    let folder = folder();
    folder.vpc("lock a/s.vp").ends(0);
    let with = folder.vpc("plan a/s.vp --json").ends(0).stdout;
    fs::rename(folder.join("a/data"), folder.join("elsewhere")).unwrap();
    let without = folder.vpc("plan a/s.vp --json").ends(0).stdout;
    assert_eq!(without, with);
    let run = folder.vpc("run a/s.vp").ends(1);
    assert!(run.stderr.contains("a/data/plays.txt"), "{}", run.stderr);
    let run = folder.vpc("lock a/s.vp").ends(1);
    assert!(run.stderr.contains("is not there"), "{}", run.stderr);
    fs::remove_file(folder.join("a/vp.lock")).unwrap();
    folder.vpc("plan a/s.vp").ends(1);
}

#[test]
fn a_lock_file_that_is_none_is_refused() {
    let folder = folder();
    for text in [
        "",
        "{\"schema\":1}",
        "{\"schema\":7,\"studies\":{}}",
        "<<<<<<< HEAD\n",
    ] {
        folder.write("a/vp.lock", text);
        for command in ["plan", "run", "lock"] {
            let run = folder.vpc(&format!("{command} a/s.vp")).ends(1);
            assert!(run.stderr.contains("a/vp.lock"), "{}", run.stderr);
        }
        assert_eq!(folder.read("a/vp.lock"), text);
    }
}

#[test]
fn studies_of_one_folder_share_the_file() {
    let folder = folder();
    folder.vpc("lock a/s.vp").ends(0);
    folder.write(
        "a/t.vp",
        STUDY.replace("data/pages.jsonl", "data/more.jsonl"),
    );
    folder.write(
        "a/data/more.jsonl",
        "{\"text\": \"x y\"}\n{\"text\": \"z\"}\n",
    );
    folder.vpc("lock a/t.vp").ends(0);
    let file: Value = serde_json::from_str(&folder.read("a/vp.lock")).unwrap();
    assert!(file["studies"]["s"]["files"]["data/pages.jsonl"].is_object());
    assert!(file["studies"]["t"]["files"]["data/more.jsonl"].is_object());
}
