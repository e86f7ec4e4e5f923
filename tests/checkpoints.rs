//! `base.at(…)` and `tokens: 0`: models from the middle and the beginning of a run.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use common::{Chance, Computed, Folder, Run, computed, manifest, manifests, named, object, say};
use serde_json::Value;

/// Forty steps of 128 tokens.
const STUDY: &str = r"
category web { source: world(web, size: 64 KiB) }
tokenizer bpe { vocabulary: 300, data: web }
scale tiny { layers: 1, width: 16, heads: 2, context: 32, batch: 4, rate: 0.003 }

experiment e {
  pretrain base { model: tiny, data: web, tokenizer: bpe, tokens: 5120 }
  eval fit { from: base, suite: held_out([web]) }
}
";

const BASE: &str = "e/base";
const MODEL: &str = "model.safetensors";

/// The study with more in its experiment.
fn with(more: &str) -> String {
    let (before, _) = STUDY.rsplit_once('}').unwrap();
    format!("{before}  {more}\n}}\n")
}

/// An evaluation at step 20.
fn early() -> String {
    with("eval early { from: base.at(2560), suite: held_out([web]) }")
}

fn finished(study: &str) -> (Folder, Computed) {
    let folder = Folder::with(&[("s.vp", study)]);
    folder.vpc("run s.vp").ends(0);
    let found = computed(&folder.join(".vp"), "s");
    (folder, found)
}

fn found(folder: &Folder, name: &str) -> (PathBuf, Value) {
    manifest(&folder.join(".vp"), name).unwrap_or_else(|| panic!("no {name}"))
}

/// The digest of a job's model.
fn model(folder: &Folder, name: &str) -> Value {
    found(folder, name).1["files"][MODEL].clone()
}

/// Takes finished jobs out of the store.
fn forget(folder: &Folder, names: &[&str]) {
    for name in names {
        fs::remove_file(found(folder, name).0).unwrap();
    }
}

/// The checkpoint that a run kept after a step.
fn kept(folder: &Folder, name: &str, step: u64) -> Option<Value> {
    let key = found(folder, name).1["key"].as_str().unwrap().to_owned();
    let path = folder.join(&format!(".vp/progress/{key}/{step}.json"));
    let mut sealed: Value = serde_json::from_slice(&fs::read(path).ok()?).unwrap();
    Some(sealed["manifest"].take())
}

fn plan(folder: &Folder) -> String {
    folder.vpc("plan s.vp --jobs").ends(0).stdout
}

/// The names of the jobs that a run began.
fn run(folder: &Folder) -> (Vec<String>, Run) {
    let run = folder.vpc("run s.vp").ends(0);
    (run.named("start  "), run)
}

#[test]
fn a_checkpoint_is_the_model_that_the_run_kept() {
    let (folder, found_before) = finished(&early());
    let checkpoint = found(&folder, "e/early.base@2560").1;
    let files: Vec<_> = checkpoint["files"].as_object().unwrap().keys().collect();
    assert_eq!(files, ["config.json", MODEL]);
    let inside = kept(&folder, BASE, 20).unwrap();
    for file in files {
        assert_eq!(checkpoint["files"][file], inside["files"][file]);
    }
    assert_eq!(checkpoint["metrics"]["step"], 20);
    assert_ne!(model(&folder, BASE), checkpoint["files"][MODEL]);
    let (begun, run) = run(&folder);
    assert_eq!(begun, [""; 0], "{}", run.stderr);
    assert_eq!(computed(&folder.join(".vp"), "s"), found_before);
}

#[test]
fn a_checkpoint_is_a_shorter_run_of_a_constant_rate() {
    let study = early().replace(
        "tokens: 5120",
        "tokens: 5120, schedule: constant(warmup: 0%)",
    );
    let short = "
  pretrain short {
    model: tiny, data: web, tokenizer: bpe, tokens: 2560, schedule: constant(warmup: 0%)
  }
  eval whole { from: base.at(5120), suite: held_out([web]) }
  eval shortly { from: short, suite: held_out([web]) }
}
";
    let study = format!("{}{short}", study.rsplit_once('}').unwrap().0);
    let (folder, _) = finished(&study);
    assert_eq!(
        model(&folder, "e/short"),
        model(&folder, "e/early.base@2560")
    );
    let scores = |name: &str| found(&folder, name).1["metrics"].clone();
    assert_eq!(scores("e/shortly"), scores("e/early"));
    // After all tokens, the run is its own checkpoint.
    assert_eq!(found(&folder, "e/whole").0, found(&folder, "e/fit").0);
    assert_ne!(scores("e/fit"), scores("e/early"));
}

