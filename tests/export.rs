//! `vpc export`: finished models as folders that other programs load.

mod common;

use std::fs;
use std::path::Path;

use common::sight::seeing;
use common::{Folder, Run, SMALL, manifest, object};
use serde_json::Value;

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
