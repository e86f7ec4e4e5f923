//! LayerNorm, layers with a bias, plain MLPs and every kind of attention.

use proptest::prelude::*;

use super::harness::{check, check_threads, recording};
use super::masks::ways;
use crate::ops::{
    Activation, Attention, Linear, Mask, Matrix, Norm, attention, gated_mlp, layer_norm, linear,
    mlp,
};
use crate::reference;

const ACTIVATIONS: [Activation; 3] = [
    Activation::Gelu,
    Activation::GeluTanh,
    Activation::QuickGelu,
];

/// Two matrices as a layer.
pub(super) fn layer(weight: &Matrix, bias: &Matrix) -> Linear {
    Linear::new(weight.clone(), Some(bias.clone()))
}

fn norm(m: &[Matrix], eps: f32) -> Norm {
    Norm {
        gain: m[0].clone(),
        bias: m[1].clone(),
        eps,
    }
}

fn check_layer_norm(rows: usize, width: usize) {
    // Rows of two nearly equal numbers have steep gradients; a larger ε keeps differences exact.
    let eps = if width < 4 { 0.1 } else { 1e-3 };
    check(
        &format!("layer_norm {rows}×{width}"),
        &[(rows, width), (1, width), (1, width)],
        |m| layer_norm(recording(&m[0]), &norm(&m[1..], eps)),
        |m| reference::layer_norm(&m[0], &m[1], &m[2], f64::from(eps)),
    );
}

fn check_linear(tokens: usize, inputs: usize, outputs: usize) {
    let mut shapes = vec![(tokens, inputs), (outputs, inputs), (1, outputs)];
    check(
        &format!("biased linear {tokens}×{inputs}×{outputs}"),
        &shapes,
        |m| linear(recording(&m[0]), &layer(&m[1], &m[2]), None),
        |m| reference::linear_bias(&m[0], &m[1], &m[2]),
    );
    check(
        &format!("plain linear {tokens}×{inputs}×{outputs}"),
        &shapes[..2],
        |m| linear(recording(&m[0]), &Linear::new(m[1].clone(), None), None),
        |m| reference::linear(&m[0], &m[1], inputs),
    );
    shapes.push((tokens, outputs));
    check(
        &format!("biased linear with residual {tokens}×{inputs}×{outputs}"),
        &shapes,
        |m| {
            let residual = Some(recording(&m[3]));
            linear(recording(&m[0]), &layer(&m[1], &m[2]), residual)
        },
        |m| reference::add(&m[3], &reference::linear_bias(&m[0], &m[1], &m[2])),
    );
}

fn check_mlp(tokens: usize, inputs: usize, hidden: usize, outputs: usize, activation: Activation) {
    let mut shapes = vec![
        (tokens, inputs),
        (hidden, inputs),
        (1, hidden),
        (outputs, hidden),
        (1, outputs),
    ];
    let plain = |m: &[Vec<f64>]| reference::mlp(&m[0], [&m[1], &m[2]], [&m[3], &m[4]], activation);
    let what = format!("{activation:?} mlp {tokens}×{inputs}×{hidden}×{outputs}");
    check(
        &what,
        &shapes,
        |m| {
            let (inner, outer) = (layer(&m[1], &m[2]), layer(&m[3], &m[4]));
            mlp(recording(&m[0]), &inner, &outer, activation, None)
        },
        plain,
    );
    shapes.push((tokens, outputs));
    check(
        &format!("{what} with residual"),
        &shapes,
        |m| {
            let (inner, outer) = (layer(&m[1], &m[2]), layer(&m[3], &m[4]));
            let residual = Some(recording(&m[5]));
            mlp(recording(&m[0]), &inner, &outer, activation, residual)
        },
        |m| reference::add(&m[5], &plain(m)),
    );
}

fn check_gated_mlp(tokens: usize, inputs: usize, hidden: usize, outputs: usize) {
    let mut shapes = vec![
        (tokens, inputs),
        (2 * hidden, inputs),
        (1, 2 * hidden),
        (outputs, hidden),
        (1, outputs),
    ];
    let plain = |m: &[Vec<f64>]| reference::gated_mlp(&m[0], [&m[1], &m[2]], [&m[3], &m[4]]);
    let layers = |m: &[Matrix]| (layer(&m[1], &m[2]), layer(&m[3], &m[4]));
    let what = format!("gated mlp {tokens}×{inputs}×{hidden}×{outputs}");
    check(
        &what,
        &shapes,
        |m| {
            let (inner, outer) = layers(m);
            gated_mlp(recording(&m[0]), &inner, &outer, None)
        },
        plain,
    );
    shapes.push((tokens, outputs));
    check(
        &format!("{what} with residual"),
        &shapes,
        |m| {
            let (inner, outer) = layers(m);
            gated_mlp(recording(&m[0]), &inner, &outer, Some(recording(&m[5])))
        },
        |m| reference::add(&m[5], &plain(m)),
    );
}

