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
    refused(
        "e/base[seed=1]",
        "model",
        "`hidden_size` is 16 there, and 32 in the study",
    );
    refused("e/base[seed=1]", "words", "there is neither");
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
        "is a pickle, which can run any program",
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

#[test]
fn what_is_not_as_the_study_has_it_is_named() {
    let there = elsewhere();
    let here = Folder::with(&[("s.vp", SMALL)]);
    let json = fs::read_to_string(there.join("model/config.json")).unwrap();
    for (from, to, words) in [
        (
            "\"rms_norm_eps\": 0.00001",
            "\"rms_norm_eps\": 0.000001",
            "`rms_norm_eps` is 0.000001 there",
        ),
        (
            "\"mlp_bias\": false",
            "\"mlp_bias\": true",
            "`mlp_bias` is true; it must be false",
        ),
        (
            "\"use_cache\": true",
            "\"logit_scale\": 2",
            "`logit_scale` is 2; what it does",
        ),
        (
            "\"max_position_embeddings\": 32",
            "\"max_position_embeddings\": 31",
            "is 31 there",
        ),
    ] {
        let changed = json.replace(from, to);
        assert_ne!(changed, json, "{from} is not in {json}");
        there.write("model/config.json", changed);
        let run = adopting(&here, "e/base[seed=1]", &there.join("model")).ends(1);
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
    assert!(manifest(&here.join(".vp"), "e/base[seed=1]").is_none());
    // Without a shape there is a warning; a longer context is no other model.
    there.write(
        "model/config.json",
        json.replace("embeddings\": 32", "embeddings\": 64"),
    );
    let run = adopting(&here, "e/base[seed=1]", &there.join("model")).ends(0);
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
    fs::remove_file(there.join("model/config.json")).unwrap();
    let run = adopting(&here, "e/base[seed=2]", &there.join("model")).ends(0);
    assert!(
        run.stderr.contains("there is no `config.json`"),
        "{}",
        run.stderr
    );
}
