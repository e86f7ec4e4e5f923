//! Every miss is explained by just the field that was edited, and no edit costs finished work
//! unasked.

mod common;

use std::collections::BTreeSet;

use common::{Folder, listing, say};
use serde_json::Value;

const STUDY: &str = r#"
category code { source: world(code, seed: 1, size: 32 KiB) }
category plays { source: text("data/plays.txt"), held_out: 10% }
category pages { source: jsonl("data/pages.jsonl", field: "text") }
mixture m { code: 40%, plays: 40%, pages: rest }
tokenizer bpe { vocabulary: 300, data: code, sample: 16 KiB }
scale tiny { layers: 1, width: 16, heads: 2, hidden: 48, context: 32, batch: 4 }
experiment e {
  vary copy: 1..2
  pretrain base {
    model: tiny, data: m, tokenizer: bpe, tokens: 4096
    rate: 0.003, seed: 5, schedule: cosine(warmup: 10%, floor: 10%)
  }
  eval fit { from: base, suite: held_out([code, plays]) }
  pretrain again { model: tiny, data: m, tokenizer: bpe, tokens: 4096, seed: copy }
}
"#;

fn text(seed: usize) -> String {
    let paragraph = |at: usize| format!("Paragraph {at} of text {seed}: word{}.\n\n", at * seed);
    (0..300).map(paragraph).collect()
}

fn pages(marks: &str) -> String {
    let line = |at: usize| {
        format!(
            "{{\"text\": \"page {at} says {at}{at}\", \"body\": \"b {at}\", \"mark\": \"{marks}\"}}\n"
        )
    };
    (0..200).map(line).collect()
}

fn folder() -> Folder {
    let folder = Folder::with(&[("s.vp", STUDY)]);
    folder.write("data/plays.txt", text(3));
    folder.write("data/other.txt", text(4));
    folder.write("data/pages.jsonl", pages("x"));
    folder
}

fn why(folder: &Folder, job: &str, options: &str) -> Value {
    let run = folder
        .vpc(&format!("why s.vp {job} --json {options}"))
        .ends(0);
    let found: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(found["schema"], 1);
    assert_eq!(found["jobs"].as_array().unwrap().len(), 1, "{found}");
    found["jobs"][0].clone()
}

/// What a job's change comes from, without values.
fn subjects(job: &Value) -> BTreeSet<&str> {
    let causes = job["change"]["causes"].as_array().unwrap();
    causes
        .iter()
        .map(|cause| cause["subject"].as_str().unwrap())
        .collect()
}

/// Edits of the study: what is written instead of what, the job asked about, what differs.
const EDITS: &[(&str, &str, &str, &[&str])] = &[
    ("tokens: 4096\n", "tokens: 8192\n", "e/base", &["tokens"]),
    ("rate: 0.003", "rate: 0.004", "e/base", &["rate"]),
    ("seed: 5", "seed: 6", "e/base", &["seed"]),
    (
        "cosine(warmup: 10%, floor: 10%)",
        "linear(warmup: 10%, floor: 10%)",
        "e/base",
        &["schedule"],
    ),
    ("warmup: 10%", "warmup: 20%", "e/base", &["warmup"]),
    ("floor: 10%", "floor: 20%", "e/base", &["floor"]),
    (
        "seed: 5,",
        "seed: 5, weight_decay: 0.2,",
        "e/base",
        &["weight_decay"],
    ),
    ("seed: 5,", "seed: 5, clip: 2,", "e/base", &["clip"]),
    ("seed: 5,", "seed: 5, beta1: 0.8,", "e/base", &["beta1"]),
    ("batch: 4", "batch: 8", "e/base", &["batch"]),
    ("width: 16", "width: 32", "e/base", &["width"]),
    ("layers: 1", "layers: 2", "e/base", &["layers"]),
    ("batch: 4", "batch: 4, tied: true", "e/base", &["tied"]),
    (
        "code: 40%, plays: 40%",
        "code: 50%, plays: 30%",
        "e/base",
        &["share of code", "share of plays"],
    ),
    (
        "plays: 40%, pages: rest",
        "plays: rest",
        "e/base",
        &["share of pages", "share of plays"],
    ),
    ("held_out: 10%", "held_out: 20%", "e/fit", &["held_out"]),
    (
        "data/plays.txt",
        "data/other.txt",
        "e/fit",
        &["data/other.txt"],
    ),
    ("field: \"text\"", "field: \"body\"", "e/base", &["field"]),
    (
        "world(code, seed: 1",
        "world(code, seed: 2",
        "tokens/code@bpe",
        &["seed"],
    ),
    (
        "world(code, seed: 1",
        "world(web, seed: 1",
        "tokens/code@bpe",
        &["style"],
    ),
    ("size: 32 KiB", "size: 48 KiB", "corpus/code", &["size"]),
    (
        "vocabulary: 300",
        "vocabulary: 310",
        "tokens/plays@bpe",
        &["vocabulary"],
    ),
    ("sample: 16 KiB", "sample: 8 KiB", "e/fit", &["sample"]),
    (
        "held_out([code, plays])",
        "held_out([code])",
        "e/fit",
        &["plays"],
    ),
    (
        "held_out([code, plays])",
        "held_out([code, plays, pages])",
        "e/fit",
        &["pages"],
    ),
];

