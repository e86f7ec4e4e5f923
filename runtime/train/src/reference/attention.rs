//! Attention, one query at a time.

use super::layers::log_sum_exp;
use crate::kernels::pattern::{Heads, Mask};

/// How to attend; see `crate::ops::Attention`.
pub(crate) struct Attention {
    pub(crate) heads: Heads,
    pub(crate) mask: Mask,
    pub(crate) rope_base: Option<f64>,
    pub(crate) length: usize,
}

/// Rotation and attention of projections [tokens, row].
pub(crate) fn attention(how: &Attention, projected: &[f64]) -> Vec<f64> {
    let Heads {
        queries,
        keys,
        width: head,
    } = how.heads;
    let row = (queries + 2 * keys) * head;
    let mut projected = projected.to_vec();
    if let Some(base) = how.rope_base {
        for (token, row) in projected.chunks_mut(row).enumerate() {
            for vector in row[..(queries + keys) * head].chunks_mut(head) {
                rotate(vector, (token % how.length) as f64, base);
            }
        }
    }
    let at = |token: usize, index: usize| &projected[token * row + index * head..][..head];
    let mut out = Vec::new();
    for token in 0..projected.len() / row {
        let first = token / how.length * how.length;
        let seen = match how.mask {
            Mask::Causal => first..token + 1,
            Mask::Full => first..first + how.length,
        };
        for query in 0..queries {
            let key = queries + query / (queries / keys);
            let scores: Vec<f64> = seen
                .clone()
                .map(|seen| {
                    let pairs = at(token, query).iter().zip(at(seen, key));
                    pairs.map(|(a, b)| a * b).sum::<f64>() / (head as f64).sqrt()
                })
                .collect();
            let total = log_sum_exp(&scores);
            out.extend((0..head).map(|i| {
                let weighted = seen.clone().zip(&scores);
                weighted
                    .map(|(seen, s)| (s - total).exp() * at(seen, key + keys)[i])
                    .sum::<f64>()
            }));
        }
    }
    out
}

fn rotate(vector: &mut [f64], position: f64, base: f64) {
    let width = vector.len();
    let (low, high) = vector.split_at_mut(width / 2);
    for (i, (x, y)) in low.iter_mut().zip(high).enumerate() {
        // In single precision, as `transformers` has them: far places would differ more than rounding.
        let frequency = base.powf(-2.0 * i as f64 / width as f64) as f32;
        let angle = f64::from(position as f32 * frequency);
        let (sin, cos) = angle.sin_cos();
        (*x, *y) = (*x * cos - *y * sin, *y * cos + *x * sin);
    }
}
