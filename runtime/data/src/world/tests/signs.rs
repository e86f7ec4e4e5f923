//! Signs: what is written on them is read back from their pixels, and only there.

use std::collections::BTreeMap;

use crate::image::{Filter, Picture, resize};
use crate::world::canvas::paint_of;
use crate::world::dice::Dice;
use crate::world::font::{GLYPH_COLUMNS, GLYPH_ROWS, glyph, inked};
use crate::world::item::{ITEM_SIDE, WorldItem, build, item};
use crate::world::kind::{ItemKind, Split};
use crate::world::sign::words;
use crate::world::words::COLOURS;

const FIGURES: &str = "0123456789";
const CAPITALS: &str = "abcdefghijklmnopqrstuvwxyz";

/// How far each pixel is on the way from the plate's paint to the ink's, and where the plate is.
struct Plate {
    side: usize,
    ink: Vec<f64>,
    columns: [usize; 2],
    rows: [usize; 2],
}

impl Plate {
    /// The plate in every pair of paints that it can be drawn in.
    fn all(picture: &Picture) -> Vec<Self> {
        let side = picture.width();
        let pixels: Vec<[f64; 3]> = picture
            .pixels()
            .chunks(3)
            .map(|pixel| [0, 1, 2].map(|channel| f64::from(pixel[channel])))
            .collect();
        // Two corners at least are bare: a plate has an edge of one pixel, and is less than half as high.
        let corners = [0, side - 1, side * (side - 1), side * side - 1];
        let levels = |at: usize| &picture.pixels()[at * 3..at * 3 + 3];
        let alike = |one: &&usize| {
            let same = |other: &&usize| levels(**other) == levels(**one);
            corners.iter().filter(same).count()
        };
        let ground = pixels[*corners.iter().max_by_key(alike).unwrap()];
        let off = |pixel: &[f64; 3]| (0..3).any(|at| (pixel[at] - ground[at]).abs() > 10.0);
        let plate = (0..pixels.len()).filter(|&at| off(&pixels[at]));
        let ends = |places: Vec<usize>| {
            let least = *places.iter().min().unwrap();
            [least, *places.iter().max().unwrap() + 1]
        };
        let columns = ends(plate.clone().map(|at| at % side).collect());
        let rows = ends(plate.clone().map(|at| at / side).collect());
        let inside: Vec<usize> = (rows[0] + 2..rows[1] - 2)
            .flat_map(|row| (columns[0] + 2..columns[1] - 2).map(move |c| row * side + c))
            .collect();
        // Pixels between two paints are mixed of them: of a pair of paints, all of the plate can be mixed.
        let mixed = |plate: &str, ink: &str| {
            let [plate, ink] = [plate, ink].map(|colour| paint_of(colour).map(f64::from));
            let way = [0, 1, 2].map(|at| ink[at] - plate[at]);
            let length: f64 = way.iter().map(|way| way * way).sum();
            let share = |pixel: &[f64; 3]| {
                let along: f64 = (0..3).map(|at| (pixel[at] - plate[at]) * way[at]).sum();
                (along / length.max(1.0)).clamp(0.0, 1.0)
            };
            let shares: Vec<f64> = pixels.iter().map(share).collect();
            let off = |&at: &usize| -> f64 {
                let rest = |c| pixels[at][c] - plate[c] - shares[at] * way[c];
                (0..3).map(|c| rest(c).abs()).sum()
            };
            let off = inside.iter().map(off).sum::<f64>() / inside.len() as f64;
            (off, shares)
        };
        let pairs = COLOURS
            .iter()
            .flat_map(|plate| ["black", "white"].map(|ink| (*plate, ink)))
            .filter(|(plate, ink)| plate != ink);
        pairs
            .map(|(plate, ink)| mixed(plate, ink))
            .filter(|(off, _)| *off < 3.0)
            .map(|(_, ink)| Self {
                side,
                ink,
                columns,
                rows,
            })
            .collect()
    }

