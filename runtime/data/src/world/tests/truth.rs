//! What a style states of a scene holds in the scene: read from the text, and held to the things themselves.

use super::Style;
use crate::world::document::Segment;
use crate::world::scene::{Scene, Thing};
use crate::world::words::{COLOURS, KINDS, MATERIALS, NUMBERS, SIZES};
use crate::world::written;

/// The styles whose every mention of a thing is one of the scene.
pub(super) const STYLES: [Style; 11] = [
    Style::Academia,
    Style::Arts,
    Style::Biology,
    Style::ComputerScience,
    Style::Economics,
    Style::Food,
    Style::Law,
    Style::Medicine,
    Style::Philosophy,
    Style::Politics,
    Style::QaForum,
];

/// Ways to say how one thing stands to another, with what they say.
pub(super) const RELATIONS: [(&str, &str); 13] = [
    ("to the left of", "left"),
    ("left of", "left"),
    ("on the left side of", "left"),
    ("to the right of", "right"),
    ("right of", "right"),
    ("on the right side of", "right"),
    ("above", "above"),
    ("over", "above"),
    ("higher up than", "above"),
    ("below", "below"),
    ("under", "below"),
    ("beneath", "below"),
    ("lower down than", "below"),
];

/// A thing of the scene named in a sentence, from its article to its kind.
struct Mention {
    from: usize,
    to: usize,
    thing: Thing,
}

/// Segments with the scenes that they were written of.
fn segments(style: Style) -> Vec<(Scene, Segment)> {
    let page = (0..400).flat_map(|index| {
        let mut page = written(style, 11, index);
        page.end("");
        let scenes = std::mem::take(&mut page.scenes);
        scenes.into_iter().zip(page.finish().segments)
    });
    page.collect()
}

/// Places where `word` stands as a whole word.
pub(super) fn places<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = usize> + 't {
    let letter = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    text.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |&at| {
            !letter(text[..at].chars().next_back())
                && !letter(text[at + word.len()..].chars().next())
        })
}

/// The things named in `text`; every adjective before a kind must fit.
fn mentions(style: Style, scene: &Scene, text: &str) -> Vec<Mention> {
    let mut found = Vec::new();
    for kind in KINDS {
        for at in places(text, kind.one) {
            if style == Style::ComputerScience && kind.one == "table" {
                continue;
            }
            let thing = scene.things.iter().find(|thing| thing.kind == kind);
            let thing = *thing.unwrap_or_else(|| panic!("{style}: no {} in {text}", kind.one));
            let from = adjectives(&thing, text, at);
            let to = at + kind.one.len();
            found.push(Mention { from, to, thing });
        }
    }
    found.sort_by_key(|mention| mention.from);
    found
}

/// Where the article and the adjectives of the thing at `at` begin.
fn adjectives(thing: &Thing, text: &str, at: usize) -> usize {
    let mut from = at;
    while let Some(before) = text[..from].strip_suffix(' ') {
        let start = before.rfind([' ', '\n']).map_or(0, |space| space + 1);
        let word = &before[start..];
        let fits = |all: bool, own: &str| all.then(|| assert_eq!(word, own, "{text}")).is_some();
        let known = fits(SIZES.contains(&word), SIZES[thing.size])
            || fits(COLOURS.contains(&word), thing.colour)
            || fits(
                MATERIALS.iter().any(|material| material.adjective == word),
                thing.material.adjective,
            );
        if !known && !["a", "an", "the"].contains(&word) {
            break;
        }
        from = start;
        if !known {
            break;
        }
    }
    from
}

/// Whether a thing is where a phrase says.
type Holds = fn(&Thing) -> bool;

fn holds(relation: &str, one: &Thing, other: &Thing) -> bool {
    let (across, up) = (one.x - other.x, one.y - other.y);
    match relation {
        "left" => across < 0 && across.abs() >= up.abs(),
        "right" => across > 0 && across.abs() >= up.abs(),
        "above" => up > 0 && up.abs() > across.abs(),
        _ => up < 0 && up.abs() > across.abs(),
    }
}

/// Who stands in the relation said at `at` to whom; what ends there is followed by an object or by `it`.
fn related(mentions: &[Mention], at: usize, end: usize, it: bool) -> Option<(&Thing, &Thing)> {
    let before: Vec<_> = mentions.iter().filter(|mention| mention.to <= at).collect();
    let after: Vec<_> = mentions
        .iter()
        .filter(|mention| mention.from >= end)
        .collect();
    let pair = match (before.as_slice(), after.as_slice(), it) {
        ([.., last], [next, ..], true) => (next, last),
        ([.., first, last], [], true) => (last, first),
        ([.., last], [next, ..], false) if next.from == end + 1 => (last, next),
        ([], [next, subject, ..], false) if next.from == end + 1 => (subject, next),
        _ => return None,
    };
    Some((&pair.0.thing, &pair.1.thing))
}