#[test]
fn odd_shapes() {
    for (rows, width) in [(1, 1), (1, 2), (3, 31), (33, 64), (70, 48), (7, 131)] {
        check_layer_norm(rows, width);
    }
    for (tokens, inputs, outputs) in [(1, 1, 1), (1, 7, 5), (13, 31, 17), (65, 16, 33)] {
        check_linear(tokens, inputs, outputs);
        for activation in ACTIVATIONS {
            check_mlp(tokens, inputs, outputs, inputs, activation);
            check_mlp(tokens, inputs, outputs, 3, activation);
        }
        check_gated_mlp(tokens, inputs, outputs, inputs);
        check_gated_mlp(tokens, inputs, outputs, 3);
    }
}

/// A row of large equal numbers with small differences must not lose them.
#[test]
fn layer_norm_centres_before_it_squares() {
    let x: Vec<f32> = (0..64).map(|i| 4096.0 + (i % 7) as f32).collect();
    let one = |value| Matrix::new(vec![value; 64], 64);
    let weights = [one(1.0), one(0.0)];
    let y = layer_norm(Matrix::new(x.clone(), 64), &norm(&weights, 1e-6));
    let exact: Vec<f64> = x.iter().copied().map(f64::from).collect();
    let exact = reference::layer_norm(&exact, &[1.0; 64], &[0.0; 64], 1e-6);
    for (found, exact) in y.values().iter().zip(exact) {
        assert!(
            (f64::from(*found) - exact).abs() < 1e-4,
            "{found} is not {exact}"
        );
    }
}

#[test]
fn weights_used_twice_get_the_sum_of_their_gradients() {
    check(
        "twice",
        &[(9, 6), (1, 6), (1, 6), (6, 6), (1, 6)],
        |m| {
            let (norm, layer) = (norm(&m[1..3], 1e-3), layer(&m[3], &m[4]));
            let x = recording(&m[0]);
            let x = linear(layer_norm(x.branch(), &norm), &layer, Some(x));
            let normed = layer_norm(x.branch(), &norm);
            mlp(normed, &layer, &layer, Activation::Gelu, Some(x))
        },
        |m| {
            let norm = |x: &[f64]| reference::layer_norm(x, &m[1], &m[2], 1e-3_f32.into());
            let layer = [&m[3][..], &m[4][..]];
            let x = reference::add(&m[0], &reference::linear_bias(&norm(&m[0]), &m[3], &m[4]));
            let y = reference::mlp(&norm(&x), layer, layer, Activation::Gelu);
            reference::add(&x, &y)
        },
    );
}

/// As many numbers in other rows are not the same matrix.
#[test]
fn shapes_that_do_not_agree_are_refused() {
    let of = |rows: usize, columns: usize| Matrix::new(vec![0.0; rows * columns], columns);
    let plain = |rows, columns| Linear::new(of(rows, columns), None);
    let full = ways((2, 1, 4), (Mask::Full, true), 3).0;
    let misfits: [Box<dyn Fn() + '_>; 7] = [
        Box::new(|| drop(linear(of(2, 6), &plain(5, 4), None))),
        Box::new(|| drop(linear(of(2, 6), &plain(4, 6), Some(of(4, 2))))),
        Box::new(|| drop(Linear::new(of(4, 6), Some(of(1, 5))))),
        Box::new(|| {
            let (inner, outer) = (plain(4, 6), plain(3, 2));
            drop(mlp(of(2, 6), &inner, &outer, Activation::Gelu, None));
        }),
        Box::new(|| drop(gated_mlp(of(2, 6), &plain(4, 6), &plain(3, 4), None))),
        Box::new(|| drop(attention(of(4, 5), &plain(16, 5), &full))),
        Box::new(|| {
            let longer = Attention {
                length: 4,
                ..full.clone()
            };
            drop(attention(of(4, 5), &plain(16, 5), &longer));
        }),
    ];
    for (number, misfit) in misfits.iter().enumerate() {
        let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(misfit));
        assert!(run.is_err(), "misfit {number} was taken");
    }
}

#[test]
fn bits_do_not_depend_on_threads() {
    let (tokens, width, hidden) = (3 * 67, 37, 83);
    check_threads(
        "layer_norm",
        &[(tokens, width), (1, width), (1, width)],
        |m| layer_norm(recording(&m[0]), &norm(&m[1..], 1e-6)),
    );
    let shapes = [
        (tokens, width),
        (hidden, width),
        (1, hidden),
        (width, hidden),
        (1, width),
        (tokens, width),
    ];
    for activation in ACTIVATIONS {
        check_threads("mlp", &shapes, |m| {
            let (inner, outer) = (layer(&m[1], &m[2]), layer(&m[3], &m[4]));
            let residual = Some(recording(&m[5]));
            mlp(recording(&m[0]), &inner, &outer, activation, residual)
        });
    }
    let mut shapes = shapes;
    (shapes[1], shapes[2]) = ((2 * hidden, width), (1, 2 * hidden));
    check_threads("gated_mlp", &shapes, |m| {
        let (inner, outer) = (layer(&m[1], &m[2]), layer(&m[3], &m[4]));
        gated_mlp(recording(&m[0]), &inner, &outer, Some(recording(&m[5])))
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_shape(tokens in 1..40_usize, width in 1..40_usize, other in 1..40_usize, kind in 0..3_usize) {
        check_layer_norm(tokens, width);
        check_linear(tokens, width, other);
        check_mlp(tokens, width, other, width, ACTIVATIONS[kind]);
        check_gated_mlp(tokens, width, other, width);
    }
}
