use std::fmt::Write;

use proptest::prelude::*;

use super::*;
use crate::world::{Segment, Style, document};

#[test]
fn segments_end_behind_white_space() {
    let cut = |text, bytes| segments(text, bytes).collect::<Vec<_>>();
    assert_eq!(cut("one two three", 8), ["one two ", "three"]);
    assert_eq!(cut("one two ", 8), ["one two "]);
    // A word that is too long, and characters of two and three bytes.
    assert_eq!(cut("abcdefgh ij", 4), ["abcd", "efgh", " ij"]);
    assert_eq!(cut("ééé", 3), ["é", "é", "é"]);
    assert_eq!(cut("€€", 1), ["€", "€"]);
    assert_eq!(cut("a\u{3000}b", 4), ["a\u{3000}", "b"]);
    assert!(cut("", 8).is_empty());
}

proptest! {
    #[test]
    fn segments_are_the_text(text in "[a-zé€ \n]{0,200}", bytes in 1_usize..40) {
        let all: Vec<&str> = segments(&text, bytes).collect();
        prop_assert_eq!(all.concat(), text.as_str());
        let size = |one: &&str| one.len() <= bytes.max(3) && !one.is_empty();
        prop_assert!(all.iter().all(size));
    }
}

#[test]
fn signs_are_words_phrases_lines_and_equations() {
    let rules = Rules::default();
    let is = |text: &str, labels| assert_eq!(rules.label(text), labels, "{text}");
    is("They talked for a while and went home.", Labels::NONE);
    is("A Dog slept.", Labels::CONCEPT);
    is("Two dogs slept.", Labels::CONCEPT);
    // No word of a list begins or ends inside another word.
    is("The dogma of redness.", Labels::NONE);
    is("It was crimson.", Labels::ATTRIBUTE);
    is("He stood in front of her.", Labels::RELATION);
    is("He was in front.", Labels::NONE);
    is("Go on: 3 + 4 = 7.", Labels::MATH);
    is("for x in range(3):\n    print(x)", Labels::CODE);
    is("Their hypothesis failed.", Labels::SCIENCE);
    is("", Labels::NONE);
}

#[test]
fn long_segments_need_more_signs() {
    let rules = Rules::default();
    let words = "they talked for a while and then went on ".repeat(10);
    assert_eq!(rules.label(&format!("dog {words}")), Labels::NONE);
    assert_eq!(
        rules.label(&format!("dog dog dog {words}")),
        Labels::CONCEPT
    );
}

/// Segments that were found and are right, were found, and are right.
type Counts = [usize; 3];

/// What the rules find in segments of the world, for each label of `Labels::ALL`.
fn compared(style: Style, documents: u64) -> [Counts; 6] {
    let rules = Rules::default();
    let pages = (0..documents).map(|index| document(style, 11, index));
    let segments: Vec<Segment> = pages.flat_map(|page| page.segments).collect();
    let found = segments
        .iter()
        .map(|own| (rules.label(&own.text), own.labels));
    let found: Vec<(Labels, Labels)> = found.collect();
    Labels::ALL.map(|(label, _)| {
        let count = |which: fn(bool, bool) -> bool| {
            let both = found.iter();
            let both = both.map(|(given, right)| (given.contains(label), right.contains(label)));
            both.filter(|(given, right)| which(*given, *right)).count()
        };
        [
            count(|given, right| given && right),
            count(|given, _| given),
            count(|_, right| right),
        ]
    })
}

/// `precision/recall` in per cent; `–` for a share of nothing.
fn cell([both, found, right]: Counts) -> String {
    let share = |of: usize| match of {
        0 => "–".to_owned(),
        of => format!("{:.0}", 100.0 * both as f64 / of as f64),
    };
    format!("{}/{}", share(found), share(right))
}

#[test]
fn precision_and_recall_on_the_world() {
    let mut table = String::from("style | ");
    table += &Labels::ALL.map(|(_, name)| name).join(" | ");
    let mut whole = [[0; 3]; 6];
    for style in Style::ALL {
        let own = compared(style, 60);
        _ = write!(table, "\n{style} | {}", own.map(cell).join(" | "));
        for (sum, counts) in whole.iter_mut().zip(own) {
            for (sum, count) in sum.iter_mut().zip(counts) {
                *sum += count;
            }
        }
    }
    _ = write!(table, "\nall | {}", whole.map(cell).join(" | "));
    insta::assert_snapshot!(table);
}
