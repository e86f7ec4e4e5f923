//! Published benchmarks: planned until their files are there, then asked like any other.

mod common;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::{Folder, answers, filed};
use image::{ExtendedColorType, ImageEncoder};
use serde_json::Value;

const STUDY: &str = r"
use std.bench
category web { source: world(web, size: 96 KiB) }
tokenizer bpe { vocabulary: 300, data: web, sample: 64 KiB }
scale tiny { layers: 1, width: 32, heads: 2, context: 96, batch: 4, rate: 0.003 }
dataset captions { source: scenes([caption], seed: 1), items: 24 }
encoder drawn {
  family: dinov2, layers: 1, width: 16, heads: 2, patch: 8, image: 32, weights: initial(seed: 3)
}
adaptation sight {
  encoder: drawn, projector: mlp(layers: 2), visual_tokens: 4, layer: 1
  stage align { data: captions, train: [projector, model], rate: 0.002, batch: 8 }
}
benchmark signs   = bench.textvqa with { items: 3 }
benchmark blanks  = bench.winogrande with { items: 2 }
benchmark endings = bench.hellaswag with { items: 2 }
benchmark last    = bench.lambada with { items: 2 }
suite seen   { group signs { benchmarks: [signs] } }
suite said   { group words { benchmarks: [blanks, endings] } }
suite fluent { group texts { benchmarks: [last] } }
experiment e {
  pretrain base { model: tiny, data: web, tokenizer: bpe, tokens: 8k }
  adapt vlm   { from: base, setup: sight }
  eval looks  { from: vlm, suite: seen }
  eval blind  { from: vlm, suite: seen, images: false }
  eval knows  { from: base, suite: said }
  eval reads  { from: base, suite: fluent }
}
";

fn picture(shade: u8) -> String {
    let mut bytes = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
    let pixels = (0..8 * 8 * 3).map(|at: u8| at.wrapping_mul(shade));
    let pixels: Vec<u8> = pixels.collect();
    encoder
        .write_image(&pixels, 8, 8, ExtendedColorType::Rgb8)
        .unwrap();
    STANDARD.encode(bytes)
}

/// Puts the files of the four sets into a folder.
fn publish(folder: &Folder, root: &str) {
    let table = format!(
        "index\timage\tquestion\tanswer\n\
         1\t{}\tWhat does the sign say?\t\"['stop', 'stop', 'stop', 'stop', 'go', 'go', 'go', 'go', 'go', 'go']\"\n\
         2\t1\tWho wrote it?\t['tom']\n\
         3\t{}\tHow many?\t['2', 'two']\n",
        picture(3),
        picture(5)
    );
    folder.write(&format!("{root}/textvqa/TextVQA_VAL.tsv"), table);
    folder.write(
        &format!("{root}/winogrande/dev.jsonl"),
        "{\"qID\": \"a\", \"sentence\": \"The cup fits the crate because the _ is large.\", \"option1\": \"cup\", \"option2\": \"crate\", \"answer\": \"2\"}\n\
         {\"qID\": \"b\", \"sentence\": \"Tom helped Ann as _ was kind.\", \"option1\": \"Tom\", \"option2\": \"Ann\", \"answer\": \"1\"}\n",
    );
    folder.write(
        &format!("{root}/hellaswag/hellaswag_val.jsonl"),
        "{\"ind\": 1, \"activity_label\": \"Cooking\", \"ctx_a\": \"A pot is hot.\", \"ctx_b\": \"it\", \"endings\": [\"boils.\", \"sings.\", \"reads.\", \"flies away.\"], \"label\": 0}\n\
         {\"ind\": 2, \"activity_label\": \"Walking\", \"ctx_a\": \"A dog runs.\", \"ctx_b\": \"\", \"endings\": [\"It stops.\", \"It is red.\", \"It writes.\", \"It adds.\"], \"label\": 0}\n",
    );
    folder.write(
        &format!("{root}/lambada/lambada_test_plain_text.txt"),
        "the ball is to the left of the cup\nshe saw a red ball\n",
    );
}

