//! Charts: bars are read back from their pixels, against the grid, and give the answer.

use std::collections::BTreeMap;

use crate::image::Picture;
use crate::world::canvas::paint_of;
use crate::world::chart::{Bar, ChartQuestion};
use crate::world::item::{build, item};
use crate::world::kind::{ItemKind, Split};
use crate::world::shown::Shown;
use crate::world::words::{COLOURS, NUMBERS};

const GRID: [u8; 3] = [208, 208, 208];
const AXIS: [u8; 3] = [64, 64, 64];

/// Colours with the lengths of their bars, from the picture alone.
fn bars(picture: &Picture) -> BTreeMap<&'static str, usize> {
    let side = picture.width();
    let pixel = |column: usize, row: usize| {
        let at = (row * side + column) * 3;
        let pixels = picture.pixels();
        [pixels[at], pixels[at + 1], pixels[at + 2]]
    };
    // Lines go from edge to edge: the axis of lying bars crosses the first row.
    let lying = (0..side).any(|column| pixel(column, 0) == AXIS);
    // `along` grows with the bars.
    let at = |along: usize, across: usize| {
        if lying {
            pixel(along, across)
        } else {
            pixel(across, side - 1 - along)
        }
    };
    let lines: Vec<usize> = (0..side).filter(|&along| at(along, 0) == GRID).collect();
    let axis = (0..side).find(|&along| at(along, 0) == AXIS).unwrap();
    let unit = lines[0] - axis;
    assert!(lines.windows(2).all(|pair| pair[1] - pair[0] == unit));
    let mut found = BTreeMap::new();
    for colour in COLOURS.iter().filter(|colour| **colour != "white") {
        let paint = paint_of(colour);
        let ends: Vec<usize> = (0..side)
            .filter_map(|across| (0..side).rev().find(|&along| at(along, across) == paint))
            .collect();
        let Some(&end) = ends.first() else { continue };
        assert!(ends.iter().all(|other| *other == end));
        assert_eq!((end - axis) % unit, 0);
        found.insert(*colour, (end - axis) / unit);
    }
    found
}

/// The answer, from the question's words and the bars.
fn answer(question: &str, bars: &BTreeMap<&'static str, usize>) -> String {
    let words: Vec<&str> = question.split([' ', '?']).collect();
    let by = |bar: &(&&'static str, &usize)| *bar.1;
    match words[..] {
        ["Which", .., "longest", "bar", _] => bars.iter().max_by_key(by).unwrap().0,
        ["Which", .., "shortest", "bar", _] => bars.iter().min_by_key(by).unwrap().0,
        ["How", "many", "bars", ..] => NUMBERS[bars.len()],
        ["How", "many", "units", .., colour, "bar", _] => NUMBERS[bars[colour]],
        _ => panic!("{question}"),
    }
    .to_owned()
}

#[test]
fn bars_are_read_from_their_pixels() {
    let mut seen = [false; 2];
    for index in 0..400 {
        let (shown, item) = build(ItemKind::Chart, Split::Test, 31, index);
        let Some(Shown::Chart(chart)) = shown else {
            panic!("no chart")
        };
        let read = bars(item.picture.as_ref().unwrap());
        let drawn = |bar: &Bar| (bar.colour, bar.units);
        assert_eq!(read, chart.bars.iter().map(drawn).collect());
        assert!((3..=6).contains(&read.len()));
        let lengths: std::collections::BTreeSet<_> = read.values().collect();
        assert_eq!(lengths.len(), read.len());
        assert_eq!(
            answer(&item.question, &read),
            item.answer,
            "{}",
            item.question
        );
        // Whoever must compare is offered the other bars.
        if item.question.starts_with("Which") {
            let offered = |option: &&String| read.contains_key(option.as_str());
            let offered = item.options.iter().filter(offered).count();
            assert_eq!(offered, read.len().min(4));
        }
        assert_eq!(item.covered, None);
        seen[usize::from(item.picture.unwrap().pixels()[24..27] == AXIS)] = true;
    }
    assert_eq!(seen, [true; 2]);
}

#[test]
fn questions_take_turns_and_answers_are_equally_often() {
    for (turn, asks) in (0..).zip(ChartQuestion::ALL) {
        let run = asks.values() as u64 * 4;
        let mut counts = BTreeMap::new();
        for index in 0..run {
            let item = item(ItemKind::Chart, Split::Train, 32, index * 4 + turn);
            let word = item.question.split(' ').nth(2).unwrap();
            assert_eq!(word == "bars", asks == ChartQuestion::Count);
            assert_eq!(word == "units", asks == ChartQuestion::Length);
            let longest = item.question.contains("longest");
            assert_eq!(longest, asks == ChartQuestion::Longest);
            *counts.entry((item.answer, item.right)).or_insert(0) += 1;
        }
        assert_eq!(counts.len() as u64, run, "{asks:?}");
        assert!(counts.values().all(|&count| count == 1));
    }
}
