//! `vpc show`: one job as the store knows it.

mod common;

use std::fs;

use common::{Folder, SMALL, manifests};
use serde_json::Value;

fn finished() -> Folder {
    let folder = Folder::with(&[("s.vp", SMALL)]);
    folder.vpc("run s.vp").ends(0);
    folder
}

#[test]
fn a_job_is_found_by_name_and_by_key() {
    let folder = finished();
    let found = manifests(&folder.join(".vp"));
    assert_eq!(found.len(), 7);
    for (key, (_, manifest)) in found {
        let name = common::labels(&manifest).next().unwrap();
        let by_name = folder.vpc(&format!("show {name}")).ends(0);
        let by_key = folder.vpc(&format!("show {}", &key[..12])).ends(0);
        let by_whole_key = folder.vpc(&format!("show {key}")).ends(0);
        assert_eq!(by_name.stdout, by_key.stdout);
        assert_eq!(by_name.stdout, by_whole_key.stdout);
        assert!(by_name.stdout.contains(&key), "{}", by_name.stdout);
        assert_eq!(by_name.stderr, "");
        let json = folder.vpc(&format!("show {name} --json")).ends(0);
        let json: Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(json, manifest);
        assert_eq!(json["schema"], 1);
    }
}

#[test]
fn the_screen() {
    let folder = finished();
    let run = folder.vpc("show e/base[seed=1]").ends(0);
    // How it was made differs from machine to machine.
    let (screen, _) = run.stdout.split_once("\nfiles").unwrap();
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("show_pretrain", screen);
    });
    let files = run.stdout.split_once("\nfiles").unwrap().1;
    for word in [
        "model.safetensors",
        "optimizer.safetensors",
        "curve.csv",
        "made",
        "seconds",
    ] {
        assert!(files.contains(word), "{files}");
    }
}

#[test]
fn what_cannot_be_shown() {
    let folder = finished();
    let mut screens = Vec::new();
    for (job, status) in [
        ("e/base[seed=3]", 1),
        ("ffffffff", 1),
        ("e/base", 2),
        ("e/bas", 1),
    ] {
        let run = folder.vpc(&format!("show {job}")).ends(status);
        screens.push(format!("$ vpc show {job}\n{}", run.stderr));
    }
    // A folder without a store, and a folder that is none.
    let bare = Folder::new();
    screens.push(format!(
        "$ vpc show x\n{}",
        bare.vpc("show x").ends(2).stderr
    ));
    let run = bare.vpc("show x --store nowhere").ends(2);
    screens.push(format!("$ vpc show x --store nowhere\n{}", run.stderr));
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("show_refused", screens.join("\n"));
    });
}

#[test]
fn what_is_ambiguous_is_listed() {
    let folder = finished();
    // The same name for two jobs: the budget of the same study was changed.
    folder.write("s.vp", SMALL.replace("tokens: 5k", "tokens: 6k"));
    folder.vpc("run s.vp --accept-changes").ends(0);
    let run = folder.vpc("show e/base[seed=1]").ends(2);
    assert!(run.stderr.contains("names 2 jobs"), "{}", run.stderr);
    let keys: Vec<String> = run
        .stderr
        .lines()
        .filter_map(|line| Some(line.strip_prefix("  ")?.split(' ').next()?.to_owned()))
        .collect();
    assert_eq!(keys.len(), 2, "{}", run.stderr);
    for key in keys {
        folder.vpc(&format!("show {key}")).ends(0);
    }
}

#[test]
fn the_store_is_found_from_below() {
    let folder = finished();
    let expected = folder.vpc("show tokenizer/bpe").ends(0).stdout;
    fs::create_dir_all(folder.join("notes/deep")).unwrap();
    let mut command = folder.command("show tokenizer/bpe");
    let output = command
        .current_dir(folder.join("notes/deep"))
        .output()
        .unwrap();
    assert_eq!(common::Run::of(output).ends(0).stdout, expected);
    let run = folder.vpc("show tokenizer/bpe --store .vp").ends(0);
    assert_eq!(run.stdout, expected);
}

#[test]
fn kept_checkpoints_are_shown_and_a_store_right_below_is_found() {
    let study = SMALL.replace("tokens: 5k,", "tokens: 5k, keep: [1k, 3k],");
    let folder = Folder::with(&[("studies/s.vp", &study)]);
    folder.vpc("run studies/s.vp").ends(0);
    let run = folder.vpc("show e/base[seed=1]").ends(0);
    let kept: Vec<&str> = run
        .stdout
        .lines()
        .filter(|line| line.starts_with("kept"))
        .collect();
    // 4 rows of 32 tokens a step.
    assert_eq!(kept, ["kept at step 8", "kept at step 24"]);
    let models = run.stdout.matches("model.safetensors").count();
    assert_eq!(models, 3, "{}", run.stdout);
}
