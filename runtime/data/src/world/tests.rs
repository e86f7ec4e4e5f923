//! The world: deterministic, right, labelled, and sixteen recognisable styles.

mod charts;
mod close_ups;
mod dialogues;
mod items;
mod reader;
mod signs;
mod sums;
mod traces;
mod truth;
mod variety;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use proptest::prelude::*;

use reader::Reader;

use super::{Document, Labels, Style, document, visit};

fn documents(style: Style, seed: u64, count: u64) -> Vec<Document> {
    (0..count)
        .map(|index| document(style, seed, index))
        .collect()
}

fn text(style: Style, seed: u64, count: u64) -> String {
    documents(style, seed, count)
        .iter()
        .map(|document| document.text() + "\n")
        .collect()
}

#[test]
fn documents_are_pinned() {
    let digests = Style::ALL.map(|style| {
        blake3::hash(text(style, 1, 20).as_bytes())
            .to_hex()
            .chars()
            .take(8)
            .collect::<String>()
    });
    assert_eq!(digests, PINNED);
}

const PINNED: [&str; 16] = [
    "fb39160f", "011b9900", "0422b225", "c06befaa", "492bee03", "ee790181", "381122d7", "0681ff19",
    "130e95a9", "dcf5978d", "cadd25aa", "cc3141e7", "c760ffbe", "cfdb2577", "a45fd234", "1779658c",
];

#[test]
fn seed_and_index_change_a_document() {
    for style in Style::ALL {
        assert_eq!(document(style, 5, 3), document(style, 5, 3));
        assert_ne!(document(style, 5, 3), document(style, 6, 3));
        assert_ne!(document(style, 5, 3), document(style, 5, 4));
    }
}

#[test]
fn size_is_reached_within_one_document() {
    for style in Style::ALL {
        let (mut total, mut last) = (0, 0);
        visit(style, 2, 50_000, &mut |text| {
            last = text.len();
            total += last;
            Ok(ControlFlow::Continue(()))
        })
        .unwrap();
        assert!(total >= 50_000 && total - last < 50_000, "{style}: {total}");
    }
}

#[test]
fn no_template_is_left_open() {
    for style in Style::ALL.into_iter().filter(|style| *style != Style::Code) {
        let text = text(style, 3, 2000);
        assert!(
            !text.contains(['{', '}', '[', ']', '|', '^']) || style == Style::Web,
            "{style}"
        );
        assert!(!text.contains(['{', '}', '[', ']', '^']), "{style}");
    }
}

#[test]
fn every_style_has_its_labels() {
    let visual = [Labels::CONCEPT, Labels::ATTRIBUTE, Labels::RELATION];
    let wanted = |style| match style {
        Style::Web => vec![Labels::SCIENCE, Labels::MATH],
        Style::Code => vec![Labels::CODE, Labels::MATH],
        Style::Math => vec![Labels::MATH],
        Style::Encyclopedia => vec![Labels::SCIENCE],
        Style::ComputerScience | Style::Academia | Style::QaForum => {
            vec![Labels::CODE, Labels::MATH, Labels::SCIENCE]
        }
        Style::Literature => vec![],
        _ => vec![Labels::MATH, Labels::SCIENCE],
    };
    for style in Style::ALL {
        let documents = documents(style, 4, 300);
        let segments: Vec<_> = documents
            .iter()
            .flat_map(|document| &document.segments)
            .collect();
        for label in wanted(style).into_iter().chain(visual) {
            assert!(
                segments
                    .iter()
                    .any(|segment| segment.labels.contains(label)),
                "{style} {label}"
            );
        }
        let own = |label| {
            segments
                .iter()
                .all(|segment| segment.labels.contains(label))
        };
        assert!(style != Style::Code || own(Labels::CODE));
        assert!(style != Style::Math || own(Labels::MATH));
        let code = segments
            .iter()
            .any(|segment| segment.labels.contains(Labels::CODE));
        let programs = [
            Style::Code,
            Style::Academia,
            Style::ComputerScience,
            Style::QaForum,
        ];
        assert_eq!(code, programs.contains(&style), "{style}");
    }
}

#[test]
fn labels_have_names() {
    let labels = Labels::RELATION | Labels::CODE;
    assert_eq!(labels.to_string(), "code reasoning, visual relation");
    assert_eq!(Labels::NONE.to_string(), "none");
    assert!(labels.contains(Labels::CODE) && !Labels::CODE.contains(labels));
}

#[test]
fn styles_have_names() {
    for style in Style::ALL {
        assert_eq!(style.name().parse(), Ok(style));
        assert_eq!(
            serde_json::to_string(&style).unwrap(),
            format!("\"{style}\"")
        );
    }
    assert_eq!(
        "news".parse::<Style>().unwrap_err().to_string(),
        "the world has no style `news`; its styles are `web`, `code`, `math`, `encyclopedia`, `literature`, `academia`, `arts`, `biology`, `computer_science`, `economics`, `food`, `law`, `medicine`, `philosophy`, `politics`, `qa_forum`"
    );
}

