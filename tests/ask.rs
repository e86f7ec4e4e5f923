//! `vpc ask`: a question to a finished model.

mod common;

use std::fs;

use common::sight::seeing;
use common::{Folder, Run, SMALL, labels, manifests, object};
use serde_json::Value;
use vpc_data::items::{Item, Pictures};
use vpc_measure::record::{decode, to_jsonl};

/// Asks with arguments that may have blanks in them.
fn ask(folder: &Folder, arguments: &[&str]) -> Run {
    let mut command = folder.command("ask");
    Run::of(command.args(arguments).output().unwrap())
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    let lines = std::str::from_utf8(bytes).unwrap().lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A file of the job whose name has these words in it.
fn file(folder: &Folder, words: &[&str], name: &str) -> Vec<u8> {
    let store = folder.join(".vp");
    let found = manifests(&store).into_values().find(|(_, manifest)| {
        let has = |label: &str| words.iter().all(|word| label.contains(word));
        labels(manifest).any(has) && !manifest["files"][name].is_null()
    });
    let (_, manifest) = found.unwrap_or_else(|| panic!("no job {words:?} with {name}"));
    fs::read(object(&store, &manifest, name)).unwrap()
}

#[test]
fn answers_are_those_of_a_benchmark() {
    let folder = seeing();
    let pictures = file(&folder, &["colours"], "pictures.bin");
    let pictures = Pictures::new(&pictures).unwrap();
    let items = file(&folder, &["colours"], "items.jsonl");
    let answers = |name: &str| {
        let filed = file(&folder, &["asked/seen", name], "answers.vpcr");
        lines(&to_jsonl(&decode(&filed).unwrap()).unwrap())
    };
    let (scored, written) = (answers("colours"), answers("words"));
    assert_eq!(scored.len(), 10);
    let answers = scored.iter().zip(&written);
    for (item, (scored, written)) in lines(&items).into_iter().zip(answers).take(3) {
        let item: Item = serde_json::from_value(item).unwrap();
        let picture = pictures.get(item.picture.unwrap()).unwrap();
        folder.write("a.png", picture);
        let question = item.turns[0].question.as_str();
        let seen = ["asked/vlm", "--image", "a.png", question];
        let options = item.options.join(",");
        let told = [&seen[..], &["--options", &options, "--format", "json"]].concat();
        let json: Value = serde_json::from_str(&ask(&folder, &told).ends(0).stdout).unwrap();
        assert_eq!(json["schema"], 1);
        assert_eq!(json["visual_tokens"], 9);
        let found: Vec<&Value> = json["options"]
            .as_array()
            .unwrap()
            .iter()
            .map(|option| &option["log_likelihood"])
            .collect();
        let filed = scored["log_likelihoods"].as_array().unwrap();
        assert_eq!(found, filed.iter().collect::<Vec<_>>());
        let best = scored["answer"].as_u64().unwrap() as usize;
        assert_eq!(json["answer"], item.options[best]);
        let wrote = ask(&folder, &seen).ends(0);
        assert_eq!(
            wrote.stdout.trim_end_matches('\n'),
            written["output"].as_str().unwrap()
        );
        // Without the picture it is another question.
        let blind = [
            "asked/vlm",
            question,
            "--options",
            &options,
            "--format",
            "json",
        ];
        let blind: Value = serde_json::from_str(&ask(&folder, &blind).ends(0).stdout).unwrap();
        assert_eq!(blind["visual_tokens"], 0);
        assert_ne!(blind["options"], json["options"]);
    }
}

#[test]
fn a_model_that_reads_text_is_asked() {
    let folder = Folder::with(&[("s.vp", SMALL)]);
    folder.vpc("run s.vp").ends(0);
    let run = ask(&folder, &["e/base[seed=1]", "x?", "--options", "yes, no"]).ends(0);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert!(["yes", "no"].contains(&lines[0]), "{}", run.stdout);
    assert!(lines[2].contains("log p"), "{}", run.stdout);
    assert_eq!(lines.len(), 5, "{}", run.stdout);
    let key = manifests(&folder.join(".vp"))
        .into_values()
        .find(|(_, manifest)| labels(manifest).any(|label| label == "e/base[seed=1]"))
        .map(|(_, manifest)| manifest["key"].as_str().unwrap().to_owned())
        .unwrap();
    let again = ask(&folder, &[&key[..12], "x?", "--options", "yes,no"]).ends(0);
    assert_eq!(again.stdout, run.stdout);

    let refused = |arguments: &[&str], status: i32, words: &[&str]| {
        let run = ask(&folder, arguments).ends(status);
        assert_eq!(run.stdout, "");
        for word in words {
            assert!(run.stderr.contains(word), "{word}: {}", run.stderr);
        }
    };
    let meant = ["no finished job", "did you mean `e/base[seed=1]`?"];
    refused(&["e/bse[seed=1]", "x?"], 1, &meant);
    refused(&["e/bas", "x?"], 1, &["did you mean `e/base`?"]);
    refused(&["nothing-like-it", "x?"], 1, &["vpc plan FILE --jobs"]);
    refused(&["e/base", "x?"], 2, &["names 2 jobs"]);
    refused(
        &["tokenizer/bpe", "x?"],
        1,
        &["`tokenizer` job", "only models"],
    );
    let long = "why ".repeat(60);
    refused(
        &["e/base[seed=1]", &long],
        1,
        &["too long", "context of 32", "shorten it"],
    );
    refused(
        &["e/base[seed=1]", "x?", "--options", "a,,b"],
        1,
        &["an option is empty"],
    );
    folder.write("a.png", "no picture");
    let blind = ["sees no pictures", "leave the picture out"];
    refused(&["e/base[seed=1]", "x?", "--image", "a.png"], 1, &blind);
}

#[test]
fn pictures_that_cannot_be_shown() {
    let folder = seeing();
    folder.write("a.png", "no picture");
    for (image, words) in [
        (
            "a.png",
            "the picture `a.png`: neither PNG nor JPEG nor WebP",
        ),
        ("b.png", "the picture `b.png`: it does not exist"),
        (".", "the picture `.`: it is no file"),
    ] {
        let run = ask(&folder, &["asked/vlm", "x?", "--image", image]).ends(1);
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
    let blind = ask(&folder, &["e/vlm[setup=blind]", "x?", "--image", "a.png"]).ends(1);
    assert!(
        blind.stderr.contains("sees no pictures"),
        "{}",
        blind.stderr
    );
    ask(&folder, &["e/vlm[setup=blind]", "x?"]).ends(0);
}