#[test]
fn a_finished_run_is_done_again_for_a_checkpoint_that_it_did_not_keep() {
    let (_, expected) = finished(&early());
    let (folder, before) = finished(STUDY);
    let base = fs::read(found(&folder, BASE).0).unwrap();
    folder.write("s.vp", early());
    let text = plan(&folder);
    assert!(text.contains("e/base  again, for a checkpoint  "), "{text}");
    assert!(
        text.contains("to do: 3 jobs, 5.12k training tokens; 4 cached"),
        "{text}"
    );
    let json = folder.vpc("plan s.vp --json").ends(0).stdout;
    assert!(json.contains("\"again\""), "{json}");
    let (begun, messages) = run(&folder);
    assert_eq!(begun, [BASE, "e/early.base@2560", "e/early"]);
    let why = "again   e/base: it kept no checkpoint after step 20, which is needed now\n";
    assert!(messages.stderr.contains(why), "{}", messages.stderr);
    // What was finished stays as it was, to the byte.
    assert_eq!(fs::read(found(&folder, BASE).0).unwrap(), base);
    let after = computed(&folder.join(".vp"), "s");
    assert_eq!(after, expected);
    assert!(before.jobs.iter().all(|job| after.jobs.contains_key(job.0)));
    assert!(plan(&folder).ends_with("nothing to do; 7 jobs cached\n"));
}

#[test]
fn once_the_checkpoint_is_there_nothing_else_is_needed() {
    let (folder, expected) = finished(&early());
    fs::remove_dir_all(folder.join(".vp/progress")).unwrap();
    assert!(plan(&folder).ends_with("nothing to do; 7 jobs cached\n"));
    forget(&folder, &[BASE, "e/early"]);
    assert_eq!(run(&folder).0, ["e/early"]);
    forget(&folder, &["e/early.base@2560"]);
    assert_eq!(run(&folder).0, [""; 0]);
    // Without the checkpoint, the run is needed, and by nobody else.
    forget(&folder, &["e/early"]);
    assert_eq!(run(&folder).0, [BASE, "e/early.base@2560", "e/early"]);
    assert_eq!(computed(&folder.join(".vp"), "s"), expected);
}

#[test]
fn a_run_goes_on_from_before_the_checkpoint_that_it_lacks() {
    let (_, expected) = finished(&early());
    for (keep, note, resumed) in [
        (
            "1280",
            "  again, for a checkpoint; goes on from step 10  ",
            &[BASE][..],
        ),
        ("3840", "  again, for a checkpoint  ", &[]),
    ] {
        let kept =
            |study: &str| study.replace("tokens: 5120", &format!("tokens: 5120, keep: [{keep}]"));
        let (folder, _) = finished(&kept(STUDY));
        folder.write("s.vp", kept(&early()));
        let text = plan(&folder);
        assert!(text.contains(note), "{text}");
        let run = folder.vpc("run s.vp").ends(0);
        assert_eq!(run.named("resume "), resumed, "{}", run.stderr);
        assert_eq!(computed(&folder.join(".vp"), "s"), expected);

        // The same for a run that was begun and not finished.
        let (folder, _) = finished(&kept(STUDY));
        forget(&folder, &[BASE, "e/fit"]);
        folder.write("s.vp", kept(&early()));
        let run = folder.vpc("run s.vp").ends(0);
        assert_eq!(run.named("resume "), resumed, "{}", run.stderr);
        assert_eq!(computed(&folder.join(".vp"), "s"), expected);
    }
}

#[test]
fn what_another_study_waits_for_stays() {
    let (folder, _) = finished(&early());
    forget(&folder, &["e/early.base@2560", "e/early"]);
    folder.write("t.vp", early().replace("2560", "1280"));
    let other = folder.vpc("run t.vp").ends(0);
    assert_eq!(
        other.named("start  "),
        [BASE, "e/early.base@1280", "e/early"]
    );
    assert!(kept(&folder, BASE, 10).is_some());
    assert_eq!(run(&folder).0, ["e/early.base@2560", "e/early"]);
}

