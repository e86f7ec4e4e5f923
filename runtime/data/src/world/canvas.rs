//! A square of pixels to draw on; what is drawn outside of it is cut off.

use std::ops::Range;

use crate::image::Picture;
use crate::world::words::COLOURS;

/// RGB, 8 bits a channel.
pub(crate) type Paint = [u8; 3];

/// RGB of each of the colours, in their order.
const PAINTS: [Paint; 12] = [
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

/// The paint of a colour.
pub(crate) fn paint_of(colour: &str) -> Paint {
    PAINTS[place_of(COLOURS, &colour)]
}

/// Where a word of the world stands among its sort.
pub(crate) fn place_of<T: PartialEq>(all: &[T], one: &T) -> usize {
    all.iter()
        .position(|other| other == one)
        .unwrap_or_default()
}

/// A picture in the making, `side` x `side` pixels; columns from the left and rows from the top.
pub(crate) struct Canvas {
    side: usize,
    pixels: Vec<u8>,
}

impl Canvas {
    /// A canvas in one paint.
    pub(crate) fn new(side: usize, paint: Paint) -> Self {
        let pixels = paint.into_iter().cycle().take(side * side * 3).collect();
        Self { side, pixels }
    }

    /// Its columns, and as many rows.
    pub(crate) fn side(&self) -> i64 {
        self.side.cast_signed() as i64
    }

    /// Paints a pixel.
    pub(crate) fn put(&mut self, column: i64, row: i64, paint: Paint) {
        let inside = 0..self.side();
        if inside.contains(&column) && inside.contains(&row) {
            let at = (row as usize * self.side + column as usize) * 3;
            self.pixels[at..at + 3].copy_from_slice(&paint);
        }
    }

    /// Paints a rectangle.
    pub(crate) fn fill(&mut self, columns: Range<i64>, rows: Range<i64>, paint: Paint) {
        for row in rows {
            for column in columns.clone() {
                self.put(column, row, paint);
            }
        }
    }

    /// What was drawn.
    pub(crate) fn picture(self) -> Picture {
        Picture::new(self.side, self.side, self.pixels)
    }
}
