//! What models of images need besides a decoder's commands.

use vpc_train::ops::Activation;

use super::memory::Memory;
use crate::program::{NOWHERE, SightCommand, Span};

pub(super) fn carry_out(memory: &mut Memory, command: &SightCommand) {
    match *command {
        SightCommand::LayerNorm { .. } => layer_norm(memory, command),
        SightCommand::LayerNormGradient { .. } => layer_norm_gradient(memory, command),
        SightCommand::AddBias { x, bias, width } => {
            let (mut rows, bias) = (memory.floats(x), memory.floats(bias));
            for row in rows.chunks_mut(width) {
                row.iter_mut().zip(&bias).for_each(|(x, bias)| *x += bias);
            }
            memory.put(x, &rows);
        }
        SightCommand::BiasGradient {
            dbias,
            dy,
            width,
            add,
            ..
        } => {
            let mut sum = before(memory, dbias, add);
            for row in memory.floats(dy).chunks(width) {
                sum.iter_mut().zip(row).for_each(|(sum, dy)| *sum += dy);
            }
            memory.put(dbias, &sum);
        }
        SightCommand::Activate { out, x, function } => {
            let values: Vec<f32> = memory.floats(x).iter().map(|x| of(function, *x)).collect();
            memory.put(out, &values);
        }
        SightCommand::ActivateGradient {
            dx,
            dy,
            x,
            function,
        } => {
            let (dy, x) = (memory.floats(dy), memory.floats(x));
            let values = dy.iter().zip(&x).map(|(dy, x)| dy * slope(function, *x));
            let values: Vec<f32> = values.collect();
            memory.put(dx, &values);
        }
        SightCommand::PutRows {
            out,
            rows,
            places,
            width,
        } => {
            // A row that is put nowhere need not be there.
            for (at, place) in memory.numbers(places).into_iter().enumerate() {
                if place != NOWHERE as usize {
                    let row = match rows {
                        Some(rows) => memory.row(rows, at, width),
                        None => vec![0.0; width],
                    };
                    memory.put_row(out, place, &row);
                }
            }
        }
        SightCommand::TakeRows {
            out,
            x,
            places,
            width,
        } => {
            let all = memory.floats(x);
            let mut rows = vec![0.0; out.len];
            for (row, place) in rows.chunks_mut(width).zip(memory.numbers(places)) {
                if place != NOWHERE as usize {
                    row.copy_from_slice(&all[place * width..][..width]);
                }
            }
            memory.put(out, &rows);
        }
        SightCommand::AnswerEntropy {
            logits,
            losses,
            targets,
            scale,
            width,
        } => answer_entropy(memory, (logits, losses, targets, scale), width),
    }
}

/// What a sum begins with.
fn before(memory: &Memory, sum: Span, add: bool) -> Vec<f32> {
    if add {
        memory.floats(sum)
    } else {
        vec![0.0; sum.len]
    }
}

fn layer_norm(memory: &mut Memory, command: &SightCommand) {
    let &SightCommand::LayerNorm {
        out,
        mean,
        inverse,
        x,
        gain,
        bias,
        width,
        eps,
    } = command
    else {
        return;
    };
    let mut rows = memory.floats(x);
    let (gain, bias) = (memory.floats(gain), memory.floats(bias));
    let (mut means, mut inverses) = (Vec::new(), Vec::new());
    for row in rows.chunks_mut(width) {
        let mean = row.iter().sum::<f32>() / width as f32;
        for x in row.iter_mut() {
            *x -= mean;
        }
        let squares: f32 = row.iter().map(|x| x * x).sum();
        let inverse = 1.0 / (squares / width as f32 + eps).sqrt();
        for ((x, gain), bias) in row.iter_mut().zip(&gain).zip(&bias) {
            *x = *x * inverse * gain + bias;
        }
        means.push(mean);
        inverses.push(inverse);
    }
    memory.put(out, &rows);
    memory.put(mean, &means);
    memory.put(inverse, &inverses);
}

