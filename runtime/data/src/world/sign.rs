//! Signs: a plate with a number or a word on it, somewhere in the picture, and what is asked about them.

use crate::world::ask::Asked;
use crate::world::canvas::{Canvas, Paint, paint_of};
use crate::world::dice::Dice;
use crate::world::font::{GLYPH_COLUMNS, GLYPH_ROWS, glyph, inked};
use crate::world::item::ITEM_SIDE;
use crate::world::picture::{Rendering, background};
use crate::world::words::{COLOURS, KINDS, MATERIALS, PLACES, Place};

/// Pixels from one edge of a picture to the other.
const SIDE: i64 = ITEM_SIDE.cast_signed() as i64;
/// Font columns of a glyph with the gap behind it.
const ADVANCE: i64 = GLYPH_COLUMNS + 1;
/// Font pixels between the ink and the edge of the plate.
const PADDING: i64 = 2;
/// Digits of the numbers.
const DIGITS: [usize; 3] = [2, 3, 4];

/// A sign.
#[derive(Debug, Clone)]
pub(crate) struct Sign {
    place: &'static Place,
    pub(crate) text: String,
    plate: &'static str,
    left: i64,
    top: i64,
    /// Pixels of a font pixel, across and down.
    scale: i64,
}

/// How many lengths of numbers there are, each a value.
pub(crate) const LENGTHS: usize = DIGITS.len();

/// A number with as many digits as length `value` says. Its options differ in one digit and in no other, so that
/// none of them is more like the others than the rest.
pub(crate) fn ask_digits(dice: &mut Dice, value: usize) -> (Sign, Asked) {
    let count = DIGITS[value];
    let least = |place| u8::from(place == 0);
    let mut digits: Vec<u8> = (0..count)
        .map(|place| dice.between(i64::from(least(place)), 9) as u8)
        .collect();
    let place = dice.below(count);
    let mut choices: Vec<u8> = (least(place)..10).collect();
    dice.shuffle(&mut choices);
    let mut numbers = choices.into_iter().take(4).map(|choice| {
        digits[place] = choice;
        digits.iter().map(u8::to_string).collect::<String>()
    });
    let answer = numbers.next().unwrap_or_default();
    let others = numbers.collect();
    let asked = Asked {
        question: "Which number is on the sign?".to_owned(),
        answer,
        others,
    };
    (Sign::new(dice, &asked.answer), asked)
}

/// The words of the world that fit a sign: three to six letters, each word once.
pub(crate) fn words() -> Vec<&'static str> {
    let mut words: Vec<&str> = Vec::new();
    let kinds = KINDS.iter().map(|kind| kind.one);
    let places = PLACES.iter().map(|place| place.name);
    let materials = MATERIALS.iter().map(|material| material.name);
    for word in kinds
        .chain(places)
        .chain(materials)
        .chain(COLOURS.iter().copied())
    {
        if (3..=6).contains(&word.len()) && !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

/// Word `value` of [`words`], among words of its length.
pub(crate) fn ask_letters(dice: &mut Dice, value: usize) -> (Sign, Asked) {
    let words = words();
    let answer = words[value];
    let others = words
        .iter()
        .filter(|word| word.len() == answer.len() && **word != answer)
        .map(|&word| word.to_owned())
        .collect();
    let asked = Asked {
        question: "What does the sign say?".to_owned(),
        answer: answer.to_owned(),
        others,
    };
    (Sign::new(dice, answer), asked)
}

impl Sign {
    /// A plate of any colour, as large and where it has room, with a margin of one pixel at least.
    fn new(dice: &mut Dice, text: &str) -> Self {
        let (columns, rows) = extent(text);
        let scale = dice.between(2, ((SIDE - 2) / columns).min(4));
        Self {
            place: dice.pick(PLACES),
            text: text.to_owned(),
            plate: dice.pick::<&str>(COLOURS),
            left: dice.between(1, SIDE - 1 - columns * scale),
            top: dice.between(1, SIDE - 1 - rows * scale),
            scale,
        }
    }

    /// Everything that its picture shows.
    pub(crate) fn content(&self) -> String {
        let Self {
            place,
            text,
            plate,
            left,
            top,
            scale,
        } = self;
        format!(
            "sign {text} on {plate} at {left} {top} in {scale}: {}",
            place.name
        )
    }

    /// Draws it; covered is what the plate covers, with what is written on it.
    pub(crate) fn render(&self) -> Rendering {
        let mut canvas = Canvas::new(ITEM_SIDE, background(self.place));
        let (columns, rows) = extent(&self.text);
        let (width, height) = (columns * self.scale, rows * self.scale);
        let plate = paint_of(self.plate);
        canvas.fill(
            self.left..self.left + width,
            self.top..self.top + height,
            plate,
        );
        for (place, glyph) in self.text.chars().filter_map(glyph).enumerate() {
            self.write(&mut canvas, place.cast_signed() as i64, *glyph, ink(plate));
        }
        Rendering {
            picture: canvas.picture(),
            covered: vec![(width * height) as usize],
        }
    }

    fn write(&self, canvas: &mut Canvas, place: i64, glyph: [u8; 7], ink: Paint) {
        for (row, bits) in (0..).zip(glyph) {
            for column in (0..GLYPH_COLUMNS).filter(|&column| inked(bits, column)) {
                let left = self.left + (PADDING + place * ADVANCE + column) * self.scale;
                let top = self.top + (PADDING + row) * self.scale;
                canvas.fill(left..left + self.scale, top..top + self.scale, ink);
            }
        }
    }
}

/// Columns and rows of a plate in font pixels.
fn extent(text: &str) -> (i64, i64) {
    let glyphs = text.chars().count().cast_signed() as i64;
    (glyphs * ADVANCE - 1 + 2 * PADDING, GLYPH_ROWS + 2 * PADDING)
}

/// Black on what is light, white on what is dark (luma of ITU-R BT.601).
fn ink([red, green, blue]: Paint) -> Paint {
    let luma = 299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue);
    paint_of(if luma < 128_000 { "white" } else { "black" })
}