/// The longest ends of `left` and beginnings of `right` that are numeric expressions.
fn sides(left: &str, right: &str) -> Option<(i64, i64)> {
    let numeric = |letter: char| letter.is_ascii_digit() || " +-*/%()".contains(letter);
    let from = left.rfind(|letter| !numeric(letter)).map_or(0, |at| at + 1);
    let to = right.find(|letter| !numeric(letter)).unwrap_or(right.len());
    let whole = |text| Reader::value(text, BTreeMap::new());
    Some((whole(left.get(from..)?)?, whole(right.get(..to)?)?))
}

#[test]
fn every_equation_of_math_holds() {
    let text = text(Style::Math, 6, 1500);
    let (mut checked, mut lines) = (0, 0);
    for line in text.lines() {
        let line = line
            .strip_prefix('(')
            .and_then(|line| line.get(2..))
            .unwrap_or(line);
        let parts: Vec<_> = line.split('=').collect();
        lines += usize::from(parts.len() > 1);
        for pair in parts.windows(2) {
            if let Some((left, right)) = sides(pair[0], pair[1]) {
                assert_eq!(left, right, "{line}");
                checked += 1;
            }
        }
    }
    assert!(
        checked > 5000 && checked > lines,
        "{checked} of {lines} lines"
    );
}

#[test]
fn formulas_in_code_have_the_output_shown() {
    let text = text(Style::Code, 7, 1500);
    let (mut checked, mut formula) = (0, None);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(head) = line.strip_prefix("def ") {
            let next = lines
                .peek()
                .and_then(|line| line.strip_prefix("    return "));
            formula = head.split_once('(').zip(next);
        }
        let call = line
            .strip_prefix(">>> ")
            .and_then(|call| call.split_once('('));
        let Some((((name, parameters), body), (called, arguments))) = formula.zip(call) else {
            continue;
        };
        if name != called {
            continue;
        }
        let names = parameters.trim_end_matches("):").split(", ");
        let values = arguments
            .trim_end_matches(')')
            .split(", ")
            .map(|number| number.parse().unwrap());
        let value = Reader::value(body, names.zip(values).collect()).unwrap();
        assert_eq!(lines.next(), Some(value.to_string().as_str()), "{line}");
        checked += 1;
    }
    assert!(checked > 1000, "{checked}");
}

/// How often each word stands in `text`, and how many words that is.
fn word_counts(text: &str) -> (BTreeMap<&str, u32>, u32) {
    let (mut counts, mut all) = (BTreeMap::new(), 0);
    for word in text.split_whitespace() {
        *counts.entry(word).or_insert(0) += 1;
        all += 1;
    }
    (counts, all)
}

/// Bits per word of one text under an add-one unigram model of another.
fn word_bits(
    (model, size): &(BTreeMap<&str, u32>, u32),
    (text, words): &(BTreeMap<&str, u32>, u32),
) -> f64 {
    let mass = f64::from(*size) + 20_000.0;
    let bits = text.iter().map(|(word, count)| {
        let seen = model.get(word).copied().unwrap_or(0) + 1;
        f64::from(*count) * (mass / f64::from(seen)).log2()
    });
    bits.sum::<f64>() / f64::from(*words)
}

#[test]
fn a_style_is_best_foretold_by_itself() {
    let (train, held) = (
        Style::ALL.map(|style| text(style, 8, 400)),
        Style::ALL.map(|style| text(style, 9, 200)),
    );
    let models = train.each_ref().map(|text| word_counts(text));
    for (style, text) in Style::ALL.into_iter().zip(&held) {
        let text = word_counts(text);
        let bits = models.each_ref().map(|model| word_bits(model, &text));
        let own = bits[style as usize];
        for (other, foreign) in Style::ALL.into_iter().zip(bits) {
            assert!(
                other == style || own + 1.0 < foreign,
                "{style}: {own} own, {foreign} under {other}"
            );
        }
    }
}

#[test]
fn documents_do_not_repeat() {
    for style in Style::ALL {
        let mut texts: Vec<_> = documents(style, 10, 2000)
            .iter()
            .map(Document::text)
            .collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), 2000, "{style}");
    }
}

proptest! {
    #[test]
    fn any_document_is_well_formed(seed: u64, index: u64, style in 0_usize..16) {
        let document = document(Style::ALL[style], seed, index);
        prop_assert!(!document.is_empty() && document.len() < 20_000);
        let text = document.text();
        prop_assert_eq!(text.len(), document.len());
        prop_assert_eq!(text.trim(), &text);
        prop_assert!(!text.contains("  ") || Style::ALL[style] == Style::Code, "{}", text);
    }
}
