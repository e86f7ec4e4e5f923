//! The split: by content, stable, inhabited on both sides.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use proptest::prelude::*;

use super::{CorpusStats, HeldOut, build_corpus};
use crate::documents::documents;
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
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let mut lines = String::new();
    for text in texts {
        writeln!(lines, "{}", serde_json::json!({ "text": text })).unwrap();
    }
    fs::write(&path, lines).unwrap();
    let source = Source::Jsonl {
        path,
        fields: vec!["text".into()],
        join: String::new(),
    };
    let (mut train, mut held) = (Vec::new(), Vec::new());
    let stats = build_corpus(&source, share, &mut train, &mut held).map_err(|error| {
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
