//! Attention of single tokens over the keys and values of their sequence.
//!
//! Every token is computed alone, over all it sees, in one order: so it makes no difference whether
//! a sequence is read at once or token by token.

use rayon::prelude::*;

use super::lanes::{exp, max, sum};
use super::panels::{Lanes, PANEL, tiles};
use super::pattern::Heads;
use super::simd::simd;

/// Keys and values of one sequence and layer, laid out as panels for [`attend`].
#[derive(Clone, Debug)]
pub(crate) struct KeysValues {
    heads: Heads,
    capacity: usize,
    /// [key heads, positions / `PANEL`, head width, `PANEL`].
    keys: Vec<f32>,
    /// [key heads, head width / `PANEL`, positions, `PANEL`].
    values: Vec<f32>,
}

impl KeysValues {
    /// Room for `capacity` positions, rounded up to whole panels.
    pub(crate) fn new(heads: Heads, capacity: usize) -> Self {
        let capacity = capacity.next_multiple_of(PANEL);
        let padded = heads.width.next_multiple_of(PANEL);
        Self {
            heads,
            capacity,
            keys: vec![0.0; heads.keys * capacity * heads.width],
            values: vec![0.0; heads.keys * capacity * padded],
        }
    }

    /// Takes in keys and values of a row of queries, keys and values, for `position`.
    pub(crate) fn put(&mut self, position: usize, row: &[f32]) {
        let (keys, values) =
            row[self.heads.output()..].split_at(self.heads.keys * self.heads.width);
        let width = self.heads.width;
        let (panel, lane) = (position / PANEL, position % PANEL);
        for (held, key) in self
            .keys
            .chunks_exact_mut(self.capacity * width)
            .zip(keys.chunks_exact(width))
        {
            let lanes = held[panel * width * PANEL..].chunks_exact_mut(PANEL);
            for (lanes, &value) in lanes.zip(key) {
                lanes[lane] = value;
            }
        }
        let parts = width.div_ceil(PANEL);
        for (head, value) in values.chunks_exact(width).enumerate() {
            for (part, value) in value.chunks(PANEL).enumerate() {
                let at = ((head * parts + part) * self.capacity + position) * PANEL;
                self.values[at..][..value.len()].copy_from_slice(value);
            }
        }
    }

    /// Output of the query heads of one key head, [group, head width], over positions `0..seen`.
    fn attend(
        &self,
        out: &mut [f32],
        queries: &[f32],
        kv_head: usize,
        seen: usize,
        room: &mut Room,
    ) {
        let (width, group) = (self.heads.width, self.heads.group());
        let (panels, results) = (seen.div_ceil(PANEL), &mut room.results[..group]);
        let step = panels * PANEL;
        let scores = &mut room.scores[..group * step];
        let keys = &self.keys[kv_head * self.capacity * width..][..step * width];
        for (panel, keys) in keys.chunks_exact(width * PANEL).enumerate() {
            tiles(results, queries, width, keys);
            for (scores, lanes) in scores.chunks_exact_mut(step).zip(&*results) {
                scores[panel * PANEL..][..PANEL].copy_from_slice(lanes);
            }
        }
        let scale = self.heads.scale();
        simd(
            #[inline(always)]
            || {
                for scores in scores.chunks_exact_mut(step) {
                    softmax(&mut scores[..seen], scale);
                }
            },
        );
        let parts = width.div_ceil(PANEL);
        for part in 0..parts {
            let at = (kv_head * parts + part) * self.capacity * PANEL;
            tiles(results, scores, step, &self.values[at..][..seen * PANEL]);
            for (out, lanes) in out.chunks_exact_mut(width).zip(&*results) {
                let out = out.chunks_mut(PANEL).nth(part).unwrap_or_default();
                out.copy_from_slice(&lanes[..out.len()]);
            }
        }
    }
}

/// One token of a sequence: which sequence, and where it stands in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) sequence: usize,
    pub(crate) position: usize,
}

/// Attends from each row of `qkv` [places, row] into `out` [places, output]; `held` has the keys and
/// values of each sequence, up to those of these very rows.
pub(crate) fn attend(
    out: &mut [f32],
    qkv: &[f32],
    heads: Heads,
    places: &[Place],
    held: &[&KeysValues],
) {
    let most = places.iter().map(|place| place.position + 1).max();
    let group = heads.group();
    // One task per token and key head: its query heads lie side by side.
    out.par_chunks_mut(group * heads.width)
        .enumerate()
        .for_each_init(
            || Room::new(group, most.unwrap_or(0)),
            |room, (task, out)| {
                let (row, kv_head) = (task / heads.keys, task % heads.keys);
                let queries = &qkv[row * heads.row() + kv_head * group * heads.width..];
                let place = places[row];
                let seen = place.position + 1;
                held[place.sequence].attend(out, queries, kv_head, seen, room);
            },
        );
}

/// What one thread works in.
struct Room {
    scores: Vec<f32>,
    results: Vec<Lanes>,
}

impl Room {
    fn new(group: usize, seen: usize) -> Self {
        Self {
            scores: vec![0.0; group * seen.next_multiple_of(PANEL)],
            results: vec![[0.0; PANEL]; group],
        }
    }
}

/// Turns scores into probabilities.
#[inline(always)]
fn softmax(scores: &mut [f32], scale: f32) {
    for score in scores.iter_mut() {
        *score *= scale;
    }
    let top = max(scores);
    for score in scores.iter_mut() {
        *score = exp(*score - top);
    }
    let share = 1.0 / sum(scores);
    for score in scores {
        *score *= share;
    }
}
