//! `vpc data`: documents and items of a study before anything is run, and how much carries each label.

mod common;

use std::fs;

use common::Folder;
use serde_json::{Value, json};

const STUDY: &str = r#"
label coding { word: "code" }
category web   { source: world(web, size: 64 KiB) }
category pages { source: jsonl("pages.jsonl", labels: "about") }
category plain { source: text("plain.txt") }
category never { source: world(code, size: 64 KiB) }
mixture m { web: 50%, pages: 25%, plain: rest }
tokenizer bpe { vocabulary: 300, data: web }
scale tiny { layers: 1, width: 16, heads: 2, context: 32, batch: 4 }

dataset shown { source: scenes([colour, fact, count], seed: 2), items: 60, labels.perception: 40 }
label perception { word: "perception" }
dataset seen = only(shown, perception)
encoder eye {
  family: clip, layers: 1, width: 16, heads: 2, patch: 8, image: 16
  weights: contrastive(seen, epochs: 1, batch: 4, rate: 0.001)
}
adaptation sight {
  encoder: eye
  projector: mlp(layers: 2)
  visual_tokens: 4
  layer: 1
  stage one { data: shown, train: [projector], rate: 0.001, batch: 4, epochs: 1 }
}
experiment e {
  pretrain base { model: tiny, data: m, tokenizer: bpe, tokens: 5k }
  adapt able { from: base, setup: sight }
}
"#;

fn folder() -> Folder {
    let page = |n: usize| match n % 4 {
        0 => json!({ "text": format!("page {n}, ten"), "about": ["code", "news"] }),
        1 => json!({ "text": format!("page {n}"), "about": "visual_concept" }),
        _ => json!({ "text": format!("page {n}, a longer one") }),
    };
    let pages: String = (10..50).map(|n| format!("{}\n", page(n))).collect();
    let plain = "A small red ball lies to the left of the wooden table.\n\n\
                 He would rather not have come at all.\n\n"
        .repeat(60);
    Folder::with(&[
        ("s.vp", STUDY),
        ("pages.jsonl", &pages),
        ("plain.txt", &plain),
    ])
}

fn json(folder: &Folder, arguments: &str) -> Value {
    let run = folder.vpc(&format!("{arguments} --format json")).ends(0);
    let value: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(value["schema"], 1);
    value
}

#[test]
fn documents_are_shown_with_their_labels_and_nothing_is_stored() {
    let folder = folder();
    let run = folder.vpc("data show s.vp web --count 2").ends(0);
    assert!(
        run.stdout
            .starts_with("web: category of the world in web style\n\ndocument 1, ")
    );
    assert!(run.stdout.contains("\ndocument 2, ") && !run.stdout.contains("\ndocument 3, "));
    assert!(run.stdout.contains("  [visual "), "{}", run.stdout);
    let shown = json(&folder, "data show s.vp web --count 2");
    let sample = &shown["samples"][1];
    assert_eq!(sample["place"], 2);
    let segments = sample["segments"].as_array().unwrap();
    let texts: String = segments
        .iter()
        .map(|one| one["text"].as_str().unwrap())
        .collect();
    assert_eq!(sample["text"], texts.as_str());

    let pages = folder.vpc("data show s.vp pages --count 3").ends(0).stdout;
    assert!(
        pages.contains("document 3, 12 bytes: code, news\n    page 12, ten"),
        "{pages}"
    );
    let plain = folder.vpc("data show s.vp plain --count 1").ends(0).stdout;
    assert!(plain.contains("    A small red ball"), "{plain}");
    assert!(!folder.join(".vp").exists());
}

#[test]
fn samples_are_by_chance_and_the_same_again() {
    let folder = folder();
    let places = |seed: u64| -> Vec<u64> {
        let shown = json(
            &folder,
            &format!("data show s.vp pages --count 5 --seed {seed}"),
        );
        let samples = shown["samples"].as_array().unwrap().iter();
        samples.map(|one| one["place"].as_u64().unwrap()).collect()
    };
    let one = places(1);
    assert_eq!((one.len(), one.is_sorted()), (5, true));
    assert_eq!(places(1), one);
    assert_ne!(places(2), one);
    assert!(one.iter().chain(&places(2)).any(|place| *place > 5));
}

