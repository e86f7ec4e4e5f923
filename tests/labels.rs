//! Parts of a labelled source: which documents they take, and what is said where there are no labels.

mod common;

use std::collections::BTreeSet;
use std::fs;

use common::{Folder, manifest, object};
use serde_json::{Value, json};

/// Of six hundred pages every second is about code and every third about maths.
const STUDY: &str = r#"
label coding   { word: "code" }
label counting { word: "math" }
label either   { any: [coding, counting] }

category pages {
  source: jsonl("pages.jsonl", labels: "about")
  held_out: 10%
  labels.coding: 50%, labels.counting: 1/3, labels.either: 2/3
}

mixture code = only(pages, coding)
mixture math = only(pages, counting)
mixture rest_of_it = without(pages, either)
mixture m { overlap: split, code: 40%, math: 30%, rest_of_it: rest }

tokenizer bpe { vocabulary: 300, data: pages }
scale tiny { layers: 1, width: 16, heads: 2, context: 16, batch: 4 }

experiment e {
  pretrain base { model: tiny, data: m, tokenizer: bpe, tokens: 1k }
  eval fit { from: base, suite: held_out([pages]) }
}
"#;

fn page(n: usize) -> Value {
    let text = format!("page {n} of the book, which says {} and {}", n * n, n % 7);
    match (n.is_multiple_of(2), n.is_multiple_of(3)) {
        (true, true) => json!({ "text": text, "about": ["math", "code"] }),
        (true, false) => json!({ "text": text, "about": "code" }),
        (false, true) => json!({ "text": text, "about": ["math"] }),
        (false, false) => json!({ "text": text }),
    }
}

fn folder(study: &str) -> Folder {
    let pages: String = (0..600).map(|n| format!("{}\n", page(n))).collect();
    Folder::with(&[("s.vp", study), ("pages.jsonl", &pages)])
}

/// The documents of a corpus, those to train on and those held out, and how many were left out.
fn corpus(folder: &Folder, name: &str) -> ([BTreeSet<String>; 2], Value) {
    let store = folder.join(".vp");
    let (_, job) = manifest(&store, name).unwrap_or_else(|| panic!("no {name}"));
    let read = |file| documents(&fs::read(object(&store, &job, file)).unwrap());
    let sides = ["train.docs", "held.docs"].map(read);
    (sides, job["metrics"]["left_out"].clone())
}

/// A header of twelve bytes, then each text behind its length.
fn documents(file: &[u8]) -> BTreeSet<String> {
    let (mut rest, mut found) = (&file[12..], BTreeSet::new());
    while let Some((length, after)) = rest.split_first_chunk() {
        let (text, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        found.insert(String::from_utf8(text.to_vec()).unwrap());
        rest = after;
    }
    found
}

fn about(text: &str, word: &str) -> bool {
    let number = text.split(' ').nth(1).unwrap().parse().unwrap();
    let labels = &page(number)["about"];
    labels == word
        || labels
            .as_array()
            .is_some_and(|list| list.contains(&json!(word)))
}

#[test]
fn a_split_takes_each_document_once() {
    let folder = folder(STUDY);
    let names = folder.vpc("plan s.vp --jobs").ends(0).stdout;
    folder.vpc("run s.vp").ends(0);
    let (whole, none) = corpus(&folder, "corpus/pages");
    assert_eq!(none, Value::Null);
    let parts: Vec<&str> = names
        .split_whitespace()
        .filter(|word| word.starts_with("corpus/pages."))
        .collect();
    assert_eq!(parts.len(), 3, "{names}");
    let parts: Vec<_> = parts.iter().map(|name| corpus(&folder, name)).collect();
    for (sides, left_out) in &parts {
        let taken = sides[0].len() + sides[1].len();
        assert_eq!(left_out, 600 - taken);
        // A document is on the same side in the part as in the whole.
        assert!(sides[0].is_subset(&whole[0]) && sides[1].is_subset(&whole[1]));
    }
    for side in 0..2 {
        let sizes: usize = parts.iter().map(|(sides, _)| sides[side].len()).sum();
        let all: BTreeSet<_> = parts.iter().flat_map(|(sides, _)| &sides[side]).collect();
        assert_eq!((sizes, all.len()), (whole[side].len(), whole[side].len()));
    }
    let both = |n: usize| {
        let sides = parts[n].0.iter().flatten();
        sides
            .filter(|text| about(text, "code") && about(text, "math"))
            .count()
    };
    let shared = [both(0), both(1), both(2)];
    assert_eq!(shared.iter().sum::<usize>(), 100);
    assert_eq!(
        shared
            .iter()
            .filter(|count| (30..70).contains(*count))
            .count(),
        2
    );
}

#[test]
fn the_first_part_takes_what_it_can_and_allow_counts_twice() {
    for (policy, sizes) in [("first", [300, 100]), ("allow", [300, 200])] {
        let study = STUDY
            .replace("overlap: split", &format!("overlap: {policy}"))
            .replace("tokenizer: bpe, tokens: 1k", "tokenizer: bpe, tokens: 0");
        let folder = folder(&study);
        let names = folder.vpc("plan s.vp --jobs").ends(0).stdout;
        folder.vpc("run s.vp").ends(0);
        let sizes_found: BTreeSet<usize> = names
            .split_whitespace()
            .filter(|word| word.starts_with("corpus/pages."))
            .map(|name| corpus(&folder, name).0.iter().map(BTreeSet::len).sum())
            .collect();
        let expected = BTreeSet::from([sizes[0], sizes[1], 200]);
        assert_eq!(sizes_found, expected, "{policy}: {names}");
    }
}

#[test]
fn labels_of_another_kind_name_their_line() {
    let folder = folder(STUDY);
    let mut pages = folder.read("pages.jsonl");
    pages.push_str("{\"text\": \"the last page\", \"about\": {\"code\": true}}\n");
    folder.write("pages.jsonl", pages);
    let run = folder.vpc("run s.vp").ends(1);
    let message = "pages.jsonl` line 601: field `about` is an object where labels are needed; \
                   write a string such as `\"code\"`, or an array of strings";
    assert!(run.stderr.contains(message), "{}", run.stderr);
}

#[test]
fn a_part_without_documents_is_told() {
    let folder = folder(&STUDY.replace("\"math\"", "\"maths\""));
    let run = folder.vpc("run s.vp").ends(1);
    let message = "none of the 600 documents of `";
    assert!(run.stderr.contains(message), "{}", run.stderr);
}

#[test]
fn sources_without_labels_are_refused_before_anything_is_begun() {
    let jsonl = "jsonl(\"pages.jsonl\", labels: \"about\")";
    for (source, why) in [
        (
            "jsonl(\"pages.jsonl\")",
            "its source does not say where the labels are: name their field, `jsonl(\"",
        ),
        (
            "text(\"pages.jsonl\")",
            "plain text has no labels: give the category a source that has them, `jsonl(\"…\", labels: \"labels\")`",
        ),
        (
            "world(web, size: 64 KiB)",
            "the world has no labels: give the category a source that has them, `jsonl(\"…\", labels: \"labels\")`",
        ),
    ] {
        let folder = folder(&STUDY.replace(jsonl, source));
        let plan = folder.vpc("plan s.vp --jobs").ends(0).stdout;
        let run = folder.vpc("run s.vp").ends(1);
        for text in [&plan, &run.stderr] {
            assert!(
                text.contains("chooses text by label") && text.contains(why),
                "{text}"
            );
        }
        assert!(
            run.stderr.starts_with("error: nothing was begun: "),
            "{}",
            run.stderr
        );
        assert!(!folder.join(".vp").exists());
    }
}
