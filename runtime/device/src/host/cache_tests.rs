//! Kept keys and values against formulas in double precision.

use super::tests::{Bed, close, some};
use crate::program::{CacheShape, Command, Kind, NOWHERE};

/// Positions of the rows that are read, each of a sequence of its own; the last row has no place.
const POSITIONS: [usize; 3] = [0, 4, 2];
/// Places of each sequence.
const ROOM: usize = 6;

fn rows() -> (Vec<u32>, Vec<u32>) {
    let starts: Vec<u32> = (0..=POSITIONS.len()).map(|at| (at * ROOM) as u32).collect();
    let both = starts.iter().zip(POSITIONS);
    let mut places: Vec<u32> = both.map(|(start, at)| start + at as u32).collect();
    places.push(NOWHERE);
    (starts, places)
}

const SHAPES: [CacheShape; 3] = [
    CacheShape {
        queries: 1,
        keys: 1,
        width: 2,
    },
    CacheShape {
        queries: 4,
        keys: 2,
        width: 6,
    },
    CacheShape {
        queries: 3,
        keys: 3,
        width: 4,
    },
];

#[test]
fn keys_are_turned_and_kept() {
    for shape in SHAPES {
        let (starts, places) = rows();
        let half = shape.width / 2;
        let x = some(starts.len() * shape.row(), 1);
        let before = some(POSITIONS.len() * ROOM * shape.kept(), 2);
        let angle = |at: usize| at as f64 * 0.37 + 0.1;
        let angles: Vec<f64> = (0..ROOM * half).map(angle).collect();
        let mut bed = Bed::default();
        let (qkv, cache) = (bed.floats(&x), bed.floats(&before));
        let cos = bed.floats(&angles.iter().map(|a| a.cos()).collect::<Vec<_>>());
        let sin = bed.floats(&angles.iter().map(|a| a.sin()).collect::<Vec<_>>());
        let (of_starts, of_places) = (bed.indices(&starts), bed.indices(&places));
        bed.run(&[Command::StoreKeys {
            qkv,
            cache,
            cos,
            sin,
            starts: of_starts,
            places: of_places,
            shape,
        }]);
        let (mut rows, mut kept) = (x.clone(), before);
        for (t, position) in POSITIONS.into_iter().enumerate() {
            for head in 0..shape.queries + 2 * shape.keys {
                for i in 0..half {
                    let at = t * shape.row() + head * shape.width + i;
                    let (a, b) = (x[at], x[at + half]);
                    // A complex number times that of the angle.
                    let (sin, cos) = angle(position * half + i).sin_cos();
                    let turned = head < shape.queries + shape.keys;
                    let (sin, cos) = if turned { (sin, cos) } else { (0.0, 1.0) };
                    let pair = (a * cos - b * sin, a * sin + b * cos);
                    if head < shape.queries {
                        (rows[at], rows[at + half]) = pair;
                    } else {
                        let to = places[t] as usize * shape.kept()
                            + (head - shape.queries) * shape.width
                            + i;
                        (kept[to], kept[to + half]) = pair;
                    }
                }
            }
        }
        close(&bed.get(qkv), &rows, 1e-6);
        close(&bed.get(cache), &kept, 1e-6);
    }
}

#[test]
fn a_query_sees_what_is_kept_of_its_sequence() {
    for shape in SHAPES {
        let CacheShape {
            queries,
            keys,
            width,
        } = shape;
        let (starts, places) = rows();
        let x = some(starts.len() * shape.row(), 3);
        let kept = some(POSITIONS.len() * ROOM * shape.kept(), 4);
        let mut bed = Bed::default();
        let (qkv, cache) = (bed.floats(&x), bed.floats(&kept));
        let (of_starts, of_places) = (bed.indices(&starts), bed.indices(&places));
        let out = bed.room(starts.len() * queries * width, Kind::F32);
        bed.run(&[Command::CachedAttention {
            out,
            qkv,
            cache,
            starts: of_starts,
            places: of_places,
            shape,
        }]);
        let mut exact = vec![0.0; out.len];
        for (t, position) in POSITIONS.into_iter().enumerate() {
            for head in 0..queries {
                let key = head / (queries / keys);
                let part = |s: usize, head: usize, i: usize| {
                    kept[(t * ROOM + s) * shape.kept() + head * width + i]
                };
                let score = |s: usize| {
                    let query = |i: usize| x[t * shape.row() + head * width + i];
                    let dot: f64 = (0..width).map(|i| query(i) * part(s, key, i)).sum();
                    (dot / (width as f64).sqrt()).exp()
                };
                let total: f64 = (0..=position).map(score).sum();
                for i in 0..width {
                    let mix = (0..=position).map(|s| score(s) * part(s, keys + key, i));
                    exact[(t * queries + head) * width + i] = mix.sum::<f64>() / total;
                }
            }
        }
        close(&bed.get(out), &exact, 1e-6);
    }
}
