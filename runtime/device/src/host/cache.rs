//! Kept keys and values, and rows that are put somewhere.

use super::memory::Memory;
use crate::program::{CacheShape, Command, NOWHERE, Span};

pub(super) fn carry_out(memory: &mut Memory, command: &Command) {
    match *command {
        Command::StoreKeys {
            qkv,
            cache,
            cos,
            sin,
            starts,
            places,
            shape,
        } => store(memory, (qkv, cache), (cos, sin), (starts, places), shape),
        Command::CachedAttention {
            out,
            qkv,
            cache,
            starts,
            places,
            shape,
        } => attend(memory, out, (qkv, cache), (starts, places), shape),
        _ => {}
    }
}

/// Row, start and place of each row that has a place.
fn placed(memory: &Memory, starts: Span, places: Span) -> Vec<(usize, usize, usize)> {
    let both = memory
        .numbers(starts)
        .into_iter()
        .zip(memory.numbers(places));
    let rows = both.enumerate();
    rows.filter(|(_, (_, place))| *place != NOWHERE as usize)
        .map(|(row, (start, place))| (row, start, place))
        .collect()
}

fn store(
    memory: &mut Memory,
    (qkv, cache): (Span, Span),
    (cos, sin): (Span, Span),
    (starts, places): (Span, Span),
    shape: CacheShape,
) {
    let half = shape.width / 2;
    for (t, start, place) in placed(memory, starts, places) {
        let angles = |of| memory.row(of, place - start, half);
        let (cos, sin) = (angles(cos), angles(sin));
        let mut row = memory.row(qkv, t, shape.row());
        let as_given = row.clone();
        let turned = shape.queries + shape.keys;
        for head in row.chunks_mut(shape.width).take(turned) {
            let (low, high) = head.split_at_mut(half);
            for i in 0..half {
                let (a, b, c, s) = (low[i], high[i], cos[i], sin[i]);
                (low[i], high[i]) = (a * c - b * s, b * c + a * s);
            }
        }
        let own = shape.queries * shape.width;
        memory.put_row(cache, place, &row[own..]);
        row[own..].copy_from_slice(&as_given[own..]);
        memory.put_row(qkv, t, &row);
    }
}

fn attend(
    memory: &mut Memory,
    out: Span,
    (qkv, cache): (Span, Span),
    (starts, places): (Span, Span),
    shape: CacheShape,
) {
    let CacheShape {
        queries,
        keys,
        width,
    } = shape;
    let scale = 1.0 / (width as f32).sqrt();
    let mut result = vec![0.0; out.len];
    for (t, start, place) in placed(memory, starts, places) {
        let row = memory.row(qkv, t, shape.row());
        let kept: Vec<Vec<f32>> = (start..=place)
            .map(|s| memory.row(cache, s, shape.kept()))
            .collect();
        for head in 0..queries {
            let query = &row[head * width..][..width];
            let key = head / (queries / keys) * width;
            let value = key + keys * width;
            let score = |kept: &Vec<f32>| {
                let pairs = query.iter().zip(&kept[key..]);
                pairs.map(|(q, k)| q * k).sum::<f32>() * scale
            };
            let scores: Vec<f32> = kept.iter().map(score).collect();
            let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum: f32 = scores.iter().map(|score| (score - largest).exp()).sum();
            let to = &mut result[(t * queries + head) * width..][..width];
            for (kept, score) in kept.iter().zip(&scores) {
                let weight = (score - largest).exp() / sum;
                to.iter_mut()
                    .zip(&kept[value..])
                    .for_each(|(sum, value)| *sum += weight * value);
            }
        }
    }
    memory.put(out, &result);
}
