//! Rows that are taken out, squares of them, scaled layers, and pointwise functions alone.

use std::sync::Arc;

use super::harness::{check, check_threads, recording};
use crate::ops::{
    Activation, Linear, Matrix, activate, add, linear, resize_squares, scaled, take_rows,
};
use crate::reference;

#[test]
fn rows_taken_several_times_get_the_sum_of_their_gradients() {
    let rows: Arc<[u32]> = Arc::from([4_u32, 0, 4, 2]);
    check(
        "take_rows",
        &[(5, 3)],
        |m| take_rows(recording(&m[0]), &rows),
        |m| reference::embedding(&m[0], &rows, 3),
    );
}

#[test]
fn sums_of_a_matrix_with_itself_and_with_another() {
    check(
        "add",
        &[(4, 3), (4, 3)],
        |m| {
            let x = recording(&m[0]);
            let twice = add(x.branch(), x);
            add(twice, recording(&m[1]))
        },
        |m| reference::add(&reference::add(&m[0], &m[0]), &m[1]),
    );
}

#[test]
fn functions_alone() {
    for activation in [
        Activation::Gelu,
        Activation::GeluTanh,
        Activation::QuickGelu,
    ] {
        check(
            &format!("activate {activation:?}"),
            &[(7, 5)],
            |m| activate(recording(&m[0]), activation),
            |m| {
                let values = m[0].iter();
                values
                    .map(|&x| reference::activation(activation, x))
                    .collect()
            },
        );
    }
}

/// By tents around the places of the result, held within the source.
fn resized(vectors: &[f64], width: usize, from: usize, to: usize) -> Vec<f64> {
    let share = |i: usize, j: usize| {
        let at = (i as f64 + 0.5) * from as f64 / to as f64 - 0.5;
        (1.0 - (at.clamp(0.0, (from - 1) as f64) - j as f64).abs()).max(0.0)
    };
    let number = |place: usize| {
        let (line, column, channel) = (place / width / to, place / width % to, place % width);
        let sources = vectors.iter().skip(channel).step_by(width).enumerate();
        let shares =
            sources.map(|(at, value)| value * share(line, at / from) * share(column, at % from));
        shares.sum()
    };
    (0..to * to * width).map(number).collect()
}

#[test]
fn squares_are_resized_one_by_one() {
    for (from, to) in [(1, 3), (2, 5), (3, 2), (4, 4), (5, 3), (7, 2)] {
        let (what, shapes) = (format!("squares {from} to {to}"), [(from * from, 3); 2]);
        let squares = |m: &[Matrix]| {
            // The first twice: its gradients add.
            let (first, second) = (recording(&m[0]), recording(&m[1]));
            resize_squares(vec![first.branch(), second, first], to)
        };
        check(&what, &shapes, squares, |m| {
            let all = [&m[0], &m[1], &m[0]];
            all.iter().flat_map(|m| resized(m, 3, from, to)).collect()
        });
        check_threads(&what, &shapes, squares);
    }
}

#[test]
fn scaled_layers_are_layers_and_scales() {
    for (tokens, inputs, outputs) in [(1, 1, 1), (4, 3, 5), (9, 37, 2)] {
        let what = format!("scaled {tokens}×{inputs}×{outputs}");
        let shapes = [
            (outputs, inputs),
            (1, outputs),
            (1, outputs),
            (tokens, inputs),
        ];
        let layers = |m: &[Matrix]| {
            let layer = Linear::new(m[0].clone(), Some(m[1].clone()));
            let (layer, x) = scaled(&layer, &m[2], recording(&m[3]));
            linear(x, &layer, None)
        };
        check(&what, &shapes, layers, |m| {
            let y = reference::linear(&m[3], &m[0], inputs);
            let rows = y.chunks_exact(outputs);
            let biased = rows.flat_map(|row| row.iter().zip(&m[1]).zip(&m[2]));
            biased
                .map(|((y, bias), scale)| (y + bias) * scale)
                .collect()
        });
        check_threads(&what, &shapes, layers);
    }
}
