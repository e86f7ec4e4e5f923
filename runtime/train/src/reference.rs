//! The decoder written out in plain f64 loops: what every fused operation is tested against.

use crate::ModelConfig;

/// A small model with grouped heads and no round number in it.
pub(crate) fn tiny() -> ModelConfig {
    ModelConfig {
        layers: 2,
        width: 12,
        heads: 2,
        kv_heads: 1,
        hidden: 10,
        context: 7,
        vocabulary: 13,
        rope_base: 100.0,
        norm_eps: 1e-5,
        tied: false,
    }
}

pub(crate) fn embedding(table: &[f64], tokens: &[u32], width: usize) -> Vec<f64> {
    tokens
        .iter()
        .flat_map(|&t| table[t as usize * width..][..width].to_vec())
        .collect()
}

pub(crate) fn rms_norm(x: &[f64], gain: &[f64], eps: f64) -> Vec<f64> {
    let width = gain.len();
    x.chunks(width)
        .flat_map(|row| {
            let mean = row.iter().map(|v| v * v).sum::<f64>() / width as f64;
            row.iter()
                .zip(gain)
                .map(move |(v, g)| v / (mean + eps).sqrt() * g)
        })
        .collect()
}

/// x·Wᵀ with `weight` [outputs, inputs].
pub(crate) fn linear(x: &[f64], weight: &[f64], inputs: usize) -> Vec<f64> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    x.chunks(inputs)
        .flat_map(|x| weight.chunks(inputs).map(move |w| dot(x, w)))
        .collect()
}

pub(crate) fn add(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

pub(crate) fn swiglu(x: &[f64], gate_up: &[f64], down: &[f64], width: usize) -> Vec<f64> {
    let inner = linear(x, gate_up, width);
    let hidden = down.len() / width;
    let gated: Vec<f64> = inner
        .chunks(2 * hidden)
        .flat_map(|row| {
            let (gate, up) = row.split_at(hidden);
            gate.iter().zip(up).map(|(g, u)| g / (1.0 + (-g).exp()) * u)
        })
        .collect();
    linear(&gated, down, hidden)
}

/// Projection, rotation and causal attention, one query at a time.
pub(crate) fn attention(c: &ModelConfig, x: &[f64], qkv: &[f64], length: usize) -> Vec<f64> {
    attention_of(c, c.head_width(), x, qkv, length)
}

/// As [`attention`], with heads of any length `head`.
pub(crate) fn attention_of(
    c: &ModelConfig,
    head: usize,
    x: &[f64],
    qkv: &[f64],
    length: usize,
) -> Vec<f64> {
    let row = (c.heads + 2 * c.kv_heads) * head;
    let mut projected = linear(x, qkv, c.width);
    for (token, row) in projected.chunks_mut(row).enumerate() {
        for vector in row[..(c.heads + c.kv_heads) * head].chunks_mut(head) {
            rotate(vector, (token % length) as f64, c.rope_base);
        }
    }
    let at =
        |token: usize, head_index: usize| &projected[token * row + head_index * head..][..head];
    let mut out = Vec::new();
    for token in 0..projected.len() / row {
        let first = token / length * length;
        for query in 0..c.heads {
            let kv = query / (c.heads / c.kv_heads);
            let scores: Vec<f64> = (first..=token)
                .map(|seen| {
                    let pairs = at(token, query).iter().zip(at(seen, c.heads + kv));
                    pairs.map(|(a, b)| a * b).sum::<f64>() / (head as f64).sqrt()
                })
                .collect();
            let total = log_sum_exp(&scores);
            out.extend((0..head).map(|i| {
                let weighted = (first..=token).zip(&scores);
                weighted
                    .map(|(seen, s)| (s - total).exp() * at(seen, c.heads + c.kv_heads + kv)[i])
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
        let angle = position * base.powf(-2.0 * i as f64 / width as f64);
        let (sin, cos) = angle.sin_cos();
        (*x, *y) = (*x * cos - *y * sin, *y * cos + *x * sin);
    }
}

fn log_sum_exp(values: &[f64]) -> f64 {
    let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    top + values.iter().map(|v| (v - top).exp()).sum::<f64>().ln()
}

/// Mean cross-entropy in nats.
pub(crate) fn cross_entropy(x: &[f64], weight: &[f64], targets: &[u32], width: usize) -> f64 {
    let vocabulary = weight.len() / width;
    let logits = linear(x, weight, width);
    let losses = logits.chunks(vocabulary).zip(targets);
    losses
        .map(|(l, &t)| log_sum_exp(l) - l[t as usize])
        .sum::<f64>()
        / targets.len() as f64
}

/// Mean cross-entropy of a whole model; `slabs` in the layout's order.
pub(crate) fn model(
    c: &ModelConfig,
    slabs: &[Vec<f64>],
    inputs: &[u32],
    targets: &[u32],
    length: usize,
) -> f64 {
    let mut x = embedding(&slabs[0], inputs, c.width);
    for block in slabs[1..=6 * c.layers].chunks(6) {
        let [attention_norm, qkv, output, mlp_norm, gate_up, down] = block else {
            unreachable!()
        };
        let normed = rms_norm(&x, attention_norm, c.norm_eps);
        x = add(
            &x,
            &linear(&attention(c, &normed, qkv, length), output, c.width),
        );
        let normed = rms_norm(&x, mlp_norm, c.norm_eps);
        x = add(&x, &swiglu(&normed, gate_up, down, c.width));
    }
    let head = if c.tied {
        &slabs[0]
    } else {
        &slabs[6 * c.layers + 2]
    };
    cross_entropy(
        &rms_norm(&x, &slabs[6 * c.layers + 1], c.norm_eps),
        head,
        targets,
        c.width,
    )
}
