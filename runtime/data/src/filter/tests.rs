//! Filters: what each clause lets through, and that a choice parts a source.

use proptest::prelude::*;

use super::{Clause, Filter};
use crate::source::Document;

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn any(of: &[&str]) -> Filter {
    Filter(vec![Clause::Any(words(of))])
}

fn passes(filter: &Filter, text: &str, labels: &[&str]) -> bool {
    let labels = words(labels);
    filter.passes(Document {
        text,
        labels: &labels,
    })
}

/// The parts that a choice among these filters makes of what passes them.
fn parts(among: &[Filter]) -> Vec<Filter> {
    let part = |this| {
        Filter(vec![Clause::Chosen {
            among: among.to_vec(),
            this,
        }])
    };
    (0..among.len()).map(part).collect()
}

#[test]
fn clauses_say_what_they_say() {
    let none = Filter(vec![Clause::None(words(&["a", "b"]))]);
    let both = Filter(vec![Clause::Any(words(&["a"])), Clause::Any(words(&["b"]))]);
    let outside = Filter(vec![Clause::Outside(both.clone())]);
    let answers = |labels: &[&str]| {
        [
            &Filter::default(),
            &any(&["a", "b"]),
            &none,
            &both,
            &outside,
        ]
        .map(|filter| passes(filter, "text", labels))
    };
    assert_eq!(answers(&[]), [true, false, true, false, true]);
    assert_eq!(answers(&["c"]), [true, false, true, false, true]);
    assert_eq!(answers(&["a"]), [true, true, false, false, true]);
    assert_eq!(answers(&["b", "a"]), [true, true, false, true, false]);
}

#[test]
fn a_choice_is_even_and_pinned() {
    let parts = parts(&[any(&["a"]), any(&["b"])]);
    let first = |n: &usize| passes(&parts[0], &format!("document {n}"), &["a", "b"]);
    let chosen: Vec<usize> = (0..1000).filter(first).collect();
    assert!((440..560).contains(&chosen.len()), "{}", chosen.len());
    assert_eq!(chosen[..8], PINNED);
}

const PINNED: [usize; 8] = [1, 3, 7, 8, 9, 10, 12, 14];

#[test]
fn a_split_of_a_split_is_even_too() {
    let outer = parts(&[any(&["a"]), any(&["b"])]);
    let inner: Vec<Filter> = ["c", "d"]
        .iter()
        .map(|word| Filter([outer[0].0.clone(), any(&[*word]).0].concat()))
        .collect();
    let inner = parts(&inner);
    let count = |filter: &Filter| {
        let text = |n: &usize| passes(filter, &format!("document {n}"), &["a", "b", "c", "d"]);
        (0..1000).filter(text).count()
    };
    assert_eq!(count(&inner[0]) + count(&inner[1]), count(&outer[0]));
    assert!(
        (200..300).contains(&count(&inner[0])),
        "{}",
        count(&inner[0])
    );
}

#[test]
fn parts_with_different_lists_agree_on_whose_a_document_is() {
    // `a` and `c` never meet, so neither is in the other's list; `b` meets both.
    let a = Filter(vec![
        Clause::Any(words(&["a"])),
        Clause::None(words(&["c"])),
    ]);
    let (b, c) = (any(&["b"]), any(&["c"]));
    let chosen = |among: &[&Filter], this| {
        let among = among.iter().map(|filter| (*filter).clone()).collect();
        Filter(vec![Clause::Chosen { among, this }])
    };
    let parts = [
        chosen(&[&a, &b], 0),
        chosen(&[&a, &b, &c], 1),
        chosen(&[&b, &c], 1),
    ];
    for n in 0..200 {
        for labels in [&["a", "b"][..], &["b", "c"], &["a"], &["b"], &["c"]] {
            let text = format!("document {n}");
            let takers = parts.iter().filter(|part| passes(part, &text, labels));
            assert_eq!(takers.count(), 1, "{text} {labels:?}");
        }
    }
}

proptest! {
    #[test]
    fn a_choice_takes_each_document_that_passes_once(
        text in ".{0,20}",
        labels in proptest::sample::subsequence(vec!["a", "b", "c", "d"], 0..=4),
        lists in proptest::collection::btree_set(
            proptest::sample::subsequence(vec!["a", "b", "c", "d"], 1..=4), 1..5),
    ) {
        let among: Vec<Filter> = lists.iter().map(|list| any(list)).collect();
        let takers = parts(&among).iter().filter(|part| passes(part, &text, &labels)).count();
        let passed = among.iter().any(|filter| passes(filter, &text, &labels));
        prop_assert_eq!(takers, usize::from(passed));
    }
}
