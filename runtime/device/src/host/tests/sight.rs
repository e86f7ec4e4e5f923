//! Commands for models of images against formulas in double precision and finite differences.

use vpc_train::ops::Activation;

use super::{Bed, close, differences, some};
use crate::program::{Command, Kind, NOWHERE, SightCommand};

const EPS: f32 = 1e-5;

fn layer_norm(x: &[f64], gain: &[f64], bias: &[f64]) -> Vec<f64> {
    let width = gain.len();
    let row = |row: &[f64]| {
        let mean = row.iter().sum::<f64>() / width as f64;
        let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
        let inverse = 1.0 / (variance + f64::from(EPS)).sqrt();
        let normal = row.iter().map(|x| (x - mean) * inverse);
        let scaled = normal.zip(gain.iter().zip(bias));
        scaled
            .map(|(x, (gain, bias))| x * gain + bias)
            .collect::<Vec<_>>()
    };
    x.chunks(width).flat_map(row).collect()
}

#[test]
fn layer_norms_and_their_gradients() {
    for (rows, width) in [(1, 2), (3, 7), (5, 16)] {
        let all = rows * width;
        let (x, dy, more) = (some(all, 1), some(all, 3), some(all, 4));
        let (gain, bias) = (some(width, 2), some(width, 5));
        let mut bed = Bed::default();
        let [of_x, of_gain, of_bias, of_dy, plus] =
            [&x, &gain, &bias, &dy, &more].map(|values| bed.floats(values));
        let [out, dx] = [(); 2].map(|()| bed.room(all, Kind::F32));
        let [mean, inverse] = [(); 2].map(|()| bed.room(rows, Kind::F32));
        let [dgain, dbias] = [(); 2].map(|()| bed.room(width, Kind::F32));
        let scratch = bed.room(2 * width, Kind::F32);
        let gradient = |add| {
            Command::Sight(SightCommand::LayerNormGradient {
                dx,
                dgain,
                dbias,
                scratch,
                dy: of_dy,
                x: of_x,
                mean,
                inverse,
                gain: of_gain,
                width,
                plus: Some(plus),
                add,
            })
        };
        let forward = Command::Sight(SightCommand::LayerNorm {
            out,
            mean,
            inverse,
            x: of_x,
            gain: of_gain,
            bias: of_bias,
            width,
            eps: EPS,
        });
        bed.run(&[forward, gradient(false), gradient(true)]);
        close(&bed.get(out), &layer_norm(&x, &gain, &bias), 2e-6);
        let exact = differences(&x, &dy, |x| layer_norm(x, &gain, &bias));
        let exact: Vec<f64> = exact.iter().zip(&more).map(|(d, more)| d + more).collect();
        close(&bed.get(dx), &exact, 5e-5);
        // Written once and added once.
        let twice = |exact: Vec<f64>| -> Vec<f64> { exact.iter().map(|d| 2.0 * d).collect() };
        let exact = differences(&gain, &dy, |gain| layer_norm(&x, gain, &bias));
        close(&bed.get(dgain), &twice(exact), 2e-5);
        let exact = differences(&bias, &dy, |bias| layer_norm(&x, &gain, bias));
        close(&bed.get(dbias), &twice(exact), 2e-5);
    }
}

#[test]
fn biases_and_their_gradients() {
    let (rows, width) = (3, 5);
    let (x, bias, dy) = (some(15, 1), some(width, 2), some(15, 3));
    let mut bed = Bed::default();
    let [of_x, of_bias, of_dy] = [&x, &bias, &dy].map(|values| bed.floats(values));
    let (dbias, scratch) = (bed.room(width, Kind::F32), bed.room(width, Kind::F32));
    let gradient = |add| {
        Command::Sight(SightCommand::BiasGradient {
            dbias,
            scratch,
            dy: of_dy,
            width,
            add,
        })
    };
    let forward = Command::Sight(SightCommand::AddBias {
        x: of_x,
        bias: of_bias,
        width,
    });
    bed.run(&[forward, gradient(false), gradient(true)]);
    let plus =
        |bias: &[f64]| -> Vec<f64> { (0..rows * width).map(|i| x[i] + bias[i % width]).collect() };
    close(&bed.get(of_x), &plus(&bias), 1e-6);
    let exact = differences(&bias, &dy, plus);
    let twice: Vec<f64> = exact.iter().map(|d| 2.0 * d).collect();
    close(&bed.get(dbias), &twice, 1e-6);
}

