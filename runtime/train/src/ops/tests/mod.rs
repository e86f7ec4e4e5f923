//! Every fused operation against the plain f64 reference: values, and gradients by central differences.

mod checkpoint;
mod harness;
mod layers;
mod masks;
mod rows;
mod vision;

use std::sync::Arc;

use proptest::prelude::*;

use super::matrix::Slot;
use super::{
    Attention, Gradients, Heads, Linear, Mask, Matrix, Recording, Rope, Silent, attention,
    cross_entropy, embedding, linear, rms_norm, swiglu_residual,
};
use crate::kernels::gemm::Write;
use crate::reference;
use harness::{assert_close, check, check_gradient, normals, recording, widened};

fn check_rms_norm(rows: usize, width: usize) {
    // The gradient of a row of few small numbers is a difference of large ones, unless ε bounds it.
    let eps = if width < 4 { 0.1 } else { 1e-5 };
    check(
        &format!("rms_norm {rows}×{width}"),
        &[(rows, width), (1, width)],
        |m| rms_norm(recording(&m[0]), &m[1], eps),
        |m| reference::rms_norm(&m[0], &m[1], f64::from(eps)),
    );
}

fn check_linear(tokens: usize, inputs: usize, outputs: usize) {
    check(
        &format!("linear {tokens}×{inputs}×{outputs}"),
        &[(tokens, inputs), (outputs, inputs), (tokens, outputs)],
        |m| {
            linear(
                recording(&m[0]),
                &Linear::new(m[1].clone(), None),
                Some(recording(&m[2])),
            )
        },
        |m| reference::add(&m[2], &reference::linear(&m[0], &m[1], inputs)),
    );
}

fn check_swiglu(tokens: usize, width: usize, hidden: usize) {
    check(
        &format!("swiglu {tokens}×{width}×{hidden}"),
        &[
            (tokens, width),
            (2 * hidden, width),
            (width, hidden),
            (tokens, width),
        ],
        |m| swiglu_residual(recording(&m[0]), &m[1], &m[2], recording(&m[3])),
        |m| reference::add(&m[3], &reference::swiglu(&m[0], &m[1], &m[2], width)),
    );
}

fn check_attention(
    rows: usize,
    length: usize,
    (queries, keys, head): (usize, usize, usize),
    width: usize,
) {
    let heads = Heads {
        queries,
        keys,
        width: head,
    };
    let base = 100.0;
    let how = Attention {
        heads,
        mask: Mask::Causal,
        rope: Some(Arc::new(Rope::new(head, length, base))),
        length,
    };
    let plain = reference::Attention {
        heads,
        mask: Mask::Causal,
        rope_base: Some(base),
        length,
    };
    check(
        &format!("attention {rows}×{length}, {queries}/{keys} heads of {head}, width {width}"),
        &[(rows * length, width), (heads.row(), width)],
        |m| attention(recording(&m[0]), &Linear::new(m[1].clone(), None), &how),
        |m| reference::attention(&plain, &reference::linear(&m[0], &m[1], width)),
    );
}

fn check_cross_entropy(tokens: usize, width: usize, vocabulary: usize) {
    let targets: Vec<u32> = (0..tokens).map(|i| (i * 7 % vocabulary) as u32).collect();
    let x = Matrix::new(normals("x", tokens * width), width);
    let weight = Matrix::new(normals("w", vocabulary * width), width);
    let exact = [widened(x.values()), widened(weight.values())];
    let plain = |m: &[Vec<f64>]| reference::cross_entropy(&m[0], &m[1], &targets, width);
    let loss = cross_entropy(recording(&x), &weight, &targets, tokens);
    assert_close(
        "loss",
        &[loss.total / tokens as f64],
        &[plain(&exact)],
        1e-6,
    );
    let silent = cross_entropy(x.clone().record(Silent), &weight, &targets, tokens);
    assert_eq!(
        silent.total.to_bits(),
        loss.total.to_bits(),
        "a tape must not change the loss"
    );
    // A factor, one of dfdx's own operations, checks that the gradient from above is applied.
    let mut gradients = Gradients::of(loss.share * 3.0).expect("memory");
    for (i, leaf) in [&x, &weight].into_iter().enumerate() {
        let gradient = gradients.take(leaf).expect("memory");
        let what = format!("cross_entropy {tokens}×{width}×{vocabulary}: d{i}");
        check_gradient(&what, &gradient, &exact, i, |m| 3.0 * plain(m));
    }
}