#[test]
fn items_are_shown_and_their_pictures_written() {
    let folder = folder();
    let run = folder
        .vpc("data show s.vp shown --count 3 --pictures pics")
        .ends(0);
    let text = run.stdout;
    for part in [
        "shown: dataset of the world in scenes\n\nitem 1, `test-colour-0`\n",
        "  labels   perception\n  picture  pics/000001.png\n  question ",
        " (right)\n",
        "item 2, `test-fact-0`\n  labels   language_only, other\n  question ",
    ] {
        // Which side of the world the scenes are of is the study's to say.
        let train = part.replace("test-", "train-");
        assert!(text.contains(part) || text.contains(&train), "{part}{text}");
    }
    let mut files: Vec<_> = fs::read_dir(folder.join("pics"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, ["000001.png", "000003.png"]);
    let bytes = fs::read(folder.join("pics/000003.png")).unwrap();
    assert!(bytes.starts_with(b"\x89PNG\r\n"));
    let again = folder.vpc("data show s.vp shown --pictures pics").ends(2);
    assert!(
        again
            .stderr
            .contains("`pics` is not empty; name a new folder"),
        "{}",
        again.stderr
    );

    // A chosen dataset draws on its source, also for pictures.
    let seen = json(
        &folder,
        "data show s.vp seen --count 2 --seed 4 --pictures more",
    );
    assert_eq!(seen["from"], "`shown`");
    for sample in seen["samples"].as_array().unwrap() {
        assert_eq!(sample["labels"], json!(["perception"]));
        assert!(folder.join(sample["file"].as_str().unwrap()).is_file());
    }
}

#[test]
fn labels_are_counted_by_piece_and_by_byte() {
    let folder = folder();
    let counted = json(&folder, "data labels s.vp pages web shown");
    let pages = &counted["categories"][0];
    assert_eq!(
        (&pages["labelled_by"], &pages["piece"]),
        (&json!("source"), &json!("document"))
    );
    let text = &pages["text"];
    assert_eq!(text["pieces"], 40);
    // Every fourth page, of twelve bytes; and every fourth, of seven.
    let label = |name: &str| {
        let labels = text["labels"].as_array().unwrap().iter();
        labels
            .clone()
            .find(|one| one["label"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(
        label("code"),
        json!({ "label": "code", "pieces": 10, "bytes": 120 })
    );
    assert_eq!(text["visual"], json!({ "pieces": 10, "bytes": 70 }));
    assert_eq!(text["reasoning"], json!({ "pieces": 0, "bytes": 0 }));
    assert_eq!(text["none"]["pieces"], 20);

    let web = &counted["categories"][1]["text"];
    let of = |name: &str| web[name]["bytes"].as_u64().unwrap();
    assert_eq!(web["labels"].as_array().unwrap().len(), 6);
    assert!(of("visual") > of("reasoning") && of("reasoning") > 0 && of("none") > 0);
    assert!(of("visual") + of("none") <= web["bytes"].as_u64().unwrap());

    let shown = &counted["datasets"][0];
    assert_eq!(
        (&shown["items"], &shown["with_picture"]),
        (&json!(60), &json!(40))
    );
    let labels = json!({ "perception": 40, "language_only": 20, "other": 20 });
    assert_eq!(shown["labels"], labels);

    let all = folder.vpc("data labels s.vp --first 10kB").ends(0).stdout;
    let plain = "it has no labels; `--labeller rules` tells roughly which it would have";
    assert!(
        all.contains(plain) && all.contains("reasoning (any of three)"),
        "{all}"
    );
}

#[test]
fn rules_label_what_has_no_labels() {
    let folder = folder();
    let counted = json(&folder, "data labels s.vp plain web --labeller rules");
    let [plain, web] = [0, 1].map(|at| &counted["categories"][at]);
    assert_eq!(
        (&plain["labelled_by"], &web["labelled_by"]),
        (&json!("rules"), &json!("world"))
    );
    let text = &plain["text"];
    // All segments hold the ball; none calculates.
    assert_eq!(
        text["visual"],
        json!({ "pieces": text["pieces"], "bytes": text["bytes"] })
    );
    assert_eq!(text["labels"][1]["pieces"], 0);
    let bytes = text["bytes"].as_u64().unwrap();
    assert!(text["pieces"].as_u64().unwrap() >= bytes / 1024, "{text}");
}

#[test]
fn what_cannot_be_shown_is_said() {
    let folder = folder();
    let run = folder.vpc("data show s.vp never").ends(2);
    assert!(
        run.stderr
            .contains("the study uses no category, dataset or benchmark `never`")
            && run.stderr.contains("help: it uses `web`"),
        "{}",
        run.stderr
    );
    let run = folder.vpc("data show s.vp web --pictures pics").ends(2);
    assert!(
        run.stderr.contains("text has no pictures"),
        "{}",
        run.stderr
    );
    folder.write("pages.jsonl", "{\"text\": 1}\n");
    let run = folder.vpc("data show s.vp pages").ends(1);
    assert!(
        run.stderr.contains("line 1: field `text` is a number"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_model_elsewhere_labels_a_sample_alone() {
    let folder = folder();
    let labels = |rest: &str| folder.vpc(&format!("data labels s.vp plain {rest}"));
    let all = labels("--labeller endpoint:some").ends(2);
    assert!(all.stderr.contains("`--first 100kB`"), "{}", all.stderr);
    let nowhere = labels("--labeller endpoint:some --first 2kB").ends(1);
    let named = "VPC_ENDPOINT_URL";
    assert!(nowhere.stderr.contains(named), "{}", nowhere.stderr);
    for wrong in ["endpoint:", "rule"] {
        let run = labels(&format!("--labeller {wrong}")).ends(2);
        assert!(run.stderr.contains("neither `rules` nor"), "{}", run.stderr);
    }
}