#[test]
fn a_damaged_checkpoint_is_made_again() {
    let (folder, expected) = finished(&early());
    let store = folder.join(".vp");
    let inside = kept(&folder, BASE, 20).unwrap();
    for file in [MODEL, "curve.csv"] {
        forget(&folder, &["e/early.base@2560", "e/early"]);
        flip(&object(&store, &inside, file));
        let (begun, messages) = run(&folder);
        assert!(begun.contains(&BASE.to_owned()), "{}", messages.stderr);
        assert!(!messages.stderr.contains("FAILED"), "{}", messages.stderr);
        assert_eq!(computed(&store, "s"), expected);
    }
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn killed_while_a_run_is_done_again_the_bits_are_the_same() {
    // The checkpoint is wanted late, so that most kills come before it.
    let longer = |study: String| {
        let longer = study.replace("tokens: 5120", "tokens: 102_400");
        longer.replace("2560", "92_160")
    };
    let begun = Instant::now();
    let (_, expected) = finished(&longer(early()));
    let whole = begun.elapsed();
    let (folder, _) = finished(&longer(STUDY.to_owned()));
    folder.write("s.vp", longer(early()));
    let mut chance = Chance::new(7);
    let (mut kills, mut resumed) = (0, 0);
    while kills < 12 {
        let mut child = folder.start("run s.vp --checkpoint-every 0", "messages");
        std::thread::sleep(whole.mul_f64(chance.next()));
        let ended = child.try_wait().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let messages = folder.read("messages");
        assert!(!messages.contains("FAILED"), "{messages}");
        resumed += named(&messages, "resume ").len();
        if ended.is_some_and(|status| status.success()) {
            break;
        }
        kills += 1;
    }
    run(&folder);
    assert!(resumed > 0, "no kill hit the training");
    assert_eq!(computed(&folder.join(".vp"), "s"), expected);
    // What was filed only to go on from is gone.
    let key = found(&folder, BASE).1["key"].as_str().unwrap().to_owned();
    let left = fs::read_dir(folder.join(&format!(".vp/progress/{key}"))).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    say(&format!(
        "same bits after {kills} kills, {resumed} of them before the checkpoint"
    ));
    assert_eq!(left, ["720.json"]);
}

#[test]
fn no_tokens_give_the_initial_weights() {
    let study = with(
        "pretrain blank { model: tiny, data: web, tokenizer: bpe, tokens: 0 }
  eval first { from: blank, suite: held_out([web]) }
  eval begun { from: base.at(0), suite: held_out([web]) }",
    );
    let (folder, expected) = finished(&study);
    let blank = found(&folder, "e/blank").1;
    assert_eq!(blank["metrics"]["steps"], 0);
    let curve = object(&folder.join(".vp"), &blank, "curve.csv");
    assert_eq!(
        fs::read_to_string(curve).unwrap(),
        "step,loss,grad_norm,rate\n"
    );
    assert_eq!(model(&folder, "e/blank"), model(&folder, "e/begun.base@0"));
    let scores = |name: &str| found(&folder, name).1["metrics"]["held_out"].clone();
    assert_eq!(scores("e/first"), scores("e/begun"));
    assert_ne!(scores("e/first"), scores("e/fit"));
    // Another seed, other weights.
    folder.write("s.vp", study.replace("tokens: 0", "tokens: 0, seed: 1"));
    folder.vpc("run s.vp --accept-changes").ends(0);
    let blanks = manifests(&folder.join(".vp")).into_values();
    let blanks = blanks.filter(|(_, job)| common::labels(job).any(|label| label == "e/blank"));
    let models: BTreeSet<_> = blanks
        .map(|(_, job)| job["files"][MODEL].to_string())
        .collect();
    assert_eq!(models.len(), 2);

    // Asked for later, step 0 is kept by doing the run again.
    let (folder, _) = finished(STUDY);
    folder.write("s.vp", &study);
    let messages = folder.vpc("run s.vp").ends(0).stderr;
    let again = named(&messages, "again  ");
    assert_eq!(again, [BASE], "{messages}");
    assert_eq!(computed(&folder.join(".vp"), "s"), expected);
}
