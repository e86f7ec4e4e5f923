//! Look-up, norms, linear layers, MLPs and the loss.

use std::f64::consts::PI;

use crate::kernels::activation::Activation;

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

/// As [`rms_norm`], centred first, with a bias.
pub(crate) fn layer_norm(x: &[f64], gain: &[f64], bias: &[f64], eps: f64) -> Vec<f64> {
    let width = gain.len();
    let centred: Vec<f64> = x
        .chunks(width)
        .flat_map(|row| {
            let mean = row.iter().sum::<f64>() / width as f64;
            row.iter().map(move |v| v - mean)
        })
        .collect();
    add_row(&rms_norm(&centred, gain, eps), bias)
}

/// `row` added to every row of `x`.
pub(super) fn add_row(x: &[f64], row: &[f64]) -> Vec<f64> {
    x.chunks(row.len()).flat_map(|x| add(x, row)).collect()
}

/// x·Wᵀ + b.
pub(crate) fn linear_bias(x: &[f64], weight: &[f64], bias: &[f64]) -> Vec<f64> {
    add_row(&linear(x, weight, weight.len() / bias.len()), bias)
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

/// outer(activation(inner(x))), each layer a weight and a bias.
pub(crate) fn mlp(
    x: &[f64],
    inner: [&[f64]; 2],
    outer: [&[f64]; 2],
    activation: Activation,
) -> Vec<f64> {
    let mut hidden = linear_bias(x, inner[0], inner[1]);
    for value in &mut hidden {
        *value = self::activation(activation, *value);
    }
    linear_bias(&hidden, outer[0], outer[1])
}

/// outer(silu(g) ∘ u) with g above u the rows of inner(x), each layer a weight and a bias.
pub(crate) fn gated_mlp(x: &[f64], inner: [&[f64]; 2], outer: [&[f64]; 2]) -> Vec<f64> {
    let rows = linear_bias(x, inner[0], inner[1]);
    let gated: Vec<f64> = rows
        .chunks(inner[1].len())
        .flat_map(|row| {
            let (gate, up) = row.split_at(row.len() / 2);
            gate.iter()
                .zip(up)
                .map(|(g, u)| activation(Activation::Silu, *g) * u)
        })
        .collect();
    linear_bias(&gated, outer[0], outer[1])
}

pub(crate) fn activation(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Gelu => x * normal(x),
        Activation::GeluTanh => {
            let inner = (2.0 / PI).sqrt() * (x + 0.044_715 * x.powi(3));
            0.5 * x * (1.0 + inner.tanh())
        }
        Activation::QuickGelu => x / (1.0 + (-1.702 * x).exp()),
        Activation::Relu => x.max(0.0),
        Activation::Silu => x / (1.0 + (-x).exp()),
    }
}

/// The normal distribution function.
///
/// Near 0 by 1/2 + φ(x)·Σ x²ⁿ⁺¹/(2n+1)!!, a series without cancellation (Abramowitz & Stegun 26.2.11);
/// far out by the continued fraction φ(x)/(x + 1/(x + 2/(x + …))) (26.2.14).
pub(crate) fn normal(x: f64) -> f64 {
    let density = (-0.5 * x * x).exp() / (2.0 * PI).sqrt();
    if x.abs() < 3.0 {
        let (mut term, mut sum, mut odd) = (x, x, 1.0);
        while term.abs() > 1e-18 {
            odd += 2.0;
            term *= x * x / odd;
            sum += term;
        }
        return 0.5 + density * sum;
    }
    let fraction = (1..=200)
        .rev()
        .fold(x.abs(), |rest, n| x.abs() + f64::from(n) / rest);
    let tail = density / fraction;
    if x > 0.0 { 1.0 - tail } else { tail }
}

pub(super) fn log_sum_exp(values: &[f64]) -> f64 {
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