#[test]
fn relations_and_adjectives_hold() {
    for style in STYLES {
        let mut checked = 0;
        for (scene, segment) in segments(style) {
            let text = segment.text.to_lowercase();
            for sentence in text.split(['.', '?', '!']) {
                let mentions = mentions(style, &scene, sentence);
                for (phrase, relation) in RELATIONS {
                    for at in places(sentence, phrase) {
                        let end = at + phrase.len();
                        let it = sentence[end..].starts_with(" it");
                        if let Some((one, other)) = related(&mentions, at, end, it) {
                            assert!(holds(relation, one, other), "{style}: {sentence}");
                            checked += 1;
                        }
                    }
                }
            }
        }
        let least = if style == Style::ComputerScience {
            0
        } else {
            30
        };
        assert!(checked >= least, "{style}: {checked}");
    }
}

#[test]
fn sides_hold() {
    let sides: [(&str, Holds); 5] = [
        ("on the left", |thing| thing.x < 2),
        ("on the right", |thing| thing.x > 3),
        ("at the bottom", |thing| thing.y < 2),
        ("at the top", |thing| thing.y > 3),
        ("in the middle", |thing| {
            (2..4).contains(&thing.x) && (2..4).contains(&thing.y)
        }),
    ];
    let mut checked = 0;
    for style in STYLES {
        for (scene, segment) in segments(style) {
            let text = segment.text.to_lowercase();
            for sentence in text.split(['.', '?', '!', ';']) {
                let mentions = mentions(style, &scene, sentence);
                for (side, holds) in sides {
                    for at in places(sentence, side) {
                        let rest = &sentence[at + side.len()..];
                        if !rest.is_empty()
                            && !rest.starts_with([',', '\n'])
                            && !rest.starts_with(" of")
                        {
                            continue;
                        }
                        let before = mentions.iter().rfind(|mention| mention.to <= at);
                        if let Some(mention) = before.or(mentions.first()) {
                            assert!(holds(&mention.thing), "{style}: {sentence}");
                            checked += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(checked > 1000, "{checked}");
}

/// The word after `before`, without the comma or the full stop behind it.
fn next<'t>(text: &'t str, before: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    rest.split([' ', ',', '.', ')']).next()
}

#[test]
fn counts_sizes_and_positions_hold() {
    let (mut counted, mut compared, mut placed) = (0, 0, 0);
    for (scene, segment) in segments(Style::Arts) {
        for word in ["exactly ", "just "] {
            let number = next(&segment.text, word)
                .and_then(|word| (0..).zip(NUMBERS).find(|(_, one)| **one == word));
            let Some((number, _)) = number else { continue };
            let verb = if number == 1 { " is " } else { " are " };
            let (_, rest) = segment.text.split_once(word).unwrap();
            let colour = next(rest, verb).unwrap();
            assert_eq!(
                scene.count(|thing| thing.colour == colour),
                number,
                "{}",
                segment.text
            );
            counted += 1;
        }
    }
    for (scene, segment) in segments(Style::Philosophy) {
        let size = |name: &str| {
            scene
                .things
                .iter()
                .find(|thing| thing.kind.one == name)
                .map(|thing| thing.size)
        };
        for part in segment.text.to_lowercase().split("the ") {
            let Some((one, _)) = part.split_once(" is smaller than") else {
                continue;
            };
            let other = next(
                &segment.text.to_lowercase(),
                &format!("{one} is smaller than the "),
            )
            .map(str::to_owned);
            assert!(
                size(one).unwrap() < size(&other.unwrap()).unwrap(),
                "{}",
                segment.text
            );
            compared += 1;
        }
    }
    for (scene, segment) in segments(Style::ComputerScience) {
        for thing in &scene.things {
            if let Some(at) = segment.text.find(&format!("({}, ", thing.kind.one)) {
                let shown = format!("({}, {}, {})", thing.kind.one, thing.x, thing.y);
                assert!(segment.text[at..].starts_with(&shown), "{}", segment.text);
                placed += 1;
            }
        }
    }
    assert!(
        counted > 50 && compared > 100 && placed > 200,
        "{counted} {compared} {placed}"
    );
}