    /// The text that fits the ink best, with the font's pixels `scale` wide in a picture of 96 pixels.
    fn read(&self, alphabet: &str) -> (f64, String) {
        let zoom = (ITEM_SIDE / self.side).cast_signed() as i64;
        let [width, height] =
            [self.columns, self.rows].map(|[from, to]| (to - from).cast_signed() as i64 * zoom);
        let mut best = (f64::INFINITY, String::new());
        for scale in 2..=4 {
            for glyphs in 2..=6 {
                let (wide, high) = ((glyphs * 6 + 3) * scale, 11 * scale);
                if (wide - width).abs() > 2 * zoom || (high - height).abs() > 2 * zoom {
                    continue;
                }
                for (left, top) in (-zoom..=zoom).flat_map(|x| (-zoom..=zoom).map(move |y| (x, y)))
                {
                    let left = self.columns[0].cast_signed() as i64 * zoom + left + 2 * scale;
                    let top = self.rows[0].cast_signed() as i64 * zoom + top + 2 * scale;
                    let read = (0..glyphs).map(|place| {
                        let left = left + place * 6 * scale;
                        let fits = alphabet
                            .chars()
                            .map(|one| (self.distance(one, scale, left, top), one));
                        fits.min_by(|one, other| one.0.total_cmp(&other.0)).unwrap()
                    });
                    let read: Vec<(f64, char)> = read.collect();
                    let mean = read.iter().map(|one| one.0).sum::<f64>() / glyphs as f64;
                    if mean / (scale * scale) as f64 <= best.0 {
                        let text = read.iter().map(|one| one.1).collect();
                        best = (mean / (scale * scale) as f64, text);
                    }
                }
            }
        }
        best
    }

    /// Squared differences between the ink and a glyph at a place, in pixels of a picture of 96.
    fn distance(&self, one: char, scale: i64, left: i64, top: i64) -> f64 {
        let zoom = (ITEM_SIDE / self.side).cast_signed() as i64;
        let rows = glyph(one).unwrap();
        let drawn = |column: i64, row: i64| {
            let at = (
                (column - left).div_euclid(scale),
                (row - top).div_euclid(scale),
            );
            let inside = (0..GLYPH_COLUMNS).contains(&at.0) && (0..GLYPH_ROWS).contains(&at.1);
            inside && inked(rows[at.1 as usize], at.0)
        };
        // What a pixel of the picture is made of, on either axis; at half of the size a triangle of four.
        let weights: &[(i64, f64)] = if zoom == 1 {
            &[(0, 1.0)]
        } else {
            &[(-1, 0.125), (0, 0.375), (1, 0.375), (2, 0.125)]
        };
        let mut sum = 0.0;
        for row in top.div_euclid(zoom)..=(top + 7 * scale).div_euclid(zoom) {
            for column in left.div_euclid(zoom)..=(left + 5 * scale).div_euclid(zoom) {
                let inside = 0..self.side.cast_signed() as i64;
                if !inside.contains(&row) || !inside.contains(&column) {
                    continue;
                }
                let mut share = 0.0;
                for (x, across) in weights {
                    for (y, down) in weights {
                        if drawn(column * zoom + x, row * zoom + y) {
                            share += across * down;
                        }
                    }
                }
                sum += (self.ink[row as usize * self.side + column as usize] - share).powi(2);
            }
        }
        sum * (zoom * zoom) as f64
    }
}

fn read(picture: &Picture, alphabet: &str) -> String {
    let plates = Plate::all(picture);
    let read = plates.iter().map(|plate| plate.read(alphabet));
    let best = read.min_by(|one, other| one.0.total_cmp(&other.0));
    best.unwrap().1
}

#[test]
fn signs_are_read_from_their_pixels() {
    for (kind, alphabet) in [(ItemKind::Digits, FIGURES), (ItemKind::Letters, CAPITALS)] {
        for index in 0..60 {
            let item = item(kind, Split::Test, 21, index);
            let picture = item.picture.unwrap();
            assert_eq!(read(&picture, alphabet), item.answer);
            let half = resize(&picture, 48, 48, Filter::Bilinear);
            assert_eq!(read(&half, alphabet), item.answer, "{kind} {index}");
        }
    }
}

