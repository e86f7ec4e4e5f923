//! Language models that come to see: encoders, features, stages, benchmarks with pictures, all the way.

mod common;

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use common::{Computed, Folder, answers, computed, filed, labels, manifests};

const STUDY: &str = r#"
category web { source: world(web, size: 96 KiB) }
tokenizer bpe { vocabulary: 300, data: web, sample: 64 KiB }
scale tiny { layers: 1, width: 32, heads: 2, context: 96, batch: 4, rate: 0.003 }

label perceived { word: "perception" }

dataset captions { source: scenes([caption], seed: 1), items: 48 }
dataset asked {
  source: scenes([place, colour, fact], seed: 2), items: 60, labels.perceived: 40
}
dataset seen = sample(only(asked, perceived), 24)

encoder taught {
  family: clip, layers: 1, width: 16, heads: 2, patch: 8, image: 32
  weights: contrastive(captions, epochs: 2, batch: 8, rate: 0.001)
}
encoder filled {
  family: mae, layers: 1, width: 16, heads: 2, patch: 8, image: 32
  weights: masked(seen, epochs: 2, batch: 8)
}
encoder drawn {
  family: dinov2, layers: 1, width: 16, heads: 2, mlp: gated, patch: 8, image: 32
  weights: initial(seed: 3)
}

adaptation sight {
  encoder:       taught
  projector:     mlp(layers: 2, activation: silu)
  visual_tokens: 4
  layer:         1
  stage align    { data: captions, train: [projector], rate: 0.002, batch: 8 }
  stage instruct { data: asked, train: [projector, model], rate: 0.002, batch: 8, epochs: 2 }
}
adaptation fewer = sight with { instruct.data: seen }
adaptation blind = sight with {
  stage unseeing { data: asked, train: [model], images: false, rate: 0.002, batch: 8, before: align }
}

adaptation whole = sight with {
  instruct.train: [encoder, projector, model]
  stage after { data: seen, train: [projector], rate: 0.001, batch: 8 }
}

benchmark places {
  data: scenes([place], side: test), items: 8, format: likelihood, compare: whole, chance: 25%
}
benchmark colours { data: scenes([colour], side: test), items: 8, format: choice }
suite sights { group seen { benchmarks: [places, colours] } }

experiment e {
  vary setup: [sight, fewer, blind, whole, sight with { encoder: filled }, sight with { encoder: drawn }]
  pretrain base { model: tiny, data: web, tokenizer: bpe, tokens: 8k }
  adapt vlm { from: base, setup: setup, seed: 1 }
  eval vqa   { from: vlm, suite: sights }
  eval dark  { from: vlm, suite: sights, images: false }
  report r { table t { cells: [vqa.seen, dark.seen], rows: setup } }
}
experiment alignment {
  vary seed: [1]
  pretrain base { model: tiny, data: web, tokenizer: bpe, tokens: 8k, seed: seed }
  align_score alike { from: base, data: captions, encoders: [taught, drawn], neighbours: 5 }
  report r { table t { cells: alike, rows: seed } }
}
"#;

fn run_with(options: &str) -> (Folder, Computed) {
    let folder = Folder::with(&[("s.vp", STUDY)]);
    folder.vpc(&format!("run s.vp {options}")).ends(0);
    let found = computed(&folder.join(".vp"), "s");
    (folder, found)
}