#[test]
fn odd_shapes() {
    for (rows, width) in [(1, 1), (1, 2), (3, 31), (33, 64), (70, 48), (7, 131)] {
        check_rms_norm(rows, width);
    }
    for (tokens, inputs, outputs) in [(1, 1, 1), (1, 7, 5), (13, 31, 17), (65, 16, 33)] {
        check_linear(tokens, inputs, outputs);
        check_swiglu(tokens, inputs, outputs);
    }
    for (tokens, width, vocabulary) in [(1, 1, 2), (5, 7, 3), (29, 16, 37), (523, 3, 5)] {
        check_cross_entropy(tokens, width, vocabulary);
    }
}

#[test]
fn attention_shapes() {
    check_attention(1, 1, (1, 1, 2), 1);
    check_attention(3, 1, (2, 1, 4), 5);
    check_attention(2, 17, (4, 2, 6), 13);
    check_attention(1, 64, (2, 2, 4), 8);
    check_attention(2, 65, (3, 1, 2), 7);
    check_attention(1, 131, (2, 1, 4), 6);
}

#[test]
fn embedding_adds_up_repeated_tokens() {
    let tokens: Arc<[u32]> = Arc::from([3_u32, 0, 3, 4, 3]);
    check(
        "embedding",
        &[(5, 3)],
        |m| embedding(&m[0], &tokens, Recording::default()),
        |m| reference::embedding(&m[0], &tokens, 3),
    );
}

#[test]
fn a_matrix_with_several_readers_gets_the_sum_of_their_gradients() {
    check(
        "residual",
        &[(9, 6), (1, 6), (6, 6)],
        |m| {
            let x = recording(&m[0]);
            let normed = rms_norm(x.branch(), &m[1], 1e-5);
            let layer = Linear::new(m[2].clone(), None);
            let x = linear(normed, &layer, Some(x));
            // The second use of gain and weight: their gradients add too.
            let normed = rms_norm(x.branch(), &m[1], 1e-5);
            linear(normed, &layer, Some(x))
        },
        |m| {
            let layer = |x: &[f64]| {
                let normed = reference::rms_norm(x, &m[1], 1e-5);
                reference::add(x, &reference::linear(&normed, &m[2], 6))
            };
            layer(&layer(&m[0]))
        },
    );
}

#[test]
fn a_slot_is_set_once_and_added_to_after() {
    let slot = Slot::default();
    let mut held = vec![9.0; 2];
    slot.give(&mut held, vec![1.0, 2.0]);
    assert_eq!(held, [1.0, 2.0]);
    slot.give(&mut held, vec![1.0, 2.0]);
    assert_eq!(held, [2.0, 4.0]);
    assert_eq!(slot.claim(), Write::Add);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_shape(tokens in 1..40_usize, width in 1..40_usize, other in 1..40_usize) {
        check_rms_norm(tokens, width);
        check_linear(tokens, width, other);
        check_swiglu(tokens, width, other);
        check_cross_entropy(tokens, width, other + 1);
    }

    #[test]
    fn any_attention(
        rows in 1..3_usize,
        length in 1..90_usize,
        keys in 1..3_usize,
        group in 1..4_usize,
        half in 1..5_usize,
        width in 1..12_usize,
    ) {
        check_attention(rows, length, (keys * group, keys, 2 * half), width);
    }
}