#[test]
fn glyphs_differ_in_two_pixels_at_least() {
    for alphabet in [FIGURES, CAPITALS] {
        for (one, other) in alphabet
            .chars()
            .flat_map(|one| alphabet.chars().map(move |other| (one, other)))
            .filter(|(one, other)| one < other)
        {
            let rows = glyph(one).unwrap().iter().zip(glyph(other).unwrap());
            let differ: u32 = rows.map(|(one, other)| (one ^ other).count_ones()).sum();
            assert!(differ >= 2, "{one} {other}");
        }
    }
    assert_eq!(glyph('A'), None);
}

#[test]
fn options_of_numbers_differ_in_one_digit() {
    let mut lengths = BTreeMap::new();
    let mut digits = BTreeMap::new();
    for index in 0..3000 {
        let (_, item) = build(ItemKind::Digits, Split::Train, 22, index);
        assert_eq!(item.options.len(), 4);
        let options: Vec<&[u8]> = item.options.iter().map(String::as_bytes).collect();
        let length = item.answer.len();
        let places: Vec<usize> = (0..length)
            .filter(|&place| {
                options
                    .iter()
                    .any(|option| option[place] != options[0][place])
            })
            .collect();
        assert_eq!(places.len(), 1, "{:?}", item.options);
        for option in options {
            assert_eq!(option.len(), length);
            assert_ne!(option[0], b'0');
        }
        *lengths.entry(length).or_insert(0) += 1;
        for (place, digit) in item.answer.bytes().enumerate() {
            *digits.entry((length, place, digit)).or_insert(0) += 1;
        }
    }
    assert_eq!(lengths, BTreeMap::from([(2, 1000), (3, 1000), (4, 1000)]));
    // Three first places without a nought, and six others.
    assert_eq!(digits.len(), 3 * 9 + 6 * 10);
    // 100 or 111 expected, 5 standard deviations.
    assert!(digits.values().all(|count| (50..165).contains(count)));
}

#[test]
fn options_of_words_are_of_one_length() {
    let words = words();
    assert!(words.len() > 60, "{}", words.len());
    for index in 0..600 {
        let (_, item) = build(ItemKind::Letters, Split::Train, 23, index);
        assert_eq!(item.options.len(), 4);
        for option in &item.options {
            assert_eq!(option.len(), item.answer.len());
            assert!(words.contains(&option.as_str()));
        }
    }
}

/// The place of the option for which `score` is largest; of equals, any.
fn largest(item: &WorldItem, dice: &mut Dice, score: impl Fn(&str) -> i64) -> usize {
    let mut places: Vec<usize> = (0..item.options.len()).collect();
    dice.shuffle(&mut places);
    let score = |place: &usize| score(&item.options[*place]);
    places.into_iter().max_by_key(score).unwrap()
}

#[test]
fn options_do_not_give_away_which_is_right() {
    let common = |one: &str, other: &str| {
        let same = one.chars().zip(other.chars()).filter(|(a, b)| a == b);
        same.count().cast_signed() as i64
    };
    for kind in [ItemKind::Digits, ItemKind::Letters] {
        let (mut dice, count) = (Dice::named("test options", 1, 0), 3000);
        let mut right = [0; 4];
        for index in 0..count {
            let item = item(kind, Split::Test, 24, index);
            let options = item.options.clone();
            let like = |one: &str| options.iter().map(|other| common(one, other)).sum::<i64>();
            let order = |one: &str| {
                options
                    .iter()
                    .filter(|other| other.as_str() < one)
                    .count()
                    .cast_signed() as i64
            };
            let guesses = [
                largest(&item, &mut dice, like),
                largest(&item, &mut dice, order),
                largest(&item, &mut dice, |one| -order(one)),
                // One of the two in the middle.
                largest(&item, &mut dice, |one| -(2 * order(one) - 3).abs()),
            ];
            for (right, guess) in right.iter_mut().zip(guesses) {
                *right += i64::from(Some(guess) == item.right);
            }
        }
        let (mean, margin) = (count as f64 / 4.0, 4.0 * (count as f64 * 3.0 / 16.0).sqrt());
        let near = |right: &i64| (*right as f64 - mean).abs() < margin;
        assert!(right.iter().all(near), "{kind}: {right:?}");
    }
}
