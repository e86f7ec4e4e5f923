//! Attention, one query after the other.

use super::memory::Memory;
use crate::program::{AttentionShape, Command, Mask};

/// Where heads lie in rows.
impl AttentionShape {
    fn row(&self) -> usize {
        (self.queries + 2 * self.keys) * self.width
    }

    fn tokens(&self) -> usize {
        self.sequences * self.length
    }

    /// Places of query head `head` of token `t`, and of its key and value heads of token `s`.
    fn places(&self, t: usize, s: usize, head: usize) -> [usize; 3] {
        let shared = head / (self.queries / self.keys);
        [
            t * self.row() + head * self.width,
            s * self.row() + (self.queries + shared) * self.width,
            s * self.row() + (self.queries + self.keys + shared) * self.width,
        ]
    }

    /// Tokens that token `t` sees.
    fn seen(&self, t: usize) -> std::ops::Range<usize> {
        let start = t / self.length * self.length;
        match self.mask {
            Mask::Causal => start..t + 1,
            Mask::Full => start..start + self.length,
        }
    }

    fn scale(&self) -> f32 {
        1.0 / (self.width as f32).sqrt()
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub(super) fn carry_out(memory: &mut Memory, command: &Command) {
    match *command {
        Command::Attention {
            out,
            log_sums,
            qkv,
            shape,
        } => {
            let rows = memory.floats(qkv);
            let (mut result, mut sums) = (vec![0.0; out.len], vec![0.0; log_sums.len]);
            for (t, head) in each(shape) {
                let sees = shape.seen(t);
                let part = |place: usize| &rows[place..place + shape.width];
                let scores: Vec<f32> = sees
                    .clone()
                    .map(|s| {
                        let [q, k, _] = shape.places(t, s, head);
                        dot(part(q), part(k)) * shape.scale()
                    })
                    .collect();
                let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let sum: f32 = scores.iter().map(|score| (score - largest).exp()).sum();
                let place = (t * shape.queries + head) * shape.width;
                let result = &mut result[place..place + shape.width];
                for (s, score) in sees.zip(&scores) {
                    let weight = (score - largest).exp() / sum;
                    let [_, _, v] = shape.places(t, s, head);
                    result
                        .iter_mut()
                        .zip(part(v))
                        .for_each(|(sum, v)| *sum += weight * v);
                }
                sums[t * shape.queries + head] = largest + sum.ln();
            }
            memory.put(out, &result);
            memory.put(log_sums, &sums);
        }
        Command::AttentionGradient { .. } => gradient(memory, command),
        _ => {}
    }
}

fn each(shape: AttentionShape) -> impl Iterator<Item = (usize, usize)> {
    (0..shape.tokens()).flat_map(move |t| (0..shape.queries).map(move |head| (t, head)))
}

fn gradient(memory: &mut Memory, command: &Command) {
    let &Command::AttentionGradient {
        dqkv,
        delta,
        dout,
        qkv,
        out,
        log_sums,
        shape,
    } = command
    else {
        return;
    };
    let (rows, dout, out) = (memory.floats(qkv), memory.floats(dout), memory.floats(out));
    let sums = memory.floats(log_sums);
    let mut result = vec![0.0; dqkv.len];
    let mut deltas = vec![0.0; delta.len];
    let width = shape.width;
    for (t, head) in each(shape) {
        let place = (t * shape.queries + head) * width;
        let dout = &dout[place..place + width];
        let own = dot(dout, &out[place..place + width]);
        deltas[t * shape.queries + head] = own;
        for s in shape.seen(t) {
            let [q, k, v] = shape.places(t, s, head);
            let part = |place: usize| &rows[place..place + width];
            let score = dot(part(q), part(k)) * shape.scale();
            let weight = (score - sums[t * shape.queries + head]).exp();
            let dscore = weight * (dot(dout, part(v)) - own) * shape.scale();
            for i in 0..width {
                result[v + i] += weight * dout[i];
                result[q + i] += dscore * rows[k + i];
                result[k + i] += dscore * rows[q + i];
            }
        }
    }
    memory.put(dqkv, &result);
    memory.put(delta, &deltas);
}
