//! `vpc export`: finished models as folders that other programs load, answers as files.

mod common;

use std::fs;
use std::io::Write;
use std::path::Path;

use common::sight::seeing;
use common::{Folder, Run, SMALL, manifest, object};
use serde_json::Value;
use vpc_compiler::plan::Key;
use vpc_measure::record::{FILE, Record, decode};
use vpc_store::{Draft, Store};

fn finished() -> Folder {
    let folder = Folder::with(&[("s.vp", SMALL)]);
    folder.vpc("run s.vp").ends(0);
    folder
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_model_is_exported_with_its_tokenizer() {
    let folder = finished();
    let run = folder.vpc("export e/base[seed=1] --to hf out").ends(0);
    assert_eq!(run.stdout, "");
    assert!(
        run.stderr.starts_with("out: e/base[seed=1], ") && run.stderr.contains(", in 6 files"),
        "{}",
        run.stderr
    );
    let out = folder.join("out");
    assert_eq!(
        names(&out),
        [
            "README.md",
            "config.json",
            "generation_config.json",
            "model.safetensors",
            "tokenizer.json",
            "tokenizer_config.json"
        ]
    );
    let store = folder.join(".vp");
    let same = |job: &str, file: &str| {
        let (_, found) = manifest(&store, job).unwrap();
        let filed = fs::read(object(&store, &found, file)).unwrap();
        assert!(fs::read(out.join(file)).unwrap() == filed, "{file}");
    };
    same("e/base[seed=1]", "model.safetensors");
    same("tokenizer/bpe", "tokenizer.json");
    let config = json(&out.join("config.json"));
    assert_eq!(
        (&config["eos_token_id"], &config["vocab_size"]),
        (&0.into(), &300.into())
    );
    let words = json(&out.join("tokenizer_config.json"));
    assert_eq!(
        (&words["eos_token"], &words["model_max_length"]),
        (&"<|end|>".into(), &32.into())
    );
    assert_eq!(json(&out.join("generation_config.json"))["eos_token_id"], 0);
    let card = fs::read_to_string(out.join("README.md")).unwrap();
    let (_, found) = manifest(&store, "e/base[seed=1]").unwrap();
    let key = found["key"].as_str().unwrap();
    let seed = found["spec"]["seed"].as_u64().unwrap();
    for words in [
        "# `e/base[seed=1]`".to_owned(),
        "| study | `s`, `".to_owned(),
        format!("| key | `{key}` |"),
        format!("| seed | {seed} |"),
        "| `code` | `1` | ".to_owned(),
        "## Held-out text".to_owned(),
        "stands between two `<|end|>`".to_owned(),
    ] {
        assert!(card.contains(&words), "{words} is not in:\n{card}");
    }
}

#[test]
fn shards_and_checkpoints_come_back_by_adoption() {
    let more = "  eval early { from: base.at(2560), suite: held_out([code]) }\n}";
    let study = format!("{}\n{more}", SMALL.trim_end().trim_end_matches('}'));
    let folder = Folder::with(&[("s.vp", &study)]);
    folder.vpc("run s.vp").ends(0);
    let store = folder.join(".vp");
    let here = Folder::with(&[("s.vp", &study)]);
    for (job, to) in [
        ("e/base[seed=2]", "run"),
        ("e/early.base@2560[seed=1]", "point"),
        ("e/early.base@2560[seed=2]", "other"),
    ] {
        folder
            .vpc(&format!("export {job} --to hf {to} --shard-size 10kB"))
            .ends(0);
        let there = names(&folder.join(to));
        assert!(
            there.contains(&"model.safetensors.index.json".to_owned()),
            "{there:?}"
        );
        assert!(!there.contains(&"model.safetensors".to_owned()));
        let mut adopt = here.command("adopt s.vp");
        adopt.arg(job).arg("--from").arg(folder.join(to));
        Run::of(adopt.output().unwrap()).ends(0);
        let file = |store: &Path| {
            let (_, found) = manifest(store, job).unwrap();
            found["files"]["model.safetensors"].clone()
        };
        assert_eq!(file(&store), file(&here.join(".vp")), "{job}");
    }
    let card = fs::read_to_string(folder.join("point/README.md")).unwrap();
    assert!(
        card.contains("| checkpoint | after step 20 of `e/base[seed=1]` |"),
        "{card}"
    );
    here.vpc("run s.vp").ends(0);
    let card = here.vpc("export e/base[seed=2] --to hf again").ends(0);
    assert!(card.stderr.contains("again: "), "{}", card.stderr);
    let card = fs::read_to_string(here.join("again/README.md")).unwrap();
    assert!(card.contains("was trained elsewhere"), "{card}");
}

#[test]
fn what_cannot_be_exported() {
    let folder = finished();
    let refused = |command: &str, status: i32, words: &str| {
        let before = names(folder.path());
        let run = folder.vpc(command).ends(status);
        assert!(run.stderr.contains(words), "{}", run.stderr);
        assert_eq!(names(folder.path()), before, "nothing is left behind");
    };
    refused("export e/fit[seed=1] --to hf out", 1, "only models");
    refused("export tokenizer/bpe --to hf out", 1, "only models");
    refused("export e/none --to hf out", 1, "no finished job");
    refused("export e/base --to hf out", 2, "names 2 jobs");
    refused(
        "export e/base[seed=1] --to onnx out",
        2,
        "possible values: hf, llava",
    );
    refused("export e/base[seed=1] --to hf none/out", 4, "make folder");
    folder.write("full/file", "theirs");
    refused(
        "export e/base[seed=1] --to hf full",
        2,
        "is no empty folder",
    );
    refused(
        "export e/base[seed=1] --to hf s.vp",
        2,
        "is no empty folder",
    );
    assert_eq!(fs::read(folder.join("full/file")).unwrap(), b"theirs");
    // An empty folder is as good as none.
    fs::create_dir(folder.join("empty")).unwrap();
    folder.vpc("export e/base[seed=1] --to hf empty").ends(0);
    assert_eq!(names(&folder.join("empty")).len(), 6);
    // A flipped bit is found before anything is written.
    let store = folder.join(".vp");
    let (_, found) = manifest(&store, "e/base[seed=1]").unwrap();
    let path = object(&store, &found, "model.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::remove_file(&path).unwrap();
    fs::write(&path, bytes).unwrap();
    refused("export e/base[seed=1] --to hf damaged", 3, "damaged");
}

#[test]
fn a_model_that_sees_is_exported_whole() {
    let folder = seeing();
    let job = "e/vlm[setup=sight]";
    let run = folder.vpc(&format!("export {job} --to llava out")).ends(0);
    assert!(run.stderr.contains(", in 8 files"), "{}", run.stderr);
    let out = folder.join("out");
    assert_eq!(
        names(&out),
        [
            "README.md",
            "config.json",
            "generation_config.json",
            "model.safetensors",
            "preprocessor_config.json",
            "processor_config.json",
            "tokenizer.json",
            "tokenizer_config.json"
        ]
    );
    let config = json(&out.join("config.json"));
    assert_eq!(config["architectures"][0], "LlavaForConditionalGeneration");
    assert_eq!(config["image_seq_length"], 9);
    assert_eq!(config["vision_feature_layer"], -2);
    let marker = &config["image_token_index"];
    let words = json(&out.join("tokenizer.json"));
    assert_eq!(&words["model"]["vocab"]["<image>"], marker);
    let added = words["added_tokens"].as_array().unwrap();
    let image = added.iter().find(|one| one["content"] == "<image>");
    assert_eq!(&image.unwrap()["id"], marker);
    let processor = json(&out.join("processor_config.json"));
    assert_eq!(processor["patch_size"], 16);
    let pictures = json(&out.join("preprocessor_config.json"));
    assert_eq!(pictures["size"]["shortest_edge"], 48);
    assert_eq!(pictures["image_mean"][0], 0.481_454_67);
    let card = fs::read_to_string(out.join("README.md")).unwrap();
    for words in [
        "pipeline_tag: image-text-to-text",
        "## Adaptation",
        "| projector, model |",
        "| 9 visual tokens each |",
        "Question: {question}\nAnswer: {answer}",
    ] {
        assert!(card.contains(words), "{words} is not in:\n{card}");
    }
    // The language model alone is one as any other.
    let run = folder.vpc(&format!("export {job} --to hf text")).ends(0);
    assert!(
        run.stderr.contains("language model alone"),
        "{}",
        run.stderr
    );
    let (_, found) = manifest(&folder.join(".vp"), job).unwrap();
    let filed = object(&folder.join(".vp"), &found, "model.safetensors");
    let text = folder.join("text");
    assert!(fs::read(text.join("model.safetensors")).unwrap() == fs::read(filed).unwrap());
    assert_eq!(names(&text).len(), 6);
}

#[test]
fn what_llava_cannot_say() {
    let folder = seeing();
    for (job, words) in [
        ("e/base", "sees no pictures"),
        ("e/vlm[setup=blind]", "sees no pictures"),
        (
            "e/vlm[setup=coarse]",
            "`visual_tokens` is 4; LLaVA's layout needs 9",
        ),
        (
            "e/vlm[setup=other]",
            "`encoder.family` is mae; LLaVA's layout needs clip",
        ),
        ("tokenizer/bpe", "only models"),
    ] {
        let run = folder.vpc(&format!("export {job} --to llava out")).ends(1);
        assert!(run.stderr.contains(words), "{job}: {}", run.stderr);
        assert!(!folder.join("out").exists());
    }
    let run = folder
        .vpc("export e/vlm[setup=sight] --to llava out --shard-size 1MB")
        .ends(2);
    assert!(run.stderr.contains("goes with `--to hf`"), "{}", run.stderr);
}

#[test]
fn answers_are_exported_as_they_were_given() {
    let folder = seeing();
    let job = "asked/seen.colours";
    let run = folder
        .vpc(&format!("export {job} --to jsonl out.jsonl"))
        .ends(0);
    assert_eq!(run.stderr, format!("out.jsonl: {job}, 10 answers\n"));
    let lines = folder.read("out.jsonl");
    let printed = folder.vpc(&format!("export {job} --to jsonl -")).ends(0);
    assert_eq!(
        (printed.stdout, printed.stderr.as_str()),
        (lines.clone(), "")
    );
    let parsed: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(parsed.len(), 10);
    for (line, record) in parsed.iter().zip(filed_answers(&folder, job)) {
        assert_eq!(line["id"], record.id);
        // Scenes say what sort of question they ask.
        assert_eq!(line["labels"], serde_json::json!(["perception"]));
        let numbers = line["log_likelihoods"].as_array().unwrap();
        let numbers: Vec<f64> = numbers.iter().filter_map(Value::as_f64).collect();
        assert_eq!(numbers, record.log_likelihoods);
    }
    folder
        .vpc(&format!("export {job} --to csv out.csv"))
        .ends(0);
    let csv = folder.read("out.csv");
    assert!(csv.starts_with("id,prompt,cut,labels,output,answer,right,"));
    assert_eq!(csv.lines().count(), 11);
    folder
        .vpc(&format!("export {job} --to parquet out.parquet"))
        .ends(0);
    let parquet = fs::read(folder.join("out.parquet")).unwrap();
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));

    for (command, status, words) in [
        (
            format!("{job} --to csv out.jsonl"),
            2,
            "`out.jsonl` is there already",
        ),
        (
            format!("{job} --to csv none/out.csv"),
            4,
            "cannot write `none/out.csv`",
        ),
        (
            format!("{job} --to csv x.csv --shard-size 1MB"),
            2,
            "goes with `--to hf`",
        ),
        (format!("{job} --to hf x"), 1, "only models"),
        (
            "asked/seen --to csv x.csv".to_owned(),
            1,
            "is a `eval` job, which has no answers of its own",
        ),
        (
            "asked/vlm --to parquet x.parquet".to_owned(),
            1,
            "has no answers of its own",
        ),
    ] {
        let run = folder.vpc(&format!("export {command}")).ends(status);
        assert!(run.stderr.contains(words), "{command}: {}", run.stderr);
    }
    assert_eq!(folder.read("out.jsonl"), lines);
    assert!(!folder.join("x.csv").exists());
}

