//! What is done to each row by itself.

use super::memory::Memory;
use crate::program::{Command, Span};

pub(super) fn carry_out(memory: &mut Memory, command: &Command) {
    match *command {
        Command::Embed {
            out,
            table,
            tokens,
            width,
        } => {
            let table = memory.floats(table);
            let tokens = memory.numbers(tokens);
            let rows = tokens
                .iter()
                .flat_map(|token| &table[token * width..][..width]);
            let rows: Vec<f32> = rows.copied().collect();
            memory.put(out, &rows);
        }
        Command::EmbedGradient {
            dtable,
            dy,
            tokens,
            order,
            width,
            add,
        } => {
            let mut sum = if add {
                memory.floats(dtable)
            } else {
                vec![0.0; dtable.len]
            };
            let (dy, tokens, order) = (
                memory.floats(dy),
                memory.numbers(tokens),
                memory.numbers(order),
            );
            for at in order {
                let row = &mut sum[tokens[at] * width..][..width];
                row.iter_mut()
                    .zip(&dy[at * width..])
                    .for_each(|(sum, dy)| *sum += dy);
            }
            memory.put(dtable, &sum);
        }
        Command::RmsNorm {
            out,
            inverse,
            x,
            gain,
            width,
            eps,
        } => {
            let (mut x, gain) = (memory.floats(x), memory.floats(gain));
            let mut inverses = Vec::new();
            for row in x.chunks_mut(width) {
                let squares: f32 = row.iter().map(|x| x * x).sum();
                let inverse = 1.0 / (squares / width as f32 + eps).sqrt();
                row.iter_mut()
                    .zip(&gain)
                    .for_each(|(x, gain)| *x = *x * inverse * gain);
                inverses.push(inverse);
            }
            memory.put(out, &x);
            memory.put(inverse, &inverses);
        }
        Command::RmsNormGradient { .. } => norm_gradient(memory, command),
        Command::Rope { .. } => rope(memory, command),
        Command::SwiGlu {
            out,
            gate_up,
            hidden,
        } => {
            let rows = memory.floats(gate_up);
            let row = |row: &[f32]| -> Vec<f32> {
                let (gate, up) = row.split_at(hidden);
                gate.iter()
                    .zip(up)
                    .map(|(gate, up)| gate * sigmoid(*gate) * up)
                    .collect()
            };
            let result: Vec<f32> = rows.chunks(2 * hidden).flat_map(row).collect();
            memory.put(out, &result);
        }
        Command::SwiGluGradient {
            dgate_up,
            dout,
            gate_up,
            hidden,
        } => {
            swiglu_gradient(memory, (dgate_up, dout, gate_up), hidden);
        }
        Command::CrossEntropy {
            logits,
            losses,
            targets,
            vocabulary,
            scale,
        } => cross_entropy(memory, (logits, losses, targets), vocabulary, scale),
        _ => {}
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

fn rope(memory: &mut Memory, command: &Command) {
    let &Command::Rope {
        x,
        cos,
        sin,
        row,
        heads,
        width,
        length,
        back,
    } = command
    else {
        return;
    };
    let mut values = memory.floats(x);
    let (cos, sin) = (memory.floats(cos), memory.floats(sin));
    let half = width / 2;
    for (t, row) in values.chunks_mut(row).enumerate() {
        let angle = t % length * half;
        for head in row.chunks_mut(width).take(heads) {
            let (low, high) = head.split_at_mut(half);
            for i in 0..half {
                let (c, s) = (cos[angle + i], sin[angle + i]);
                let s = if back { -s } else { s };
                let (a, b) = (low[i], high[i]);
                (low[i], high[i]) = (a * c - b * s, b * c + a * s);
            }
        }
    }
    memory.put(x, &values);
}

fn swiglu_gradient(
    memory: &mut Memory,
    (dgate_up, dout, gate_up): (Span, Span, Span),
    hidden: usize,
) {
    let (mut rows, dout) = (memory.floats(gate_up), memory.floats(dout));
    for (row, dout) in rows.chunks_mut(2 * hidden).zip(dout.chunks(hidden)) {
        let (gates, ups) = row.split_at_mut(hidden);
        for ((gate, up), dout) in gates.iter_mut().zip(ups).zip(dout) {
            let s = sigmoid(*gate);
            let silu = *gate * s;
            (*gate, *up) = (dout * *up * s * (1.0 + *gate * (1.0 - s)), dout * silu);
        }
    }
    memory.put(dgate_up, &rows);
}

fn norm_gradient(memory: &mut Memory, command: &Command) {
    let &Command::RmsNormGradient {
        dx,
        dgain,
        dy,
        x,
        inverse,
        gain,
        width,
        plus,
        add,
        ..
    } = command
    else {
        return;
    };
    let (dy, x) = (memory.floats(dy), memory.floats(x));
    let (inverse, gain) = (memory.floats(inverse), memory.floats(gain));
    let mut sum = if add {
        memory.floats(dgain)
    } else {
        vec![0.0; width]
    };
    let mut result = plus.map_or_else(|| vec![0.0; x.len()], |plus| memory.floats(plus));
    let rows = x.chunks(width).zip(dy.chunks(width)).zip(&inverse);
    for (((x, dy), inverse), dx) in rows.zip(result.chunks_mut(width)) {
        let scaled = |i: usize| dy[i] * gain[i];
        let mean = (0..width).map(|i| scaled(i) * x[i]).sum::<f32>() / width as f32;
        for i in 0..width {
            dx[i] += inverse * (scaled(i) - x[i] * inverse * inverse * mean);
            sum[i] += dy[i] * x[i] * inverse;
        }
    }
    memory.put(dx, &result);
    memory.put(dgain, &sum);
}

fn cross_entropy(
    memory: &mut Memory,
    (logits, losses, targets): (Span, Span, Span),
    vocabulary: usize,
    scale: Option<f32>,
) {
    let mut rows = memory.floats(logits);
    let mut found = Vec::new();
    for (row, target) in rows.chunks_mut(vocabulary).zip(memory.numbers(targets)) {
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = row.iter().map(|logit| (logit - largest).exp()).sum();
        found.push(sum.ln() + largest - row[target]);
        if let Some(scale) = scale {
            for logit in row.iter_mut() {
                *logit = scale * ((*logit - largest).exp() / sum);
            }
            row[target] -= scale;
        }
    }
    memory.put(logits, &rows);
    memory.put(losses, &found);
}