/// ∫ of the normal density from 12 deviations below to `x`, by Simpson's rule.
fn normal(x: f64) -> f64 {
    let (steps, from) = (4000, -12.0);
    let h = (x - from) / f64::from(steps);
    let density = |x: f64| (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let inner = (1..steps).map(|i| {
        let weight = if i % 2 == 0 { 2.0 } else { 4.0 };
        weight * density(from + h * f64::from(i))
    });
    (density(from) + density(x) + inner.sum::<f64>()) * h / 3.0
}

fn function(of: Activation, x: f64) -> f64 {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    match of {
        Activation::Gelu => x * normal(x),
        Activation::GeluTanh => {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
            x / 2.0 * (1.0 + inner.tanh())
        }
        Activation::QuickGelu => x * sigmoid(1.702 * x),
        Activation::Relu => x.max(0.0),
        Activation::Silu => x * sigmoid(x),
    }
}

#[test]
fn functions_and_their_slopes() {
    let x: Vec<f64> = (-24..=24).map(|i| f64::from(i) / 4.0 + 0.0625).collect();
    let dy = some(x.len(), 6);
    for of in [
        Activation::Gelu,
        Activation::GeluTanh,
        Activation::QuickGelu,
        Activation::Relu,
        Activation::Silu,
    ] {
        let mut bed = Bed::default();
        let [of_x, of_dy] = [&x, &dy].map(|values| bed.floats(values));
        let out = bed.room(x.len(), Kind::F32);
        bed.run(&[
            Command::Sight(SightCommand::Activate {
                out,
                x: of_x,
                function: of,
            }),
            // In place: the gradient takes the place of what it came from.
            Command::Sight(SightCommand::ActivateGradient {
                dx: of_dy,
                dy: of_dy,
                x: of_x,
                function: of,
            }),
        ]);
        let f = |x: &[f64]| x.iter().map(|x| function(of, *x)).collect::<Vec<f64>>();
        close(&bed.get(out), &f(&x), 1e-6);
        // Number by number: differences of the whole sum lose the digits of far terms.
        let exact = x.iter().zip(&dy).map(|(x, dy)| {
            let h = 1e-5;
            dy * (function(of, x + h) - function(of, x - h)) / (2.0 * h)
        });
        close(&bed.get(of_dy), &exact.collect::<Vec<f64>>(), 1e-6);
    }
}

#[test]
fn rows_are_put_and_taken_where_they_belong() {
    let (x, rows, width) = (some(12, 1), some(9, 2), 3);
    let places = [3, NOWHERE, 1];
    let mut bed = Bed::default();
    let [of_x, cleared, of_rows] = [&x, &x, &rows].map(|values| bed.floats(values));
    let of_places = bed.indices(&places);
    let [taken, from_new] = [(); 2].map(|()| bed.room(9, Kind::F32));
    let put = |out, rows| {
        Command::Sight(SightCommand::PutRows {
            out,
            rows,
            places: of_places,
            width,
        })
    };
    let take = |out, x| {
        Command::Sight(SightCommand::TakeRows {
            out,
            x,
            places: of_places,
            width,
        })
    };
    bed.run(&[
        take(taken, of_x),
        put(of_x, Some(of_rows)),
        put(cleared, None),
        take(from_new, of_x),
    ]);
    let none = [0.0; 3];
    let expected = [&x[9..12], &none, &x[3..6]].concat();
    close(&bed.get(taken), &expected, 0.0);
    let expected = [&x[..3], &rows[6..9], &x[6..9], &rows[..3]].concat();
    close(&bed.get(of_x), &expected, 0.0);
    let expected = [&x[..3], &none, &x[6..9], &none].concat();
    close(&bed.get(cleared), &expected, 0.0);
    let expected = [&rows[..3], &none, &rows[6..9]].concat();
    close(&bed.get(from_new), &expected, 0.0);
}

#[test]
fn losses_of_answers_leave_out_what_is_none() {
    let (targets, width) = ([4, NOWHERE, 0], 5);
    let logits = some(15, 7);
    let mut bed = Bed::default();
    let (of_logits, of_targets) = (bed.floats(&logits), bed.indices(&targets));
    let scale = bed.floats(&[0.25]);
    let losses = bed.room(3, Kind::F32);
    bed.run(&[Command::Sight(SightCommand::AnswerEntropy {
        logits: of_logits,
        losses,
        targets: of_targets,
        scale,
        width,
    })]);
    let loss = |logits: &[f64]| -> Vec<f64> {
        let rows = logits.chunks(width).zip(targets);
        rows.map(|(row, target)| {
            if target == NOWHERE {
                return 0.0;
            }
            row.iter().map(|logit| logit.exp()).sum::<f64>().ln() - row[target as usize]
        })
        .collect()
    };
    close(&bed.get(losses), &loss(&logits), 1e-6);
    let exact = differences(&logits, &[0.25; 3], loss);
    close(&bed.get(of_logits), &exact, 1e-6);
}