#[test]
fn what_is_missing_is_told_before_anything_is_trained() {
    let folder = Folder::with(&[("s.vp", STUDY)]);
    folder.vpc("check s.vp").ends(0);
    let plan = folder.vpc("plan s.vp --json").ends(0).stdout;
    let plan: Value = serde_json::from_str(&plan).unwrap();
    assert!(plan.to_string().contains("TextVQA validation"));
    let refused = folder.vpc("run s.vp").ends(1);
    insta::assert_snapshot!(refused.stderr, @r"
    error: nothing was begun: dataset/signs is only planned (TextVQA validation): there is no `benchmarks/textvqa/TextVQA_VAL.tsv`; get it from https://opencompass.openxlab.space/utils/VLMEval/TextVQA_VAL.tsv, and put it there (6 such jobs in all; `vpc plan` tells more)
      e/knows.blanks is only planned (WinoGrande validation): there is no `benchmarks/winogrande/dev.jsonl`; get it from https://winogrande.allenai.org, `winogrande_1.1.zip`, and put it there
      e/knows.endings is only planned (HellaSwag validation): there is no `benchmarks/hellaswag/hellaswag_val.jsonl`; get it from https://github.com/rowanz/hellaswag/tree/master/data, and put it there
      e/reads.last is only planned (LAMBADA test): there is no `benchmarks/lambada/lambada_test.jsonl`; get it from Hugging Face, EleutherAI/lambada_openai, and put it there
    ");
    assert!(!folder.join(".vp").exists(), "nothing is begun");
    // Of a release of which something is there, the rest is wanted.
    let study = STUDY.replace("bench.winogrande", "bench.piqa");
    folder.write("p.vp", study);
    folder.write("benchmarks/piqa/valid.jsonl", "{}\n");
    let shown = folder.vpc("data show p.vp blanks").ends(1);
    insta::assert_snapshot!(shown.stderr, @"error: blanks: the job is only planned (PIQA validation): there is no `benchmarks/piqa/valid-labels.lst`; get it from https://yonatanbisk.com/piqa/data/, and put it there");
}

#[test]
fn files_beside_the_study_are_asked() {
    let folder = Folder::with(&[("s.vp", STUDY)]);
    publish(&folder, "benchmarks");
    let shown = folder.vpc("data show s.vp blanks --count 1").ends(0);
    insta::assert_snapshot!(shown.stdout, @r"
    blanks: benchmark of `benchmarks/winogrande/dev.jsonl`

    item 1, `a`
      question The cup fits the crate because the _ is large.
      option   cup
      option   crate (right)
      answer   crate
    ");
    let shown = folder
        .vpc("data show s.vp last --count 1 --seed 1 --format json")
        .ends(0);
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(shown["kind"], "benchmark");
    assert_eq!(shown["samples"][0]["form"], "continued");

    folder.vpc("run s.vp").ends(0);
    let metrics = |name: &str| filed(&folder, name)["metrics"].clone();
    assert_eq!(metrics("dataset/signs")["items"], 3);
    for name in ["looks.signs", "blind.signs"] {
        let found = metrics(&format!("e/{name}"));
        assert_eq!(found["items"], 3);
        assert!((0.0..=1.0).contains(&found["value"].as_f64().unwrap()));
    }
    // The endings are alike, and what stands before them is not.
    let lines = answers(&folder, "e/knows.blanks");
    let line = &lines[0];
    let scores = line["log_likelihoods"].as_array().unwrap();
    assert_eq!(line["lengths"], serde_json::json!([9, 9]));
    assert!(scores.len() == 2 && scores[0] != scores[1], "{line}");
    let best = usize::from(scores[1].as_f64() > scores[0].as_f64());
    assert_eq!(line["answer"], best);
    assert_eq!(line["right"], best == 1);
    assert_eq!(
        answers(&folder, "e/knows.endings")[0]["lengths"],
        serde_json::json!([6, 6, 6, 11])
    );
    // Perplexity by the word: two words, however many tokens they have.
    let found = metrics("e/reads.last");
    assert_eq!((&found["tokens"], &found["items"]), (&2.into(), &2.into()));
    let nats: f64 = answers(&folder, "e/reads.last")
        .iter()
        .map(|line| line["log_likelihoods"][0].as_f64().unwrap())
        .sum();
    assert!((found["value"].as_f64().unwrap() - (-nats / 2.0).exp()).abs() < 1e-9);

    // Where files lie is nothing to the results.
    std::fs::rename(folder.join("benchmarks"), folder.join("elsewhere")).unwrap();
    let mut command = folder.command("run s.vp");
    command.env("VPC_BENCHMARKS", folder.join("elsewhere"));
    let again = common::Run::of(command.output().unwrap()).ends(0);
    assert!(again.named("done").is_empty(), "{}", again.stderr);
}

#[test]
fn other_numbers_of_questions_and_damage_are_told() {
    let folder = Folder::with(&[("s.vp", STUDY)]);
    publish(&folder, "benchmarks");
    folder.write(
        "w.vp",
        STUDY.replace("winogrande with { items: 2 }", "winogrande"),
    );
    let run = folder.vpc("run w.vp --only e/knows").ends(1);
    let count = "`benchmarks/winogrande/dev.jsonl` has 2 items and the study says `items: 1267`; set `items: 2`";
    assert!(run.stderr.contains(count), "{}", run.stderr);
    folder.write(
        "benchmarks/winogrande/dev.jsonl",
        "{\"sentence\": \"no blank\"}\n",
    );
    let run = folder.vpc("run s.vp --only e/knows").ends(1);
    let damage = "`benchmarks/winogrande/dev.jsonl` line 1: its `sentence` has no blank `_`";
    assert!(run.stderr.contains(damage), "{}", run.stderr);
}
