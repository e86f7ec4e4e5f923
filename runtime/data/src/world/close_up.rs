//! Things as near as wanted: one thing that covers a wanted share of the picture, and which kind is in it.

use crate::world::ask::Asked;
use crate::world::canvas::Canvas;
use crate::world::dice::Dice;
use crate::world::item::ITEM_SIDE;
use crate::world::picture::{Outline, Rendering, background, draw};
use crate::world::scene::{GRID, Scene};
use crate::world::words::{COLOURS, KINDS, Kind, MATERIALS};

/// Pixels from one edge of a picture to the other.
const SIDE: i64 = ITEM_SIDE.cast_signed() as i64;

/// How many kinds are asked about, the first of all: those whose outlines have no gaps, so that each of them can
/// fill a picture and still be told from the others.
pub(crate) const WHOLE_KINDS: usize = 12;

/// Furthest that the middle of a thing which is larger than the picture is from the picture's, in pixels.
const SHIFT: i64 = 8;

/// The largest radius that is tried, in pixels: from here on, every kind covers more than is ever wanted.
const RADIUS: i64 = 3 * SIDE;

/// Which share of the picture's pixels the thing covers. Levels are those of the existence task of MLE-Bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// Below 30 in 100; 1 at least.
    Small,
    /// From 30 to below 60 in 100.
    Medium,
    /// From 60 in 100 on; below 97, so that the outline shows.
    Large,
}

impl Level {
    /// From and below how many in 100.
    pub(crate) fn bounds(self) -> [usize; 2] {
        match self {
            Level::Small => [1, 30],
            Level::Medium => [30, 60],
            Level::Large => [60, 97],
        }
    }

    fn holds(self, pixels: usize) -> bool {
        let [from, below] = self.bounds().map(|share| share * ITEM_SIDE * ITEM_SIDE);
        (from..below).contains(&(pixels * 100))
    }
}

/// A thing that covers a wanted share of a picture, with other things beside it or not; nothing hides another.
#[derive(Debug, Clone)]
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "tests hold what was drawn to it")
)]
pub(crate) struct CloseUp {
    pub(crate) outline: Outline,
    /// The place, and what is beside the thing.
    pub(crate) beside: Scene,
    /// Covered is what the picture shows of the thing, and then what the others cover.
    pub(crate) drawn: Rendering,
}

/// A picture with a thing of kind `value`, and three kinds that are not in it.
pub(crate) fn ask_existence(dice: &mut Dice, level: Level, value: usize) -> (CloseUp, Asked) {
    let mut absent: Vec<&Kind> = KINDS[..WHOLE_KINDS].iter().collect();
    let kind = absent.remove(value);
    dice.shuffle(&mut absent);
    absent.truncate(3);
    let asked = Asked {
        question: "Which of these is in the picture?".to_owned(),
        answer: kind.one.to_owned(),
        others: absent.iter().map(|kind| kind.one.to_owned()).collect(),
    };
    let close_up = loop {
        let outline = near(dice, level, value);
        let count = match level {
            Level::Small => dice.between(1, 3) as usize,
            Level::Medium | Level::Large => 0,
        };
        let beside = Scene::among(dice, count, |other| {
            other != kind && !absent.contains(&other)
        });
        if hides(&outline, &beside) {
            continue;
        }
        let (colour, material) = (dice.pick::<&str>(COLOURS), dice.pick(MATERIALS));
        let mut canvas = Canvas::new(ITEM_SIDE, background(beside.place));
        let mut covered = vec![outline.draw(&mut canvas, colour, material)];
        if level.holds(covered[0]) {
            let others = beside.things.iter();
            covered.extend(others.map(|thing| draw(&mut canvas, thing)));
            let picture = canvas.picture();
            break CloseUp {
                outline,
                beside,
                drawn: Rendering { picture, covered },
            };
        }
    };
    (close_up, asked)
}

/// An outline of about a share of the level: within the picture where it has room there, about its middle where not.
fn near(dice: &mut Dice, level: Level, kind: usize) -> Outline {
    let [from, below] = level.bounds();
    let wanted = dice.between(
        from.cast_signed() as i64 * 10,
        below.cast_signed() as i64 * 10 - 1,
    ) as usize;
    let middle = Outline {
        kind,
        column: SIDE / 2,
        row: SIDE / 2,
        radius: 0,
    };
    // Outlines without gaps only grow with their radius. Every fourth column and row is enough to find it.
    let (mut small, mut large) = (1, RADIUS);
    while small < large {
        let radius = i64::midpoint(small, large);
        let share = Outline { radius, ..middle }.pixels(SIDE, 4) * 1000;
        if share < wanted * (ITEM_SIDE / 4).pow(2) {
            small = radius + 1;
        } else {
            large = radius;
        }
    }
    let narrow = if kind / 6 % 2 == 1 { 2 } else { 1 };
    let mut shift = |reach: i64| {
        let room = SIDE / 2 - 1 - reach;
        let most = if room < 0 { SHIFT.min(-room) } else { room };
        dice.between(-most, most)
    };
    Outline {
        column: middle.column + shift(small / narrow),
        row: middle.row + shift(small),
        radius: small,
        ..middle
    }
}

/// Whether an outline reaches into the cell of a thing.
fn hides(outline: &Outline, scene: &Scene) -> bool {
    let cell = SIDE / GRID;
    scene.things.iter().any(|thing| {
        let (left, top) = (thing.x * cell, (GRID - 1 - thing.y) * cell);
        (left..left + cell).any(|column| (top..top + cell).any(|row| outline.holds(column, row)))
    })
}

impl CloseUp {
    /// Its picture as a hash: outlines that differ in what is cut off can be the same picture.
    pub(crate) fn content(&self) -> String {
        let pixels = self.drawn.picture.pixels();
        blake3::hash(pixels).to_hex().to_string()
    }
}
