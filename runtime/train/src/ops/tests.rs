//! Every fused operation against the plain f64 reference: values, and gradients by central differences.

use std::sync::Arc;

use dfdx::tensor::{Cpu, NoneTape, OwnedTape, PutTape, SplitTape, TensorFromVec};
use dfdx::tensor_ops::Backward;
use proptest::prelude::*;

use super::attention::attention;
use super::embedding::embedding;
use super::head::cross_entropy;
use super::linear::linear_residual;
use super::matrix::{Gradients, Matrix, Slot};
use super::rms_norm::rms_norm;
use super::swiglu::swiglu_residual;
use crate::kernels::attention::Heads;
use crate::kernels::gemm::Write;
use crate::kernels::rope::Rope;
use crate::random::Stream;
use crate::{ModelConfig, reference};

type Recorded = Matrix<OwnedTape<f32, Cpu>>;

const STEP: f64 = 1e-5;
/// Most elements of one input that are moved for a numerical derivative.
const PROBES: usize = 80;

fn normals(name: &str, len: usize) -> Vec<f32> {
    Stream::new(3, "test", name).normals(len, 0.7)
}

fn recording(matrix: &Matrix) -> Recorded {
    matrix.clone().record(OwnedTape::default())
}

fn widened(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

/// Ends a tape at a matrix, with `seed` as its gradient.
fn backward(y: Recorded, seed: Vec<f32>) -> Gradients {
    let (tensor, mut tape) = y.tensor.split_tape();
    let end = Cpu::default().tensor_from_vec(vec![0.0], ());
    let (ghost, end_ghost) = (tensor.ghost(), end.ghost());
    tape_end(&mut tape, move |gradients| {
        gradients.get_or_alloc_mut(&end_ghost)?;
        y.slot.give(gradients.get_or_alloc_mut(&ghost)?, seed);
        Ok(())
    });
    end.put_tape(tape).backward()
}

fn tape_end(
    tape: &mut OwnedTape<f32, Cpu>,
    operation: impl FnOnce(&mut Gradients) -> Result<(), dfdx::tensor::CpuError> + 'static,
) {
    dfdx::tensor::Tape::add_backward_op(tape, operation);
}

fn assert_close(what: &str, found: &[f64], exact: &[f64], tolerance: f64) {
    assert_eq!(found.len(), exact.len(), "{what}");
    // Below 0.1 rounding of order-1 inputs dominates (RMSNorm of one number has a zero gradient).
    let size = exact.iter().fold(0.1_f64, |size, v| size.max(v.abs()));
    for (i, (found, exact)) in found.iter().zip(exact).enumerate() {
        let error = (found - exact).abs() / size;
        assert!(
            error < tolerance,
            "{what}[{i}]: {found} is not {exact} (scale {size})"
        );
    }
}

/// Compares an operation and its gradients with a reference, for inputs of the given shapes.
fn check(
    what: &str,
    shapes: &[(usize, usize)],
    fused: impl Fn(&[Matrix]) -> Recorded,
    reference: impl Fn(&[Vec<f64>]) -> Vec<f64>,
) {
    let inputs: Vec<Vec<f32>> = shapes
        .iter()
        .enumerate()
        .map(|(i, (rows, columns))| normals(&format!("{what}{i}"), rows * columns))
        .collect();
    let leaves: Vec<Matrix> = inputs
        .iter()
        .zip(shapes)
        .map(|(values, shape)| Matrix::new(values.clone(), shape.1))
        .collect();
    let y = fused(&leaves);
    let exact: Vec<Vec<f64>> = inputs.iter().map(|values| widened(values)).collect();
    assert_close(what, &widened(y.values()), &reference(&exact), 2e-6);

    let seed = normals("seed", y.values().len());
    let weigh = |y: &[f64]| {
        y.iter()
            .zip(&seed)
            .map(|(y, s)| y * f64::from(*s))
            .sum::<f64>()
    };
    let mut gradients = backward(y, seed.clone());
    for (i, leaf) in leaves.iter().enumerate() {
        let gradient = gradients
            .get_or_alloc_mut(&leaf.tensor)
            .expect("memory")
            .to_vec();
        check_gradient(&format!("{what}: d{i}"), &gradient, &exact, i, |x| {
            weigh(&reference(x))
        });
    }
}

/// Compares one gradient with central differences of `loss` in f64.
fn check_gradient(
    what: &str,
    gradient: &[f32],
    inputs: &[Vec<f64>],
    which: usize,
    loss: impl Fn(&[Vec<f64>]) -> f64,
) {
    let len = inputs[which].len();
    let mut moved = inputs.to_vec();
    let (mut found, mut exact) = (Vec::new(), Vec::new());
    for at in (0..len).step_by(len.div_ceil(PROBES)) {
        let mut at_offset = |offset: f64| {
            moved[which][at] = inputs[which][at] + offset;
            loss(&moved)
        };
        exact.push((at_offset(STEP) - at_offset(-STEP)) / (2.0 * STEP));
        moved[which][at] = inputs[which][at];
        found.push(f64::from(gradient[at]));
    }
    assert_close(what, &found, &exact, 1e-5);
}

fn check_rms_norm(rows: usize, width: usize) {
    check(
        &format!("rms_norm {rows}×{width}"),
        &[(rows, width), (1, width)],
        |m| rms_norm(recording(&m[0]), &m[1], 1e-5),
        |m| reference::rms_norm(&m[0], &m[1], 1e-5),
    );
}

fn check_linear(tokens: usize, inputs: usize, outputs: usize) {
    check(
        &format!("linear {tokens}×{inputs}×{outputs}"),
        &[(tokens, inputs), (outputs, inputs), (tokens, outputs)],
        |m| linear_residual(recording(&m[0]), &m[1], recording(&m[2])),
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
    // Only head count, head width and rotary base matter to attention; `width` is its input's.
    let heads = Heads {
        queries,
        keys,
        width: head,
    };
    let config = ModelConfig {
        width: queries * head,
        heads: queries,
        kv_heads: keys,
        context: length,
        ..reference::tiny()
    };
    let rope = Arc::new(Rope::new(&config));
    let plain = ModelConfig { width, ..config };
    check(
        &format!("attention {rows}×{length}, {queries}/{keys} heads of {head}, width {width}"),
        &[(rows * length, width), (heads.row(), width)],
        |m| attention(recording(&m[0]), &m[1], &rope, heads, length),
        |m| reference::attention_of(&plain, head, &m[0], &m[1], length),
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
    let silent = cross_entropy(x.clone().record(NoneTape), &weight, &targets, tokens);
    assert_eq!(
        silent.total.to_bits(),
        loss.total.to_bits(),
        "a tape must not change the loss"
    );
    // A seed other than 1 checks that the gradient from above is applied.
    let mut gradients = (loss.share * 3.0).backward();
    for (i, leaf) in [&x, &weight].into_iter().enumerate() {
        let gradient = gradients
            .get_or_alloc_mut(&leaf.tensor)
            .expect("memory")
            .to_vec();
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
        |m| embedding(&m[0], &tokens, OwnedTape::default()),
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
            let x = linear_residual(normed, &m[2], x);
            // The second use of gain and weight: their gradients add too.
            let normed = rms_norm(x.branch(), &m[1], 1e-5);
            linear_residual(normed, &m[2], x)
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
