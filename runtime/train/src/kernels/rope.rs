//! Rotary position embedding (Su et al. 2021), the half-split layout of Llama checkpoints.

use rayon::prelude::*;

use super::simd::simd;

/// Rows per unit of work.
const ROWS: usize = 32;

/// Cosines and sines of every position and frequency, each [context, head width / 2].
#[derive(Debug)]
pub struct Rope {
    half: usize,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

/// The direction of a rotation; the inverse is the transpose, hence the gradient.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    Forward,
    Back,
}

impl Rope {
    /// Angles position · base^(−2i/width) of heads `width` long, for positions below `context`;
    /// frequencies are rounded to f32 as `transformers` does.
    ///
    /// # Panics
    /// If `width` is odd.
    pub fn new(width: usize, context: usize, base: f64) -> Self {
        assert!(width.is_multiple_of(2), "a head of {width} has no halves");
        let half = width / 2;
        let frequency = |i: usize| (1.0 / base.powf(2.0 * i as f64 / width as f64)) as f32;
        let angles: Vec<f32> = (0..context)
            .flat_map(|position| (0..half).map(move |i| position as f32 * frequency(i)))
            .collect();
        let cos = angles.iter().map(|angle| angle.cos()).collect();
        let sin = angles.iter().map(|angle| angle.sin()).collect();
        Self { half, cos, sin }
    }

    /// Cosines and sines of the angles, each [context, width / 2].
    pub fn angles(&self) -> (&[f32], &[f32]) {
        (&self.cos, &self.sin)
    }

    /// Whether it can turn heads `width` long in sequences of `length`.
    pub(crate) fn fits(&self, width: usize, length: usize) -> bool {
        width == 2 * self.half && length * self.half <= self.cos.len()
    }

    /// Rotates, in place, the first `heads` heads of each row of `rows` [tokens, row_width].
    ///
    /// `position` tells where the token of a row stands in its sequence.
    pub(crate) fn turn(
        &self,
        rows: &mut [f32],
        row_width: usize,
        heads: usize,
        position: impl Fn(usize) -> usize + Sync,
        turn: Turn,
    ) {
        let sign = if turn == Turn::Forward { 1.0 } else { -1.0 };
        rows.par_chunks_mut(ROWS * row_width)
            .enumerate()
            .for_each(|(unit, rows)| {
                simd(
                    #[inline(always)]
                    || {
                        for (i, row) in rows.chunks_exact_mut(row_width).enumerate() {
                            let position = position(unit * ROWS + i);
                            self.turn_row(&mut row[..heads * 2 * self.half], position, sign);
                        }
                    },
                );
            });
    }

    #[inline(always)]
    fn turn_row(&self, heads: &mut [f32], position: usize, sign: f32) {
        let half = self.half;
        let cos = &self.cos[position * half..][..half];
        let sin = &self.sin[position * half..][..half];
        for head in heads.chunks_exact_mut(2 * half) {
            let (low, high) = head.split_at_mut(half);
            for i in 0..half {
                let (x, y, s) = (low[i], high[i], sin[i] * sign);
                low[i] = x * cos[i] - y * s;
                high[i] = y * cos[i] + x * s;
            }
        }
    }
}
