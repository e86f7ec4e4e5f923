//! Scenes as pictures: each thing drawn in its own cell of the grid, in whole numbers alone.

use crate::image::Picture;
use crate::world::scene::{GRID, Scene, Thing};
use crate::world::words::{COLOURS, KINDS, MATERIALS, PLACES};

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

/// RGB of each of the colours, in their order.
const PAINTS: [[u8; 3]; 12] = [
    [214, 32, 32],
    [32, 72, 214],
    [24, 144, 48],
    [240, 216, 24],
    [244, 136, 16],
    [128, 40, 168],
    [112, 64, 24],
    [20, 20, 20],
    [255, 255, 255],
    [120, 120, 120],
    [248, 136, 184],
    [40, 200, 196],
];

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
    let mut pixels: Vec<u8> = background(place_of(PLACES, scene.place))
        .into_iter()
        .cycle()
        .take(side * side * 3)
        .collect();
    let covered = scene
        .things
        .iter()
        .map(|thing| draw(&mut pixels, side, thing))
        .collect();
    Rendering {
        picture: Picture::new(side, side, pixels),
        covered,
    }
}

/// Pale, so that no paint is it: each channel is 192, 208 or 224.
fn background(place: usize) -> [u8; 3] {
    [place % 3, place / 3 % 3, place / 9].map(|level| 192 + 16 * level as u8)
}

/// Draws a thing and gives the pixels that it covers.
fn draw(pixels: &mut [u8], side: usize, thing: &Thing) -> usize {
    let cell = side.cast_signed() as i64 / GRID;
    // Cells are laid from the middle, so that what the division leaves is spread over the margins.
    let margin = (side.cast_signed() as i64 - cell * GRID) / 2;
    let left = margin + thing.x * cell + cell / 2;
    let top = margin + (GRID - 1 - thing.y) * cell + cell / 2;
    let radius = cell * (thing.size.cast_signed() as i64 + 3) / 16;
    let kind = place_of(KINDS, thing.kind);
    let paint = PAINTS[COLOURS
        .iter()
        .position(|colour| *colour == thing.colour)
        .unwrap_or_default()];
    let material = place_of(MATERIALS, thing.material);
    let mut covered = 0;
    for across in -radius..=radius {
        for down in -radius..=radius {
            if !covers(kind, across, down, radius) {
                continue;
            }
            let at = ((top + down) * side.cast_signed() as i64 + left + across) as usize * 3;
            pixels[at..at + 3].copy_from_slice(&textured(paint, material, across, down));
            covered += 1;
        }
    }
    covered
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
fn textured(paint: [u8; 3], material: usize, across: i64, down: i64) -> [u8; 3] {
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

/// Where a word of the world stands among its sort.
fn place_of<T: PartialEq>(all: &[T], one: &T) -> usize {
    all.iter()
        .position(|other| other == one)
        .unwrap_or_default()
}
