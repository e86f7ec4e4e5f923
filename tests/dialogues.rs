//! Items of several turns: shown whole, learned from whole, asked for their last turn.

mod common;

use std::fs;

use common::{Folder, answers, filed, labels, manifests, object};
use serde_json::Value;
use vpc_data::items::Item;

const STUDY: &str = r"
use std.labels
category web { source: world(web, size: 64 KiB) }
tokenizer bpe { vocabulary: 300, data: web, sample: 32 KiB }
scale tiny { layers: 1, width: 16, heads: 2, context: 512, batch: 4, rate: 0.003 }
dataset talks { source: scenes([dialogue], seed: 2), items: 24, labels.language_only: 24 }
encoder eyes { family: vit, layers: 1, width: 16, heads: 2, patch: 8, image: 16, weights: initial() }
adaptation sight {
  encoder: eyes, visual_tokens: 4, layer: 1
  stage instruct { data: talks, train: [projector, model], rate: 0.001, batch: 4 }
}
benchmark likely { data: scenes([dialogue], side: test), items: 10, format: likelihood, chance: 25% }
benchmark lettered = likely with { format: choice }
suite asked { group talked { benchmarks: [likely, lettered] } }
experiment e {
  vary seed: [1]
  pretrain base { model: tiny, data: web, tokenizer: bpe, tokens: 2k, seed: seed }
  adapt vlm { from: base, setup: sight }
  eval seen { from: vlm, suite: asked }
  report r { table t { cells: seen.talked, rows: seed } }
}
";

/// The items of a dataset whose label has this word in it.
fn items(folder: &Folder, word: &str) -> Vec<Item> {
    let store = folder.join(".vp");
    let of = |manifest: &Value| {
        let is_named = labels(manifest).any(|label| label.contains(word));
        is_named && !manifest["files"]["items.jsonl"].is_null()
    };
    let mut all = manifests(&store).into_values();
    let (_, manifest) = all.find(|(_, manifest)| of(manifest)).unwrap();
    let lines = fs::read_to_string(object(&store, &manifest, "items.jsonl")).unwrap();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_dialogue_is_learned_whole_and_asked_for_its_last_turn() {
    let folder = Folder::with(&[("s.vp", STUDY)]);
    folder.vpc("run s.vp").ends(0);
    let learned = &filed(&folder, "e/vlm[seed=1]")["metrics"];
    assert_eq!(
        (&learned["items"], &learned["left_out"]),
        (&24.into(), &0.into())
    );

    let likely = answers(&folder, "e/seen.likely[seed=1]");
    let lettered = answers(&folder, "e/seen.lettered[seed=1]");
    let items = items(&folder, "likely");
    assert_eq!((items.len(), likely.len(), lettered.len()), (10, 10, 10));
    let mut turns = 0;
    for ((item, likely), lettered) in items.iter().zip(&likely).zip(&lettered) {
        assert_eq!(
            (&item.id, item.options.len()),
            (&likely["id"].as_str().unwrap().to_owned(), 4)
        );
        assert_eq!(likely["log_likelihoods"].as_array().unwrap().len(), 4);
        // What the model was given, as its stage wrote it: earlier turns with their answers, each ended.
        let (last, before) = item.turns.split_last().unwrap();
        turns += before.len();
        let said: String = before
            .iter()
            .map(|turn| {
                format!(
                    "Question: {}\nAnswer: {}<|end|>",
                    turn.question, turn.answer
                )
            })
            .collect();
        let letters = "ABCD".chars().zip(&item.options);
        let options: String = letters
            .map(|(letter, option)| format!("\n{letter}. {option}"))
            .collect();
        let asked = &last.question;
        for (record, options) in [(likely, ""), (lettered, &*options)] {
            let prompt = format!("{said}Question: {asked}{options}\nAnswer:");
            let hash = blake3::hash(prompt.as_bytes()).to_hex();
            assert_eq!(record["prompt"], hash.as_str(), "{prompt}");
            assert_eq!(record.get("cut"), None);
        }
    }
    assert!(turns > 10, "{turns}");
}

#[test]
fn every_turn_is_shown() {
    let folder = Folder::with(&[("s.vp", STUDY)]);
    let shown = folder.vpc("data show s.vp talks --count 20").ends(0).stdout;
    let json = folder
        .vpc("data show s.vp talks --count 20 --format json")
        .ends(0);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    let texts: Vec<&str> = shown.split("\n\n").skip(1).collect();
    let samples = json["samples"].as_array().unwrap();
    assert_eq!((texts.len(), samples.len()), (20, 20));
    for (text, sample) in texts.into_iter().zip(samples) {
        let item: Item = serde_json::from_value(sample.clone()).unwrap();
        let (last, before) = item.turns.split_last().unwrap();
        let mut lines = vec!["  labels   language_only, other".to_owned()];
        for turn in before {
            lines.push(format!("  question {}", turn.question));
            lines.push(format!("  answer   {}", turn.answer));
        }
        lines.push(format!("  question {}", last.question));
        for (at, option) in item.options.iter().enumerate() {
            let mark = if item.right == Some(at) {
                " (right)"
            } else {
                ""
            };
            lines.push(format!("  option   {option}{mark}"));
        }
        lines.push(format!("  answer   {}", last.answer));
        let found: Vec<&str> = text.trim_end().lines().skip(1).collect();
        assert_eq!(found, lines, "{text}");
    }
}
