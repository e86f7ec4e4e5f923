//! Scenes: things on a small grid, from which every stated relation follows.

use crate::world::dice::Dice;
use crate::world::words::{COLOURS, KINDS, Kind, MATERIALS, Material, PLACES, Place, SIZES};

/// Columns and rows of the grid.
pub(crate) const GRID: i64 = 6;

/// A thing in a scene.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Thing {
    pub(crate) kind: &'static Kind,
    pub(crate) colour: &'static str,
    /// Index into the sizes, small to large.
    pub(crate) size: usize,
    pub(crate) material: &'static Material,
    /// Column, growing to the right.
    pub(crate) x: i64,
    /// Row, growing upwards.
    pub(crate) y: i64,
}

impl Thing {
    /// The word for its size.
    pub(crate) fn size_word(&self) -> &'static str {
        SIZES[self.size]
    }

    /// Where it is in the picture, in words.
    pub(crate) fn side(&self) -> &'static str {
        match (self.x, self.y) {
            (..2, _) => "on the left",
            (4.., _) => "on the right",
            (_, ..2) => "at the bottom",
            (_, 4..) => "at the top",
            _ => "in the middle",
        }
    }
}

/// How one thing stands to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    Left,
    Right,
    Above,
    Below,
}

impl Relation {
    /// How `one` stands to `other`: along the axis on which they are further apart.
    pub(crate) fn of(one: &Thing, other: &Thing) -> Self {
        let (across, up) = (one.x - other.x, one.y - other.y);
        if across.abs() >= up.abs() {
            if across < 0 {
                Relation::Left
            } else {
                Relation::Right
            }
        } else if up > 0 {
            Relation::Above
        } else {
            Relation::Below
        }
    }

    /// Ways to say it.
    pub(crate) fn phrases(self) -> &'static [&'static str] {
        match self {
            Relation::Left => &["to the left of", "left of", "on the left side of"],
            Relation::Right => &["to the right of", "right of", "on the right side of"],
            Relation::Above => &["above", "over", "higher up than"],
            Relation::Below => &["below", "under", "beneath", "lower down than"],
        }
    }
}

/// Things of different kinds, sizes and materials at different cells of one place.
#[derive(Debug, Clone)]
pub struct Scene {
    pub(crate) place: &'static Place,
    pub(crate) things: Vec<Thing>,
}

impl Scene {
    /// A scene of `count` things; there are five sizes, so there can be five.
    pub(crate) fn new(dice: &mut Dice, count: usize) -> Self {
        Self::among(dice, count, |_| true)
    }

    /// A scene of `count` things of kinds that are `wanted`, of which there are more than `count`.
    pub(crate) fn among(dice: &mut Dice, count: usize, wanted: impl Fn(&Kind) -> bool) -> Self {
        let place = dice.pick(PLACES);
        let mut scene = Self {
            place,
            things: Vec::with_capacity(count),
        };
        while scene.things.len() < count {
            let thing = thing(dice);
            if wanted(thing.kind) && scene.things.iter().all(|other| differ(&thing, other)) {
                scene.things.push(thing);
            }
        }
        scene
    }

    /// How many of the things are as wanted.
    pub(crate) fn count(&self, wanted: impl Fn(&Thing) -> bool) -> i64 {
        let found = self.things.iter().filter(|thing| wanted(thing)).count();
        found.cast_signed() as i64
    }
}

fn differ(one: &Thing, other: &Thing) -> bool {
    one.kind != other.kind
        && one.size != other.size
        && one.material != other.material
        && (one.x, one.y) != (other.x, other.y)
}

fn thing(dice: &mut Dice) -> Thing {
    Thing {
        kind: dice.pick(KINDS),
        colour: dice.pick::<&str>(COLOURS),
        size: dice.below(SIZES.len()),
        material: dice.pick(MATERIALS),
        x: dice.between(0, GRID - 1),
        y: dice.between(0, GRID - 1),
    }
}