#[test]
fn a_model_comes_to_see_and_is_asked() {
    let (folder, found) = run_with("");

    // What set-ups have in common is done once: the first stage of two, the features of each source and
    // encoder, whatever was chosen of it.
    let names = |kind: &str| -> BTreeSet<String> {
        let all = manifests(&folder.join(".vp"));
        let own = all
            .values()
            .filter(|(_, manifest)| manifest["kind"] == kind);
        own.map(|(_, manifest)| labels(manifest).next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names("stage").len(), 12, "{:?}", names("stage"));
    let features = names("features");
    for source in ["captions", "asked", "places", "colours"] {
        for encoder in ["taught", "filled", "drawn"] {
            let name = format!("features/{source}@{encoder}");
            assert!(features.contains(&name), "{name} of {features:?}");
        }
    }
    assert_eq!(features.len(), 12, "{features:?}");
    let looked = filed(&folder, "features/asked@taught");
    // Items without pictures have no features.
    assert_eq!(looked["metrics"]["pictures"], 40);
    // What looked and what trained are on record.
    let stages = names("stage");
    let adapted = stages.iter().map(|stage| filed(&folder, stage));
    for made in adapted.chain([looked]) {
        assert!(made["made"]["device"].is_string(), "{made}");
    }
    assert_eq!(
        filed(&folder, "dataset/asked")["metrics"]["labels"]["perception"],
        40
    );

    // Pictures are what differs between the two ways of asking, and they matter.
    let (seen, unseen) = (
        answers(&folder, "e/vqa.places[setup=sight]"),
        answers(&folder, "e/dark.places[setup=sight]"),
    );
    assert_eq!(seen.len(), 8);
    for (one, other) in seen.iter().zip(&unseen) {
        assert_eq!(
            (&one["id"], &one["prompt"]),
            (&other["id"], &other["prompt"])
        );
        assert_ne!(one["log_likelihoods"], other["log_likelihoods"]);
    }
    let right = seen.iter().filter(|answer| answer["right"] == true).count();
    let places = filed(&folder, "e/vqa.places[setup=sight]");
    assert_eq!(places["metrics"]["right"], right);
    for answer in answers(&folder, "e/vqa.colours[setup=blind]") {
        assert!(answer["output"].is_string());
    }

    // An encoder that was trained with the model belongs to it, and stays as it is when it is frozen again.
    let own = |label: &str| filed(&folder, label)["files"]["encoder.safetensors"].clone();
    let (trained, frozen) = (
        own("e/vlm.instruct[setup=whole]"),
        own("e/vlm[setup=whole]"),
    );
    assert!(
        trained.is_object() && trained == frozen,
        "{trained} {frozen}"
    );
    let first = filed(&folder, "encoder/taught")["files"]["model.safetensors"].clone();
    assert_ne!(trained["digest"], first["digest"]);
    let (one, other) = (
        answers(&folder, "e/vqa.places[setup=whole]"),
        answers(&folder, "e/dark.places[setup=whole]"),
    );
    assert_ne!(one[0]["log_likelihoods"], other[0]["log_likelihoods"]);

    // The score of the alignment is a share of neighbours.
    let alike = filed(&folder, "alignment/alike[seed=1]");
    let score = alike["metrics"]["value"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&score), "{score}");
    assert_eq!(alike["metrics"]["encoders"].as_array().unwrap().len(), 2);

    // Nothing is left to do, and no bit depends on threads.
    let again = folder.vpc("run s.vp").ends(0);
    assert!(again.named("done").is_empty(), "{}", again.stderr);
    let (_, one_thread) = run_with("--threads 1");
    assert!(one_thread == found, "the same bits on one thread");
}

#[test]
fn what_was_begun_goes_on_to_the_same_bits() {
    let (_, expected) = run_with("");
    let folder = Folder::with(&[("s.vp", STUDY)]);
    // Each training files a checkpoint after every step, and the run is stopped again and again.
    let (mut stops, mut resumed) = (0, 0);
    loop {
        let mut child = folder.start("run s.vp --checkpoint-every 0", "messages");
        std::thread::sleep(Duration::from_millis(300 + 60 * stops));
        let ended = child.try_wait().unwrap();
        if ended.is_none() {
            let mut kill = Command::new("kill");
            kill.args(["-s", "INT", &child.id().to_string()]);
            assert!(kill.status().unwrap().success());
        }
        let ended = child.wait().unwrap();
        let messages = folder.read("messages");
        resumed += messages.matches("resume  ").count();
        if ended.success() {
            break;
        }
        assert_eq!(ended.code(), Some(130), "{messages}");
        stops += 1;
    }
    assert!(
        stops > 1 && resumed > 0,
        "{stops} stops, {resumed} jobs gone on with"
    );
    assert!(
        computed(&folder.join(".vp"), "s") == expected,
        "the same bits after {stops} stops"
    );
}

#[test]
fn what_cannot_be_is_refused_with_what_to_do() {
    let refused = |from: &str, to: &str, what: &str| {
        let folder = Folder::with(&[("s.vp", &STUDY.replace(from, to))]);
        let run = folder.vpc("run s.vp");
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(said.contains(what), "{to}: {said}");
    };
    refused(
        "visual_tokens: 4",
        "visual_tokens: 5",
        "5 visual tokens make no square",
    );
    refused(
        "[place, colour, fact]",
        "[place, color, fact]",
        "did you mean `colour`?",
    );
    refused(
        "family: clip",
        "family: vit",
        "`contrastive(…)` trains encoders of the family `clip`",
    );
    refused(
        "side: test), items: 8, format: likelihood",
        "side: tests), items: 8, format: likelihood",
        "`tests` is no side",
    );
    refused(
        "layer:         1",
        "layer:         7",
        "layer 7 from the end",
    );
    refused("context: 96", "context: 6", "fits the context of 6 tokens");
    refused(
        "labels.perceived: 40",
        "labels.perceived: 30",
        "items and the study says",
    );
    refused(
        "train: [projector, model], rate: 0.002, batch: 8, epochs: 2 }",
        "train: [projector, model], rate: 0.002, batch: 8, epochs: 2, images: maybe }",
        "maybe",
    );
}

#[test]
fn studies_know_the_worlds_words() {
    let kinds = vpc_data::world::ItemKind::ALL.map(|kind| kind.to_string());
    let kinds = kinds.join(", ");
    let styles = vpc_data::world::Style::ALL;
    let styles = styles.map(|style| format!("category c_{style} {{ source: world({style}) }}\n"));
    let text = format!(
        "dataset d {{ source: scenes([{kinds}]), items: 100 }}\n{}{STUDY}",
        styles.join("")
    );
    let folder = Folder::with(&[("s.vp", &text)]);
    folder.vpc("check s.vp").ends(0);
}
