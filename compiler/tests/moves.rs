//! Where declarations stand, what they are called and how they are laid out moves no key.

#![expect(clippy::disallowed_methods, reason = "a test reads its files")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use common::{compile_with, plan};
use proptest::prelude::*;
use vpc_compiler::grammar::{Sources, format};
use vpc_compiler::plan::{Key, Plan};

/// Declarations, each with its name; each uses only earlier ones. No name is a word of the language.
const ITEMS: &[(&str, &str)] = &[
    (
        "plays",
        "category plays { source: text(\"data/p.txt\"), held_out: 10% }\n",
    ),
    (
        "facts",
        "category facts { source: world(encyclopedia, seed: 2, size: 1 MiB) }\n",
    ),
    ("inner", "mixture inner { plays: 40%, facts: rest }\n"),
    (
        "dose",
        "mixture dose(part: share) { inner: part, plays: rest }\n",
    ),
    (
        "tiny",
        "scale tiny { layers: 1, width: 16, heads: 2, context: 16, batch: 4, rate: 0.01 }\n",
    ),
    ("budget", "let budget = 10k tokens\n"),
    (
        "bpe",
        "tokenizer bpe { vocabulary: 300, data: dose(50%), sample: 1 MiB }\n",
    ),
];

const STUDY: &str = "experiment study {\n  vary part: [20%, 40%]\n  pretrain base { model: tiny, \
    data: dose(part), tokenizer: bpe, tokens: budget }\n  \
    eval fit { from: base, suite: held_out([plays, facts]) }\n}\n";

fn keys(plan: &Plan) -> BTreeSet<Key> {
    plan.jobs.iter().map(|job| job.key).collect()
}

fn items() -> String {
    ITEMS.iter().map(|item| item.1).collect()
}

fn base() -> BTreeSet<Key> {
    keys(&plan(&(items() + STUDY)))
}

/// Puts other words in the place of names; what stands in quotes stays.
fn renamed(text: &str, names: &BTreeMap<&str, String>) -> String {
    let mut new = String::new();
    for (at, part) in text.split('"').enumerate() {
        new += if at > 0 { "\"" } else { "" };
        let mut rest = part;
        while let Some(first) = rest.chars().next() {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let end = rest
                .find(|c| !word(c))
                .unwrap_or(rest.len())
                .max(first.len_utf8());
            let (token, after) = rest.split_at(end);
            let other = names.get(token).filter(|_| at % 2 == 0);
            new += other.map_or(token, String::as_str);
            rest = after;
        }
    }
    new
}

/// The keys of a study of two files.
fn of_two(main: &str, path: &str, other: &str) -> BTreeSet<Key> {
    let compiled = compile_with(main, &[(path, other)]);
    let problems: Vec<_> = compiled
        .problems
        .iter()
        .map(|problem| &problem.message)
        .collect();
    let plan = compiled.plan.as_ref();
    keys(plan.unwrap_or_else(|| panic!("{problems:?}\n{main}\n--- {path} ---\n{other}")))
}

#[test]
fn formatting_published_files_leaves_their_plans() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = 0;
    for folder in ["tests/corpus/good", "experiments"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                continue;
            }
            let text = std::fs::read_to_string(path).unwrap();
            let mut sources = Sources::default();
            // As a careless hand writes it: no alignment, other spaces.
            let id = sources.add("study.vp", text.replace(":  ", ":").replace(", ", " ,  "));
            let formatted = format(sources.get(id).unwrap()).unwrap();
            assert_eq!(keys(&plan(&text)), keys(&plan(&formatted)), "{formatted}");
            files += 1;
        }
    }
    assert!(files > 4);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// The first declarations move to another file, which is used under a name.
    #[test]
    fn another_file_under_a_name(moved in 1..=ITEMS.len(), word in "[b-z]{3}_x", below: bool) {
        let (there, here) = ITEMS.split_at(moved);
        let other: String = there.iter().map(|item| item.1).collect();
        let names = there.iter().map(|item| (item.0, format!("{word}.{}", item.0))).collect();
        let rest: String = here.iter().map(|item| item.1).chain([STUDY]).collect();
        // Paths of data are relative to the file, and only their content counts.
        let path = if below { "parts/other.vp" } else { "other.vp" };
        let main = format!("use \"{path}\" as {word}\n{}", renamed(&rest, &names));
        prop_assert_eq!(of_two(&main, path, &other), base(), "{}", main);
    }

    /// Every name is another, the order is another.
    #[test]
    fn names_and_order(
        names in prop::collection::btree_set("[a-z]{2}_[a-z0-9]{1,3}", ITEMS.len() + 4),
        order in Just((0..=ITEMS.len()).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let old = ITEMS.iter().map(|item| item.0).chain(["study", "part", "base", "fit"]);
        let names: BTreeMap<&str, String> = old.zip(names).collect();
        let texts: Vec<&str> = ITEMS.iter().map(|item| item.1).chain([STUDY]).collect();
        let text: String = order.iter().map(|&at| texts[at]).collect();
        let text = renamed(&text, &names);
        prop_assert!(!text.contains("plays"));
        prop_assert_eq!(keys(&plan(&text)), base(), "{}", text);
    }
}
