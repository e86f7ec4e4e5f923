//! Text does not repeat itself; labels follow from the words, and are as frequent as `docs/world.md` says.

use std::collections::BTreeSet;

use super::truth::{RELATIONS, STYLES, places};
use super::{Labels, Style, documents, text};
use crate::world::words::{COLOURS, KINDS, MATERIALS, SIZES};

/// Of every hundred runs of eight words in 100 documents, how many are different at least.
const DISTINCT: [(Style, usize); 16] = [
    (Style::Web, 91),
    (Style::Code, 60),
    (Style::Math, 89),
    (Style::Encyclopedia, 80),
    (Style::Literature, 91),
    (Style::Academia, 69),
    (Style::Arts, 87),
    (Style::Biology, 70),
    (Style::ComputerScience, 71),
    (Style::Economics, 85),
    (Style::Food, 89),
    (Style::Law, 74),
    (Style::Medicine, 79),
    (Style::Philosophy, 70),
    (Style::Politics, 85),
    (Style::QaForum, 81),
];

#[test]
fn most_runs_of_words_are_new() {
    for (style, least) in DISTINCT {
        let text = text(style, 12, 100);
        let words: Vec<_> = text.split_whitespace().collect();
        let runs: BTreeSet<_> = words.windows(8).collect();
        let share = runs.len() * 100 / words.windows(8).len();
        assert!(share >= least, "{style}: {share} of a hundred");
    }
}

#[test]
fn visual_labels_follow_from_the_words() {
    let shapes = KINDS.iter().map(|kind| kind.shape);
    let materials = MATERIALS
        .iter()
        .flat_map(|one| [one.name, one.adjective, one.feel]);
    let seen = COLOURS.iter().chain(SIZES).chain(&["smaller"]).copied();
    let attributes: BTreeSet<_> = seen.chain(shapes).chain(materials).collect();
    for style in STYLES {
        for document in documents(style, 24, 150) {
            for segment in document.segments {
                let text = segment.text.to_lowercase();
                let has = |word: &str| places(&text, word).next().is_some();
                let names = KINDS
                    .iter()
                    .filter(|kind| style != Style::ComputerScience || kind.one != "table")
                    .any(|kind| has(kind.one) || has(kind.many));
                let coloured = COLOURS.iter().any(|colour| has(colour));
                let related = RELATIONS.iter().any(|(phrase, _)| {
                    places(&text, phrase).any(|at| {
                        let rest = &text[at + phrase.len()..];
                        rest.starts_with(" the ") || rest.starts_with(" it")
                    })
                });
                for (word, label) in [
                    (names, Labels::CONCEPT),
                    (coloured, Labels::ATTRIBUTE),
                    (related, Labels::RELATION),
                ] {
                    assert!(
                        !word || segment.labels.contains(label),
                        "{style} {label}: {text}"
                    );
                }
                let attribute = segment.labels.contains(Labels::ATTRIBUTE);
                assert!(
                    !attribute || attributes.iter().any(|word| has(word)),
                    "{style}: {text}"
                );
            }
        }
    }
}

/// Shares of segments in per cent as in `docs/world.md`: code, math, science; concept, attribute, relation.
#[rustfmt::skip] // a table
const SHARES: [(Style, [u8; 6]); 16] = [
    (Style::Web, [0, 5, 5, 89, 78, 44]),
    (Style::Code, [100, 55, 0, 56, 45, 33]),
    (Style::Math, [0, 100, 0, 50, 35, 11]),
    (Style::Encyclopedia, [0, 4, 17, 84, 73, 42]),
    (Style::Literature, [0, 0, 0, 92, 82, 68]),
    (Style::Academia, [14, 72, 87, 5, 5, 4]),
    (Style::Arts, [0, 2, 2, 90, 68, 47]),
    (Style::Biology, [0, 12, 60, 92, 15, 30]),
    (Style::ComputerScience, [76, 26, 17, 21, 8, 8]),
    (Style::Economics, [0, 48, 32, 10, 7, 4]),
    (Style::Food, [0, 2, 5, 79, 41, 11]),
    (Style::Law, [0, 3, 3, 14, 10, 9]),
    (Style::Medicine, [0, 5, 37, 16, 14, 4]),
    (Style::Philosophy, [0, 21, 21, 18, 12, 5]),
    (Style::Politics, [0, 12, 6, 12, 12, 6]),
    (Style::QaForum, [11, 12, 6, 10, 9, 6]),
];

#[test]
fn labels_are_as_frequent_as_stated() {
    for (style, stated) in SHARES {
        let documents = documents(style, 25, 1000);
        let segments: Vec<_> = documents
            .iter()
            .flat_map(|document| &document.segments)
            .collect();
        for ((label, name), stated) in Labels::ALL.into_iter().zip(stated) {
            let count = segments
                .iter()
                .filter(|segment| segment.labels.contains(label))
                .count();
            let share = (100.0 * count as f64) / segments.len() as f64;
            assert!(
                (share - f64::from(stated)).abs() <= 3.0,
                "{style} {name}: {share:.1} per cent"
            );
        }
    }
}
