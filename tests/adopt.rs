//! Models and tokenizers made elsewhere, as results of jobs.

mod common;

use std::fs;

use common::{Folder, SMALL, manifest, object};

/// A folder in which the study was run, with its model and tokenizer laid out for others.
fn elsewhere() -> Folder {
    let folder = Folder::with(&[("s.vp", SMALL)]);
    folder.vpc("run s.vp").ends(0);
    let lay = |job: &str, files: &[&str], to: &str| {
        let (_, found) = manifest(&folder.join(".vp"), job).unwrap();
        for file in files {
            let bytes = fs::read(object(&folder.join(".vp"), &found, file)).unwrap();
            folder.write(&format!("{to}/{file}"), bytes);
        }
    };
    lay(
        "e/base[seed=1]",
        &["model.safetensors", "config.json"],
        "model",
    );
    lay("tokenizer/bpe", &["tokenizer.json"], "words");
    folder
}

fn adopting(folder: &Folder, job: &str, from: &std::path::Path) -> common::Run {
    let mut command = folder.command("adopt s.vp");
    command
        .arg(job)
        .arg("--from")
        .arg(from)
        .args(["--note", "made on a cluster"]);
    common::Run::of(command.output().unwrap())
}

#[test]
fn an_adopted_model_is_measured_and_never_trained() {
    let there = elsewhere();
    let here = Folder::with(&[("s.vp", SMALL)]);
    adopting(&here, "e/base[seed=1]", &there.join("model")).ends(0);
    let run = here.vpc("run s.vp").ends(0);
    assert!(
        !run.named("start").contains(&"e/base[seed=1]".to_owned()),
        "{}",
        run.stderr
    );
    let found = |folder: &Folder| manifest(&folder.join(".vp"), "e/fit[seed=1]").unwrap().1;
    assert_eq!(found(&here)["metrics"], found(&there)["metrics"]);
    let shown = here.vpc("show e/base[seed=1]").ends(0).stdout;
    assert!(shown.contains("made on a cluster"), "{shown}");
    let why = here.vpc("why s.vp e/base[seed=1]").ends(0).stdout;
    assert!(why.contains("adopted"), "{why}");
    let log = here.vpc("log --jobs").ends(0).stdout;
    assert!(log.contains("e/base[seed=1]  adopted"), "{log}");
    let again = adopting(&here, "e/base[seed=1]", &there.join("model")).ends(0);
    assert!(
        again.stderr.contains("is there already"),
        "{}",
        again.stderr
    );
}

#[test]
fn an_adopted_tokenizer_is_used() {
    let there = elsewhere();
    let here = Folder::with(&[("s.vp", SMALL)]);
    adopting(&here, "tokenizer/bpe", &there.join("words")).ends(0);
    let run = here.vpc("run s.vp").ends(0);
    assert!(
        !run.named("start").contains(&"tokenizer/bpe".to_owned()),
        "{}",
        run.stderr
    );
}

#[test]
fn what_cannot_be_the_result_is_refused() {
    let there = elsewhere();
    let here = Folder::with(&[("s.vp", &SMALL.replace("width: 16", "width: 32"))]);
    let refused = |job: &str, from: &str, words: &str| {
        let run = adopting(&here, job, &there.join(from)).ends(1);
        assert!(run.stderr.contains(words), "{}", run.stderr);
    };
    refused("e/base[seed=1]", "model", "does not hold the weights");
    refused("e/base[seed=1]", "words", "cannot be read");
    refused("e/fit[seed=1]", "model", "only models");
    there.write("odd/tokenizer.json", "{}");
    refused("tokenizer/bpe", "odd", "is no tokenizer");
    here.write("s.vp", SMALL.replace("vocabulary: 300", "vocabulary: 301"));
    refused("tokenizer/bpe", "words", "has a vocabulary of 300");
    // A pickle is not even looked at.
    there.write("pickle/pytorch_model.bin", b"\x80\x04.");
    refused(
        "e/base[seed=1]",
        "pickle",
        "model.safetensors` cannot be read",
    );
    // Other heads have the same shapes.
    here.write("s.vp", SMALL.replace("heads: 2", "heads: 4"));
    refused("e/base[seed=1]", "model", "tells of another model");
    let run = adopting(&here, "e/bas", &there.join("model")).ends(2);
    assert!(run.stderr.contains("`e/bas`"), "{}", run.stderr);
    assert!(manifest(&here.join(".vp"), "e/base[seed=1]").is_none());
}

#[test]
fn an_adopted_run_is_not_trained_for_a_checkpoint() {
    let there = elsewhere();
    let here = Folder::with(&[("s.vp", SMALL)]);
    adopting(&here, "e/base[seed=1]", &there.join("model")).ends(0);
    let more = "  eval early { from: base.at(2560), suite: held_out([code]) }\n}";
    let study = format!("{}\n{more}", SMALL.trim_end().trim_end_matches('}'));
    here.write("s.vp", study);
    let run = here.vpc("run s.vp").ends(1);
    assert!(run.stderr.contains("was adopted"), "{}", run.stderr);
    // The checkpoint can be adopted as well.
    adopting(&here, "e/early.base@2560[seed=1]", &there.join("model")).ends(0);
    here.vpc("run s.vp").ends(0);
}
