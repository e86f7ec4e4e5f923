//! Early cutoff: what comes out as before moves nothing that is made of it.

mod common;

use std::fs;

use common::{Folder, manifest, manifests, object};

const STUDY: &str = r#"
category code { source: world(code, size: 32 KiB) }
category pages { source: jsonl("data/pages.jsonl", field: "text") }
category more { source: jsonl("data/more.jsonl", field: "text") }
mixture m { code: 40%, pages: 35%, more: rest }
tokenizer bpe { vocabulary: 300, data: m, sample: 16 KiB }
scale tiny { layers: 1, width: 16, heads: 2, context: 32, batch: 4 }
experiment e {
  vary seed: 1..2
  pretrain base { model: tiny, data: m, tokenizer: bpe, tokens: 4096, seed: seed, keep: [2048] }
  eval fit { from: base, suite: held_out([code, pages, more]) }
  eval early { from: base.at(2048), suite: held_out([pages]) }
  report r { table t { cells: [fit.code, fit.pages, fit.more], rows: seed } }
}
"#;

fn pages(what: &str, marks: usize) -> String {
    let line = |at: usize| {
        let words = format!("{what} {at} says {}", at * at);
        format!("{{\"text\": \"{words}\", \"mark\": {marks}}}\n")
    };
    (0..300).map(line).collect()
}

fn finished() -> Folder {
    let folder = Folder::with(&[("s.vp", STUDY)]);
    folder.write("data/pages.jsonl", pages("page", 1));
    folder.write("data/more.jsonl", pages("more", 1));
    folder.vpc("run s.vp").ends(0);
    folder
}

/// The numbers of a study without the keys of the jobs that measured them.
fn numbers(folder: &Folder) -> Vec<String> {
    let text = folder.read(".vp/results/s/results.csv");
    let mut lines = text.lines();
    let heading: Vec<&str> = lines.next().unwrap().split(',').collect();
    let key = heading.iter().position(|name| *name == "key").unwrap();
    lines
        .map(|line| {
            let mut cells: Vec<&str> = line.split(',').collect();
            cells.remove(key);
            cells.join(",")
        })
        .collect()
}

#[test]
fn a_field_nobody_reads_moves_only_the_corpus() {
    let folder = finished();
    let expected = numbers(&folder);
    let before = manifests(&folder.join(".vp"));
    // Several times, so that keys come to stand in other orders.
    for marks in 2..6 {
        folder.write("data/pages.jsonl", pages("page", marks));
        folder.vpc("run s.vp").ends(1);
        let run = folder.vpc("run s.vp --accept-changes").ends(0);
        assert_eq!(run.named("done"), ["corpus/pages"], "{}", run.stderr);
        assert_eq!(run.named("reused").len(), 1 + 3 + 2 * 4, "{}", run.stderr);
        assert_eq!(numbers(&folder), expected);
        let again = folder.vpc("run s.vp").ends(0);
        assert!(again.stderr.contains("nothing to do"), "{}", again.stderr);
    }
    let after = manifests(&folder.join(".vp"));
    assert_eq!(after.len(), before.len() + 4 * (1 + 1 + 3 + 2 * 4));
    folder.vpc("store verify").ends(0);
}

#[test]
fn what_really_differs_is_done_again() {
    let folder = finished();
    let expected = numbers(&folder);
    folder.write("data/pages.jsonl", pages("Page", 1));
    let run = folder.vpc("run s.vp --accept-changes").ends(0);
    assert_eq!(run.named("reused"), Vec::<String>::new(), "{}", run.stderr);
    assert_ne!(numbers(&folder), expected);
}

#[test]
fn reused_work_is_the_work_itself() {
    // Done from scratch under the new keys, it comes out in the same bits.
    let folder = finished();
    folder.write("data/pages.jsonl", pages("page", 9));
    folder.vpc("run s.vp --accept-changes").ends(0);
    let fresh = Folder::with(&[("s.vp", STUDY)]);
    fresh.write("data/pages.jsonl", pages("page", 9));
    fresh.write("data/more.jsonl", pages("more", 1));
    fresh.vpc("run s.vp").ends(0);
    for (key, (_, made)) in manifests(&fresh.join(".vp")) {
        let (_, reused) = manifests(&folder.join(".vp")).remove(&key).unwrap();
        assert_eq!(reused["files"], made["files"], "{made}");
        assert_eq!(reused["metrics"], made["metrics"], "{made}");
    }
}

#[test]
fn a_damaged_model_is_not_reused() {
    let folder = finished();
    let expected = numbers(&folder);
    let (_, base) = manifest(&folder.join(".vp"), "e/base[seed=1]").unwrap();
    let model = object(&folder.join(".vp"), &base, "model.safetensors");
    fs::remove_file(model).unwrap();
    folder.write("data/pages.jsonl", pages("page", 2));
    let run = folder.vpc("run s.vp --accept-changes").ends(0);
    assert!(
        run.named("done").contains(&"e/base[seed=1]".to_owned()),
        "{}",
        run.stderr
    );
    assert!(
        run.named("reused").contains(&"e/base[seed=2]".to_owned()),
        "{}",
        run.stderr
    );
    assert_eq!(numbers(&folder), expected);
}