#[test]
fn each_edit_is_named_and_costs_nothing_unasked() {
    let folder = folder();
    folder.vpc("run s.vp").ends(0);
    let jobs = 1 + 3 + 3 + 1 + 1 + 2;
    for (from, to, job, differs) in EDITS {
        assert!(STUDY.contains(from), "{from}");
        folder.write("s.vp", STUDY.replace(from, to));
        let before = listing(&folder.join(".vp"));
        let told = why(&folder, job, "");
        let about = format!("`{from}` → `{to}`: {told}");
        assert_eq!(told["state"], "changed", "{about}");
        let expected: BTreeSet<&str> = differs.iter().copied().collect();
        assert_eq!(subjects(&told), expected, "{about}");
        // The plan says it too, and a run refuses before it touches anything.
        let plan = folder.vpc("plan s.vp").ends(0).stdout;
        assert!(plan.contains("changed since it was done last"), "{plan}");
        let refused = folder.vpc("run s.vp").ends(1);
        assert!(
            refused.stderr.contains("finished work would be done again"),
            "{}",
            refused.stderr
        );
        assert!(
            refused.stderr.contains("--accept-changes"),
            "{}",
            refused.stderr
        );
        assert_eq!(listing(&folder.join(".vp")), before, "{about}");
    }
    folder.write("s.vp", STUDY);
    let run = folder.vpc("run s.vp").ends(0);
    assert!(
        run.stderr
            .contains(&format!("nothing to do; {jobs} jobs cached")),
        "{}",
        run.stderr
    );
    say(&format!(
        "{} edits explained, each by its own field",
        EDITS.len()
    ));
}

#[test]
fn changed_data_is_named() {
    let folder = folder();
    folder.vpc("run s.vp").ends(0);
    folder.write("data/plays.txt", text(7));
    let told = why(&folder, "e/fit", "");
    assert_eq!(subjects(&told), ["data/plays.txt"].into());
    let screen = folder.vpc("why s.vp e/fit").ends(0).stdout;
    assert!(
        screen.contains("to do again: `data/plays.txt` differs"),
        "{screen}"
    );
    let plan = folder.vpc("plan s.vp").ends(0).stdout;
    assert!(
        plan.contains("  `data/plays.txt` differs\n    ~ corpus/plays, tokens/plays@bpe"),
        "{plan}"
    );
}

#[test]
fn a_new_arm_or_another_study_is_no_change() {
    let folder = folder();
    folder.vpc("run s.vp").ends(0);
    folder.write("s.vp", STUDY.replace("1..2", "1..3"));
    assert_eq!(why(&folder, "e/again[copy=3]", "")["state"], "new");
    folder.vpc("run s.vp").ends(0);
    // The same names in another file are other names.
    folder.write("t.vp", STUDY.replace("rate: 0.003", "rate: 0.001"));
    let run = folder.vpc("run t.vp").ends(0);
    assert_eq!(run.named("done"), ["e/base", "e/fit"], "{}", run.stderr);
    // Renamed, it is the same work; and what was found under the new name is remembered.
    let renamed = STUDY.replace("1..2", "1..3").replace("base", "model_one");
    folder.write("s.vp", &renamed);
    let run = folder.vpc("run s.vp").ends(0);
    assert!(run.stderr.contains("nothing to do"), "{}", run.stderr);
    folder.write("s.vp", renamed.replace("rate: 0.003", "rate: 0.002"));
    assert_eq!(subjects(&why(&folder, "e/model_one", "")), ["rate"].into());
}

#[test]
fn the_nearest_of_several_earlier_jobs_is_compared() {
    let folder = folder();
    folder.vpc("run s.vp").ends(0);
    let edited = STUDY
        .replace("rate: 0.003", "rate: 0.004")
        .replace("seed: 5", "seed: 6");
    folder.write("s.vp", &edited);
    folder.vpc("run s.vp --accept-changes").ends(0);
    // Two differences from the latest, one from the first.
    folder.write(
        "s.vp",
        STUDY
            .replace("clip: 1", "clip: 2")
            .replace("seed: 5", "seed: 9"),
    );
    assert_eq!(subjects(&why(&folder, "e/base", "")), ["seed"].into());
}

#[test]
fn a_build_counts_only_when_asked() {
    let folder = folder();
    folder.vpc("run s.vp").ends(0);
    let told = why(&folder, "e/base", "--strict-build");
    assert_eq!(told["state"], "changed");
    assert_eq!(subjects(&told), ["build"].into());
    folder.vpc("run s.vp --strict-build").ends(1);
    let run = folder
        .vpc("run s.vp --strict-build --accept-changes")
        .ends(0);
    assert_eq!(run.named("reused").len(), 0, "{}", run.stderr);
    for options in ["", " --strict-build"] {
        let run = folder.vpc(&format!("run s.vp{options}")).ends(0);
        assert!(run.stderr.contains("nothing to do"), "{}", run.stderr);
    }
}

#[test]
fn jobs_that_there_are_not() {
    let folder = folder();
    let run = folder.vpc("why s.vp e/bas").ends(2);
    assert!(run.stderr.contains("did you mean `base`"), "{}", run.stderr);
    let run = folder.vpc("why s.vp e/base").ends(0);
    assert!(
        run.stdout.contains("new: nothing was done under this name"),
        "{}",
        run.stdout
    );
    assert!(!folder.join(".vp").exists());
    let several = folder.vpc("why s.vp e").ends(0).stdout;
    assert_eq!(several.matches("stands").count(), 4, "{several}");
}
