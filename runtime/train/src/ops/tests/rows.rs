//! Rows that are taken out, and pointwise functions alone.

use std::sync::Arc;

use super::harness::{check, recording};
use crate::ops::{Activation, activate, add, take_rows};
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
