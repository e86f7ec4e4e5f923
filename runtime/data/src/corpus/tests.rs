//! The split: by content, stable, inhabited on both sides.

use std::collections::BTreeSet;
use std::fs;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{CorpusStats, HeldOut, build_corpus};
use crate::documents::documents;
use crate::filter::{Clause, Filter};
use crate::source::Source;

const TENTH: HeldOut = HeldOut {
    numerator: 1,
    denominator: 10,
};

struct Built {
    train: Vec<String>,
    held: Vec<String>,
    stats: CorpusStats,
}

fn build(texts: &[String], share: HeldOut) -> Result<Built, String> {
    let lines: Vec<_> = texts.iter().map(|text| json!({ "text": text })).collect();
    build_part(&lines, &Filter::default(), share)
}

fn build_part(lines: &[Value], filter: &Filter, share: HeldOut) -> Result<Built, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(&path, lines).unwrap();
    let source = Source::Jsonl {
        path,
        fields: vec!["text".into()],
        join: String::new(),
        labels: Some("labels".into()),
    };
    let (mut train, mut held) = (Vec::new(), Vec::new());
    let stats = build_corpus(&source, filter, share, &mut train, &mut held).map_err(|error| {
        error
            .to_string()
            .replace(&folder.path().display().to_string(), ".")
    })?;
    let list = |bytes| {
        documents(bytes)
            .unwrap()
            .map(|text| text.unwrap().to_owned())
            .collect()
    };
    Ok(Built {
        train: list(&train),
        held: list(&held),
        stats,
    })
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("document {n}")).collect()
}

#[test]
fn about_the_share_is_held_out_and_counted() {
    let built = build(&numbered(2000), TENTH).unwrap();
    assert!(
        (150..250).contains(&built.held.len()),
        "{}",
        built.held.len()
    );
    assert_eq!(built.stats.train.documents, built.train.len() as u64);
    assert_eq!(built.stats.held_out.documents, built.held.len() as u64);
    let bytes = built
        .train
        .iter()
        .map(|text| text.len() as u64)
        .sum::<u64>();
    assert_eq!(built.stats.train.bytes, bytes);
}

#[test]
fn the_split_is_pinned() {
    let held = build(&numbered(30), TENTH).unwrap().held;
    assert_eq!(held, PINNED);
}

const PINNED: [&str; 2] = ["document 0", "document 19"];

#[test]
fn both_sides_are_always_inhabited() {
    let rarely = HeldOut {
        numerator: 1,
        denominator: u64::MAX,
    };
    let mostly = HeldOut {
        numerator: u64::MAX - 1,
        denominator: u64::MAX,
    };
    let mut texts = numbered(20);
    let one = build(&texts, rarely).unwrap();
    assert_eq!((one.held.len(), one.train.len()), (1, 19));
    let other = build(&texts, mostly).unwrap();
    assert_eq!((other.held.len(), other.train.len()), (19, 1));
    texts.extend(one.held.clone());
    assert_eq!(build(&texts, rarely).unwrap().held.len(), 2);
}

#[test]
fn one_distinct_document_is_too_few() {
    let same = vec!["same".to_owned(), "same".to_owned()];
    assert_eq!(
        build(&same, TENTH).err().unwrap(),
        "`./a.jsonl` has one distinct document and a held-out part needs a second one; add text"
    );
}

/// Documents of which every second is about `a`, every third about `b`, and the odd rest about nothing.
fn labelled(count: usize) -> Vec<Value> {
    let line = |n: usize| {
        let about = [("a", n.is_multiple_of(2)), ("b", n.is_multiple_of(3))];
        let labels: Vec<_> = about.iter().filter(|one| one.1).map(|one| one.0).collect();
        json!({ "text": format!("document {n}"), "labels": labels })
    };
    (0..count).map(line).collect()
}

fn any(word: &str) -> Filter {
    Filter(vec![Clause::Any(vec![word.to_owned()])])
}

fn all_of(built: Built) -> Vec<String> {
    [built.train, built.held].concat()
}

#[test]
fn a_filter_leaves_documents_out_and_moves_none() {
    let whole = build_part(&labelled(600), &Filter::default(), TENTH).unwrap();
    let part = build_part(&labelled(600), &any("b"), TENTH).unwrap();
    assert_eq!(whole.stats.left_out, None);
    assert_eq!(part.stats.left_out, Some(400));
    assert_eq!(part.train.len() + part.held.len(), 200);
    assert!(part.train.iter().all(|text| whole.train.contains(text)));
    assert!(part.held.iter().all(|text| whole.held.contains(text)));
}

#[test]
fn the_parts_of_a_split_are_the_whole() {
    let lines = labelled(600);
    let among = vec![any("a"), any("b")];
    let part = |this| {
        let chosen = Clause::Chosen {
            among: among.clone(),
            this,
        };
        all_of(build_part(&lines, &Filter(vec![chosen]), TENTH).unwrap())
    };
    let rest = Filter(vec![Clause::None(vec!["a".into(), "b".into()])]);
    let rest = all_of(build_part(&lines, &rest, TENTH).unwrap());
    let parts = [part(0), part(1), rest];
    assert_eq!(parts.iter().map(Vec::len).sum::<usize>(), 600);
    let all: BTreeSet<_> = parts.concat().into_iter().collect();
    assert_eq!(all.len(), 600);
    // Of the hundred with both labels, about half go to each; two hundred have `a` alone.
    assert!((220..280).contains(&parts[0].len()), "{}", parts[0].len());
}

#[test]
fn a_part_without_documents_is_named() {
    assert_eq!(
        build_part(&labelled(6), &any("c"), TENTH).err().unwrap(),
        "none of the 6 documents of `./a.jsonl` belongs to this part; compare the labels in it with those that the study asks for"
    );
    assert_eq!(
        build_part(&labelled(3), &any("b"), TENTH).err().unwrap(),
        "this part of `./a.jsonl` has one distinct document and a held-out part needs a second one; add text"
    );
}

#[test]
fn a_share_without_two_sides_is_refused() {
    for (numerator, denominator) in [(0, 10), (1, 1), (3, 2), (0, 0), (1, 0)] {
        assert_eq!(
            build(
                &numbered(3),
                HeldOut {
                    numerator,
                    denominator
                }
            )
            .err()
            .unwrap(),
            format!(
                "a held-out share of {numerator}/{denominator} leaves one side empty; choose a share between 0 and 1"
            )
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn more_documents_move_none(few in 30_usize..200, more in 1_usize..200) {
        let small = build(&numbered(few), HeldOut { numerator: 1, denominator: 3 }).unwrap();
        let large = build(&numbered(few + more), HeldOut { numerator: 1, denominator: 3 }).unwrap();
        let held: BTreeSet<_> = large.held.iter().collect();
        prop_assert!(small.held.iter().all(|text| held.contains(text)));
        prop_assert!(small.train.iter().all(|text| !held.contains(text)));
    }

    #[test]
    fn equal_documents_share_a_side(picks in proptest::collection::vec(0_u8..12, 2..60)) {
        prop_assume!(picks.iter().any(|pick| *pick != picks[0]));
        let texts: Vec<_> = picks.iter().map(|pick| format!("text {pick}")).collect();
        let built = build(&texts, HeldOut { numerator: 1, denominator: 4 }).unwrap();
        let (train, held): (BTreeSet<_>, BTreeSet<_>) =
            (built.train.iter().collect(), built.held.iter().collect());
        prop_assert!(!train.is_empty() && !held.is_empty() && train.is_disjoint(&held));
        prop_assert_eq!(built.train.len() + built.held.len(), texts.len());
    }
}