fn layer_norm_gradient(memory: &mut Memory, command: &SightCommand) {
    let &SightCommand::LayerNormGradient {
        dx,
        dgain,
        dbias,
        dy,
        x,
        mean,
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
    let (dy, x, gain) = (memory.floats(dy), memory.floats(x), memory.floats(gain));
    let (mean, inverse) = (memory.floats(mean), memory.floats(inverse));
    let (mut gains, mut biases) = (before(memory, dgain, add), before(memory, dbias, add));
    let mut result = plus.map_or_else(|| vec![0.0; x.len()], |plus| memory.floats(plus));
    for (t, dx) in result.chunks_mut(width).enumerate() {
        let (dy, x) = (&dy[t * width..][..width], &x[t * width..][..width]);
        let normal = |i: usize| (x[i] - mean[t]) * inverse[t];
        let scaled = |i: usize| dy[i] * gain[i];
        let shift = (0..width).map(scaled).sum::<f32>() / width as f32;
        let pull = (0..width).map(|i| scaled(i) * normal(i)).sum::<f32>() / width as f32;
        for i in 0..width {
            dx[i] += inverse[t] * (scaled(i) - shift - normal(i) * pull);
            gains[i] += dy[i] * normal(i);
            biases[i] += dy[i];
        }
    }
    memory.put(dx, &result);
    memory.put(dgain, &gains);
    memory.put(dbias, &biases);
}

/// The function in double precision, rounded once.
fn of(function: Activation, x: f32) -> f32 {
    let x = f64::from(x);
    let value = match function {
        Activation::Gelu => x * normal(x),
        Activation::GeluTanh => x * sigmoid(2.0 * tanh_argument(x)),
        Activation::QuickGelu => x * sigmoid(QUICK * x),
        Activation::Relu => x.max(0.0),
        Activation::Silu => x * sigmoid(x),
    };
    value as f32
}

/// Its slope; that of the rectifier at 0 is 0.
fn slope(function: Activation, x: f32) -> f32 {
    let x = f64::from(x).clamp(-100.0, 100.0);
    let gated = |argument: f64, inner: f64| {
        let gate = sigmoid(argument);
        gate + gate * (1.0 - gate) * x * inner
    };
    let value = match function {
        Activation::Gelu => normal(x) + x * DENSITY * (-0.5 * x * x).exp(),
        Activation::GeluTanh => gated(
            2.0 * tanh_argument(x),
            2.0 * TANH * (1.0 + 3.0 * CUBE * x * x),
        ),
        Activation::QuickGelu => gated(QUICK * x, QUICK),
        Activation::Relu => f64::from(u8::from(x > 0.0)),
        Activation::Silu => gated(x, 1.0),
    };
    value as f32
}

/// √(2/π).
const TANH: f64 = 0.797_884_560_802_865_4;
const CUBE: f64 = 0.044_715;
const QUICK: f64 = 1.702;
/// 1 ÷ √(2π), the normal density at 0.
const DENSITY: f64 = 0.398_942_280_401_432_7;

fn tanh_argument(x: f64) -> f64 {
    TANH * (x + CUBE * x * x * x)
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Φ(x), the normal distribution function: by its series near 0, else by the continued fraction of its
/// tail (Abramowitz & Stegun, 26.2.10 and 26.2.14).
fn normal(x: f64) -> f64 {
    let far = x.abs();
    let density = DENSITY * (-0.5 * far * far).exp();
    let tail = if far < 3.0 {
        let mut term = far;
        let mut sum = far;
        for n in 1..60 {
            term *= far * far / f64::from(2 * n + 1);
            sum += term;
        }
        0.5 - density * sum
    } else {
        let fraction = (1..=80)
            .rev()
            .fold(far, |rest, n| far + f64::from(n) / rest);
        density / fraction
    };
    if x > 0.0 { 1.0 - tail } else { tail }
}

fn answer_entropy(
    memory: &mut Memory,
    (logits, losses, targets, scale): (Span, Span, Span, Span),
    width: usize,
) {
    let mut rows = memory.floats(logits);
    let scale = memory.floats(scale)[0];
    let mut found = Vec::new();
    for (row, target) in rows.chunks_mut(width).zip(memory.numbers(targets)) {
        if target == NOWHERE as usize {
            row.fill(0.0);
            found.push(0.0);
            continue;
        }
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = row.iter().map(|logit| (logit - largest).exp()).sum();
        found.push(sum.ln() + largest - row[target]);
        for logit in row.iter_mut() {
            *logit = scale * ((*logit - largest).exp() / sum);
        }
        row[target] -= scale;
    }
    memory.put(logits, &rows);
    memory.put(losses, &found);
}
