//! Scenes as pictures: each thing drawn in its own cell of the grid, in whole numbers alone.

use crate::image::Picture;
use crate::world::canvas::{Canvas, Paint, paint_of, place_of};
use crate::world::scene::{GRID, Scene, Thing};
use crate::world::words::{KINDS, MATERIALS, Material, PLACES, Place};

/// The smallest side of a picture in pixels; from here on, things that differ look different.
pub const MIN_SIDE: usize = 96;

/// A drawn scene.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendering {
    /// The picture, [side, side, 3].
    pub picture: Picture,
    /// Pixels that each thing covers, in the order of the scene's things; nothing is hidden.
    pub covered: Vec<usize>,
}

/// Draws a scene, `side` x `side` pixels: the background is the place's, the outline the kind's, the paint the
/// colour's and the texture the material's. The grid's first row is at the bottom.
///
/// # Panics
/// Where `side` is below [`MIN_SIDE`].
pub fn render(scene: &Scene, side: usize) -> Rendering {
    assert!(
        side >= MIN_SIDE,
        "a picture of a scene has {MIN_SIDE} pixels a side or more"
    );
    let mut canvas = Canvas::new(side, background(scene.place));
    let covered = scene
        .things
        .iter()
        .map(|thing| draw(&mut canvas, thing))
        .collect();
    Rendering {
        picture: canvas.picture(),
        covered,
    }
}

/// Pale, so that no paint is it: each channel is 192, 208 or 224.
pub(crate) fn background(place: &Place) -> Paint {
    let place = place_of(PLACES, place);
    [place % 3, place / 3 % 3, place / 9].map(|level| 192 + 16 * level as u8)
}

/// Draws a thing in its cell and gives the pixels that it covers.
pub(crate) fn draw(canvas: &mut Canvas, thing: &Thing) -> usize {
    let cell = canvas.side() / GRID;
    // Cells are laid from the middle, so that what the division leaves is spread over the margins.
    let margin = (canvas.side() - cell * GRID) / 2;
    let outline = Outline {
        kind: place_of(KINDS, thing.kind),
        column: margin + thing.x * cell + cell / 2,
        row: margin + (GRID - 1 - thing.y) * cell + cell / 2,
        radius: cell * (thing.size.cast_signed() as i64 + 3) / 16,
    };
    outline.draw(canvas, thing.colour, thing.material)
}

/// Where a thing is in a picture, and how large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outline {
    /// Its kind's number.
    pub(crate) kind: usize,
    /// The middle, which may be outside of the picture.
    pub(crate) column: i64,
    pub(crate) row: i64,
    /// Pixels from the middle to its furthest column or row.
    pub(crate) radius: i64,
}

impl Outline {
    /// Whether it holds a pixel.
    pub(crate) fn holds(&self, column: i64, row: i64) -> bool {
        let (across, down) = (column - self.column, row - self.row);
        down.abs() <= self.radius && covers(self.kind, across, down, self.radius)
    }

    /// Pixels that it covers in a picture of `side` x `side`; only those in every `step`th column and row are counted.
    pub(crate) fn pixels(&self, side: i64, step: usize) -> usize {
        let rows = (0..side).step_by(step);
        let row = |row| {
            let columns = (0..side).step_by(step);
            columns.filter(|&column| self.holds(column, row)).count()
        };
        rows.map(row).sum()
    }

    /// Draws what the picture has of it and gives the pixels that it covers.
    pub(crate) fn draw(&self, canvas: &mut Canvas, colour: &str, material: &Material) -> usize {
        let (paint, material) = (paint_of(colour), place_of(MATERIALS, material));
        let within = |middle: i64| {
            (middle - self.radius).max(0)..(middle + self.radius + 1).min(canvas.side())
        };
        let (columns, rows) = (within(self.column), within(self.row));
        let mut covered = 0;
        for row in rows {
            for column in columns.clone().filter(|&column| self.holds(column, row)) {
                let texture = textured(paint, material, column - self.column, row - self.row);
                canvas.put(column, row, texture);
                covered += 1;
            }
        }
        covered
    }
}

/// Whether a kind's outline holds a point. Six outlines in eight variants: narrow or not, without its lower middle
/// or not, and without the middle of its right side or not.
fn covers(kind: usize, across: i64, down: i64, radius: i64) -> bool {
    let (outline, variant) = (kind % 6, kind / 6);
    let wide = if variant & 1 == 1 { across * 2 } else { across };
    let (width, height) = (wide.abs(), down.abs());
    let inside = width <= radius
        && match outline {
            0 => wide * wide + down * down <= radius * radius,
            1 => true,
            2 => width + height <= radius,
            3 => width * 2 <= radius + down,
            4 => width * 2 <= radius - down,
            _ => width * 3 <= radius || height * 4 <= radius,
        };
    let hollow = variant & 2 == 2 && across.abs() * 5 < radius && down >= 0;
    let cut = variant & 4 == 4 && across > 0 && down.abs() * 2 < radius;
    inside && !hollow && !cut
}

/// A paint on a material: one of four patterns in one of three strengths, towards black or, on dark paint, white.
fn textured(paint: Paint, material: usize, across: i64, down: i64) -> Paint {
    let pattern = match material % 4 {
        0 => across,
        1 => down,
        2 => across + down,
        _ => across.div_euclid(2) + down.div_euclid(2),
    };
    if pattern.rem_euclid(2) == 0 {
        return paint;
    }
    let strength = 20 * (material.cast_signed() as i64 / 4 + 1);
    let bright = paint.iter().any(|&channel| channel >= 96);
    let towards = if bright { 0 } else { 255 };
    paint.map(|channel| {
        let channel = i64::from(channel);
        (channel + (towards - channel) * strength / 256) as u8
    })
}
