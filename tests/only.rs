//! `--only`: a part of a study, planned and run; the results of the whole are left alone.

mod common;

use common::{Folder, computed, manifests};

const STUDY: &str = r#"
category code { source: world(code, size: 64 KiB) }
tokenizer bpe { vocabulary: 300, data: code }
scale tiny { layers: 1, width: 16, heads: 2, context: 32, batch: 4 }
experiment e {
  vary decay: [0.1, 1/5]
  vary seed: 1..2
  pretrain base {
    model: tiny, data: code, tokenizer: bpe, tokens: 5k, weight_decay: decay, seed: seed
  }
  eval fit { from: base, suite: held_out([code]) }
  report r { table t "bits per byte" { cells: [fit.code], rows: decay } }
}
experiment other {
  pretrain base { model: tiny, data: code, tokenizer: bpe, tokens: 5k }
}
"#;

/// The names of the jobs that a plan lists.
fn listed(folder: &Folder, only: &str) -> Vec<String> {
    let run = folder.vpc(&format!("plan s.vp --jobs {only}")).ends(0);
    assert_eq!(run.stderr, "");
    let lines = run
        .stdout
        .lines()
        .filter(|line| line.starts_with(['+', '=', '·']));
    lines
        .filter_map(|line| Some(line.split_whitespace().nth(2)?.to_owned()))
        .collect()
}

/// A table without the digits of its numbers, which differ from one processor to another.
fn shape(table: &str) -> String {
    let lines = table.lines().map(|line| match line.split_once("5.") {
        Some((before, digits)) => {
            let digits = digits.replace(|c: char| c.is_ascii_digit(), "#");
            format!("{before}#.{digits}")
        }
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn just_what_is_needed_is_planned() {
    let folder = Folder::with(&[("s.vp", STUDY)]);
    let data = ["corpus/code", "tokenizer/bpe", "tokens/code@bpe"];
    let with_data = |names: &[&'static str]| [&data[..], names].concat();
    assert_eq!(
        listed(&folder, "--only e/fit[seed=2,decay=0.1]"),
        with_data(&["e/base[decay=0.1,seed=2]", "e/fit[decay=0.1,seed=2]"])
    );
    assert_eq!(
        listed(&folder, "--only other --only e/base[decay=1/5,seed=1]"),
        with_data(&["e/base[decay=1/5,seed=1]", "other/base"])
    );
    assert_eq!(listed(&folder, "--only tokens"), data);
    assert_eq!(listed(&folder, "--only *"), listed(&folder, ""));
    // The axes shown are those of the runs.
    let text = folder
        .vpc("plan s.vp --jobs --only e/*[seed=2]")
        .ends(0)
        .stdout;
    assert!(text.contains("vary seed: 2\n"), "{text}");
    assert!(!text.contains("experiment other"), "{text}");
    // The machine form has the same part.
    let json = folder.vpc("plan s.vp --json --only corpus/code").ends(0);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["plan"]["jobs"].as_array().unwrap().len(), 1);
    assert_eq!(json["plan"]["experiments"].as_array().unwrap().len(), 0);
}

#[test]
fn a_part_is_run_and_files_nothing() {
    let folder = Folder::with(&[("s.vp", STUDY)]);
    let run = folder.vpc("run s.vp --only e/fit[seed=1]").ends(0);
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("only_table", shape(&run.stdout));
    });
    assert!(run.stderr.contains("results: not filed"), "{}", run.stderr);
    let store = folder.join(".vp");
    assert_eq!(manifests(&store).len(), 3 + 2 + 2);
    assert!(!store.join("results/s").exists());
    // Once more: nothing to do, the same table.
    let again = folder.vpc("run s.vp --only e/fit[seed=1]").ends(0);
    assert_eq!(again.stdout, run.stdout);
    assert!(again.stderr.contains("nothing to do"), "{}", again.stderr);
    assert!(!store.join("results/s").exists());
    // Without an evaluation there is no table.
    let run = folder.vpc("run s.vp --only e/base[seed=1]").ends(0);
    assert_eq!(run.stdout, "");
}

#[test]
fn parts_make_up_the_whole_and_leave_its_results_alone() {
    let parts = Folder::with(&[("s.vp", STUDY)]);
    for only in ["e/*[seed=2]", "other", "e/fit[decay=0.1]"] {
        parts.vpc(&format!("run s.vp --only {only}")).ends(0);
    }
    let finish = parts.vpc("run s.vp").ends(0);
    assert_eq!(finish.named("done").len(), 2, "{}", finish.stderr);
    let whole = Folder::with(&[("s.vp", STUDY)]);
    let at_once = whole.vpc("run s.vp").ends(0);
    assert_eq!(finish.stdout, at_once.stdout);
    let expected = computed(&whole.join(".vp"), "s");
    assert_eq!(computed(&parts.join(".vp"), "s"), expected);
    // A part of a finished study shows its part, and the filed results stay whole.
    let part = parts.vpc("run s.vp --only e/fit[seed=1]").ends(0);
    assert!(
        part.stdout.contains("a part: 2 of 4 runs of `fit`"),
        "{}",
        part.stdout
    );
    assert_eq!(computed(&parts.join(".vp"), "s"), expected);
    // All there is, selected, is the whole.
    let all = parts.vpc("run s.vp --only *").ends(0);
    assert_eq!(all.stdout, at_once.stdout);
}

#[test]
fn rows_with_different_numbers_of_runs_say_so() {
    let folder = Folder::with(&[("s.vp", STUDY)]);
    let run = folder
        .vpc("run s.vp --only e/fit[seed=1] --only e/fit[decay=1/5]")
        .ends(0);
    assert!(run.stdout.contains("(n = 1 to 2)"), "{}", run.stdout);
    assert!(!run.stdout.contains('*'), "{}", run.stdout);
}

#[test]
fn what_is_wrong_is_said() {
    let folder = Folder::with(&[("s.vp", STUDY), ("empty.vp", "")]);
    let mut screens = Vec::new();
    for arguments in [
        "s.vp --only e/",
        "s.vp --only",
        "s.vp --only ee",
        "s.vp --only e --only fit",
        "s.vp --only e/fit[seed=7]",
        "empty.vp --only e",
    ] {
        let run = folder.vpc(&format!("run {arguments}")).ends(2);
        assert_eq!(run.stdout, "");
        for command in ["plan", "graph"] {
            let other = folder.vpc(&format!("{command} {arguments}")).ends(2);
            assert_eq!(other.stderr, run.stderr, "{command}");
        }
        screens.push(format!("$ vpc run {arguments}\n{}", run.stderr));
    }
    assert!(!folder.join(".vp").exists());
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("only_refused", screens.join("\n"));
    });
}
