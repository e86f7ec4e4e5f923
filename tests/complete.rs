//! Shell completion: what is offered, and silence where there is nothing to offer.

mod common;

use std::fs;

use common::{Folder, Run};

const STUDY: &str = r#"
category code { source: text("far/away.txt") }
tokenizer bpe { vocabulary: 300, data: code }
scale tiny { layers: 1, width: 16, heads: 2, context: 32, batch: 4 }
experiment dose "How much" {
  vary seed: 1..2
  pretrain base { model: tiny, data: code, tokenizer: bpe, tokens: 5k, seed: seed }
  eval fit { from: base, suite: held_out([code]) }
}
"#;

/// What bash is offered for the last of these words.
fn offered(folder: &Folder, words: &[&str]) -> Vec<String> {
    let mut command = folder.command("--");
    command.arg("vpc").args(words).env("COMPLETE", "bash");
    command.env("_CLAP_COMPLETE_INDEX", words.len().to_string());
    command.env("_CLAP_IFS", "\n");
    let run = Run::of(command.output().unwrap()).ends(0);
    assert_eq!(run.stderr, "");
    run.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn runs_of_the_study_on_the_line() {
    let folder = Folder::with(&[
        ("s.vp", STUDY),
        ("my study.vp", &STUDY.replace("dose", "other")),
    ]);
    let all = [
        "dose",
        "dose/base",
        "dose/fit",
        "corpus/code",
        "tokenizer/bpe",
        "tokens/code@bpe",
    ];
    // The data file is not there, and not asked for.
    for command in ["plan", "run", "graph"] {
        assert_eq!(
            offered(&folder, &[command, "s.vp", "--only", ""]),
            all,
            "{command}"
        );
    }
    assert_eq!(
        offered(&folder, &["run", "s.vp", "--only", "dose/f"]),
        ["dose/fit"]
    );
    assert_eq!(
        offered(&folder, &["run", "s.vp", "--only", "dose", "--only", "tok"]),
        all[4..]
    );
    assert_eq!(
        offered(&folder, &["run", "s.vp", "--only=dose/b"]),
        ["--only=dose/base"]
    );
    assert_eq!(
        offered(&folder, &["plan", "'my study.vp'", "--only", "other/f"]),
        ["other/fit"]
    );
    // In fish, with descriptions.
    let mut command = folder.command("-- vpc plan s.vp --only d");
    let run = Run::of(command.env("COMPLETE", "fish").output().unwrap()).ends(0);
    assert_eq!(run.stdout, "dose\tHow much\ndose/base\ndose/fit\n");
}

#[test]
fn nothing_is_said_where_something_is_wrong() {
    let folder = Folder::with(&[("bad.vp", "experiment {"), ("empty.vp", "")]);
    for study in ["bad.vp", "empty.vp", "none.vp", "--"] {
        assert!(
            offered(&folder, &["plan", study, "--only", "x"]).is_empty(),
            "{study}"
        );
    }
    fs::create_dir(folder.join(".vp")).unwrap();
    assert!(offered(&folder, &["show", "x"]).is_empty());
    folder.write(".vp/format", "vpc store 9\n");
    assert!(offered(&folder, &["show", "x"]).is_empty());
}

#[test]
fn studies_codes_and_commands() {
    let folder = Folder::with(&[("s.vp", STUDY), ("notes.md", ""), ("more/t.vp", "")]);
    assert_eq!(offered(&folder, &["plan", "s"]), ["s.vp"]);
    assert!(offered(&folder, &["plan", "n"]).is_empty());
    assert_eq!(offered(&folder, &["check", "m"]), ["more/"]);
    assert_eq!(offered(&folder, &["fmt", "more/"]), ["more/t.vp"]);
    assert_eq!(offered(&folder, &["gr"]), ["graph"]);
    assert_eq!(offered(&folder, &["graph", "--format", "m"]), ["mermaid"]);
    assert_eq!(offered(&folder, &["explain", "V060"]), ["V0601", "V0602"]);
    let mut command = folder.command("-- vpc explain V0602");
    let run = Run::of(command.env("COMPLETE", "fish").output().unwrap()).ends(0);
    assert_eq!(run.stdout, "V0602\ta file is empty\n");
}

#[test]
fn finished_jobs_of_the_store() {
    let study = STUDY.replace("text(\"far/away.txt\")", "world(code, size: 64 KiB)");
    let folder = Folder::with(&[("s.vp", &study)]);
    folder.vpc("run s.vp --only dose/base[seed=1]").ends(0);
    let jobs = [
        "corpus/code",
        "dose/base[seed=1]",
        "tokenizer/bpe",
        "tokens/code@bpe",
    ];
    assert_eq!(offered(&folder, &["show", "do"]), jobs[1..2]);
    assert_eq!(offered(&folder, &["store", "pin", "do"]), jobs[1..2]);
    assert_eq!(offered(&folder, &["store", "unpin", "x", "do"]), jobs[1..2]);
    assert_eq!(
        offered(&folder, &["show", "--store", ".vp", "to"]),
        jobs[2..]
    );
    assert!(offered(&folder, &["show", "--store=elsewhere", "to"]).is_empty());
    let any = offered(&folder, &["show", ""]);
    assert!(
        jobs.iter().all(|job| any.iter().any(|offer| offer == job)),
        "{any:?}"
    );
}

#[test]
fn shells_are_registered() {
    let folder = Folder::new();
    for (shell, word) in [
        ("bash", "complete -o"),
        ("zsh", "compdef"),
        ("fish", "complete --keep"),
    ] {
        let run = Run::of(folder.command("").env("COMPLETE", shell).output().unwrap()).ends(0);
        assert!(run.stdout.contains(word), "{}", run.stdout);
    }
    let run = Run::of(folder.command("").env("COMPLETE", "nosh").output().unwrap()).ends(2);
    assert!(run.stderr.contains("`bash`"), "{}", run.stderr);
    // Without the variable it is an ordinary run.
    folder.vpc("explain").ends(0);
}