/// The answers that lie in the store.
fn filed_answers(folder: &Folder, job: &str) -> Vec<Record> {
    let store = folder.join(".vp");
    let (_, found) = manifest(&store, job).unwrap();
    decode(&fs::read(object(&store, &found, FILE)).unwrap()).unwrap()
}

#[test]
fn answers_of_an_earlier_version_are_told_from_none() {
    let folder = Folder::new();
    let store = Store::open(&folder.join(".vp")).unwrap();
    let mut attempt = store.attempt(Key::new([7; 32])).unwrap();
    let mut file = attempt.create("answers.jsonl").unwrap();
    file.write_all(b"{\"id\":\"1\",\"right\":true}\n").unwrap();
    file.finish().unwrap();
    let draft = Draft {
        kind: "answers".to_owned(),
        labels: vec!["e/able.sums".to_owned()],
        ..Draft::default()
    };
    attempt.publish(draft).unwrap();
    for command in [
        "export e/able.sums --to csv x.csv",
        "compare e/able.sums e/able.sums",
    ] {
        let run = folder.vpc(command).ends(1);
        let words = "were filed by an earlier version, as `answers.jsonl`; run its study again";
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
    let lines = folder.vpc("show e/able.sums --file answers.jsonl").ends(0);
    assert_eq!(lines.stdout, "{\"id\":\"1\",\"right\":true}\n");
}
