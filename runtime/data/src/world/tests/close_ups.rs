//! Close-ups: the thing covers its level's share, and its outline tells which of the options it is.

use std::collections::BTreeSet;

use crate::image::Picture;
use crate::world::close_up::{Level, WHOLE_KINDS};
use crate::world::item::{ITEM_SIDE, build};
use crate::world::kind::{ItemKind, Split};
use crate::world::picture::Outline;
use crate::world::shown::Shown;
use crate::world::words::KINDS;

const SIDE: i64 = ITEM_SIDE.cast_signed() as i64;
const LEVELS: [(ItemKind, Level); 3] = [
    (ItemKind::ExistenceSmall, Level::Small),
    (ItemKind::ExistenceMedium, Level::Medium),
    (ItemKind::ExistenceLarge, Level::Large),
];

/// Whether each pixel is of a thing: backgrounds have channels of 192, 208 or 224 alone, and no thing has.
fn mask(picture: &Picture) -> Vec<bool> {
    let pale = |channel: &u8| [192, 208, 224].contains(channel);
    let pixels = picture.pixels().chunks(3);
    pixels.map(|pixel| !pixel.iter().all(pale)).collect()
}

#[test]
fn what_is_seen_of_a_thing_lies_in_its_level() {
    for (kind, level) in LEVELS {
        let [from, below] = level.bounds().map(|share| share as f32 / 100.0);
        let mut shares = Vec::new();
        for index in 0..300 {
            let (shown, item) = build(kind, Split::ALL[(index % 2) as usize], 41, index);
            let Some(Shown::CloseUp(close_up)) = shown else {
                panic!("no close-up")
            };
            let drawn = close_up.drawn;
            // Nothing hides another: what is no background is covered by one thing.
            let seen = mask(&drawn.picture)
                .into_iter()
                .filter(|seen| *seen)
                .count();
            assert_eq!(seen, drawn.covered.iter().sum::<usize>());
            let covered = item.covered.unwrap();
            let alone = seen - drawn.covered[1..].iter().sum::<usize>();
            let share = alone as f32 / (ITEM_SIDE * ITEM_SIDE) as f32;
            assert_eq!(covered.to_bits(), share.to_bits());
            assert!((from..below).contains(&covered), "{kind}: {covered}");
            assert_eq!(drawn.covered.len() == 1, level != Level::Small);
            shares.push(covered);
            // One of the options is in the picture, and it is the answer.
            let beside = close_up.beside.things.iter().map(|thing| thing.kind.one);
            let there: BTreeSet<&str> = beside
                .chain([KINDS[close_up.outline.kind].one])
                .filter(|name| item.options.iter().any(|option| option == name))
                .collect();
            assert_eq!(there, BTreeSet::from([item.answer.as_str()]));
        }
        shares.sort_unstable_by(f32::total_cmp);
        assert!(shares[0] < from + 0.015, "{kind}: {}", shares[0]);
        assert!(shares[299] > below - 0.015, "{kind}: {}", shares[299]);
        let middle = f32::midpoint(from, below);
        assert!(
            (shares[150] - middle).abs() < 0.06,
            "{kind}: {}",
            shares[150]
        );
    }
}

/// Pixels on which an outline and a mask differ.
fn differ(outline: &Outline, mask: &[bool], step: usize) -> usize {
    let places = (0..ITEM_SIDE).step_by(step);
    places
        .flat_map(|row| {
            (0..ITEM_SIDE)
                .step_by(step)
                .map(move |column| (column, row))
        })
        .filter(|&(column, row)| {
            outline.holds(column.cast_signed() as i64, row.cast_signed() as i64)
                != mask[row * ITEM_SIDE + column]
        })
        .count()
}

/// How little the best outline of a kind differs from a mask: from a coarse search on, steps that make it less.
fn fit(kind: usize, mask: &[bool]) -> usize {
    let coarse = (1..12).flat_map(|x| (1..12).map(move |y| (x * 8, y * 8)));
    let coarse = coarse.flat_map(|at| (0..40).map(move |step| (at, step)));
    let mut starts: Vec<(usize, Outline)> = coarse
        .map(|((column, row), step)| {
            let radius = 5 + step * (step + 9) / 9;
            let outline = Outline {
                kind,
                column,
                row,
                radius,
            };
            (differ(&outline, mask, 8), outline)
        })
        .collect();
    starts.sort_by_key(|start| start.0);
    let climbs = starts.iter().take(3).map(|start| climb(start.1, mask));
    climbs.min().unwrap()
}

fn climb(mut outline: Outline, mask: &[bool]) -> usize {
    let mut least = 0;
    for (step, every) in [(8, 4), (4, 4), (2, 2), (1, 1)] {
        least = differ(&outline, mask, every);
        let mut moved = true;
        while moved {
            moved = false;
            for (column, row, radius) in [
                (step, 0, 0),
                (-step, 0, 0),
                (0, step, 0),
                (0, -step, 0),
                (0, 0, step),
                (0, 0, -step),
                (0, step, step),
                (0, -step, step),
                (0, step, -step),
                (0, -step, -step),
            ] {
                let next = Outline {
                    column: outline.column + column,
                    row: outline.row + row,
                    radius: outline.radius + radius,
                    ..outline
                };
                let now = differ(&next, mask, every);
                if now < least {
                    (outline, least, moved) = (next, now, true);
                }
            }
        }
    }
    least
}

#[test]
fn outlines_tell_which_kind_it_is() {
    for (kind, _) in LEVELS {
        for index in 0..12 {
            let (shown, item) = build(kind, Split::Test, 42, index);
            let Some(Shown::CloseUp(close_up)) = shown else {
                panic!("no close-up")
            };
            // The others stand in cells of their own, and are no options; what is near is looked at.
            let mut mask = mask(&item.picture.unwrap());
            for thing in &close_up.beside.things {
                for row in 0..16 {
                    let row = (5 - thing.y as usize) * 16 + row;
                    let first = row * ITEM_SIDE + thing.x as usize * 16;
                    mask[first..first + 16].fill(false);
                }
            }
            let fits = item.options.iter().map(|option| {
                let kind = KINDS[..WHOLE_KINDS]
                    .iter()
                    .position(|kind| kind.one == option);
                (fit(kind.unwrap(), &mask), option)
            });
            let mut fits: Vec<_> = fits.collect();
            fits.sort();
            assert_eq!(
                *fits[0].1, item.answer,
                "{kind} {index} {:?}: {fits:?}",
                close_up.outline
            );
            assert!(
                fits[1].0 >= fits[0].0 + 8,
                "{kind} {index} {:?}: {fits:?}",
                close_up.outline
            );
        }
    }
}

#[test]
fn outlines_end_at_the_edge() {
    let outline = Outline {
        kind: 1,
        column: 0,
        row: SIDE / 2,
        radius: 10,
    };
    assert_eq!(outline.pixels(SIDE, 1), 11 * 21);
}
