//! Compares an operation with a plain f64 reference: values, and gradients by central differences.

use crate::ops::{Matrix, Recording};
use crate::random::Stream;
use crate::with_threads;

pub(super) type Recorded = Matrix<Recording>;

const STEP: f64 = 1e-5;
/// Most elements of one input that are moved for a numerical derivative.
const PROBES: usize = 80;

pub(super) fn normals(name: &str, len: usize) -> Vec<f32> {
    Stream::new(3, "test", name).normals(len, 0.7)
}

pub(super) fn recording(matrix: &Matrix) -> Recorded {
    matrix.clone().record(Recording::default())
}

pub(super) fn widened(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

pub(super) fn assert_close(what: &str, found: &[f64], exact: &[f64], tolerance: f64) {
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
pub(super) fn check(
    what: &str,
    shapes: &[(usize, usize)],
    fused: impl Fn(&[Matrix]) -> Recorded,
    reference: impl Fn(&[Vec<f64>]) -> Vec<f64>,
) {
    let inputs = inputs(what, shapes);
    let leaves = leaves(&inputs, shapes);
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
    let mut gradients = y.backward(seed.clone()).expect("memory");
    for (i, leaf) in leaves.iter().enumerate() {
        let gradient = gradients.take(leaf).expect("memory");
        check_gradient(&format!("{what}: d{i}"), &gradient, &exact, i, |x| {
            weigh(&reference(x))
        });
    }
}

/// Compares one gradient with central differences of `loss` in f64.
pub(super) fn check_gradient(
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

/// Output and gradients must be the same bits at any number of threads.
pub(super) fn check_threads(
    what: &str,
    shapes: &[(usize, usize)],
    fused: impl Fn(&[Matrix]) -> Recorded + Sync,
) {
    let run = |threads| with_threads(threads, || bits(what, shapes, &fused)).expect("a small pool");
    let one = run(1);
    for threads in [2, 3, 5] {
        assert!(run(threads) == one, "{what} differs at {threads} threads");
    }
}

/// Output and gradients, as bits.
pub(super) fn bits(
    what: &str,
    shapes: &[(usize, usize)],
    fused: impl Fn(&[Matrix]) -> Recorded,
) -> Vec<Vec<u32>> {
    let leaves = leaves(&inputs(what, shapes), shapes);
    let y = fused(&leaves);
    let of = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect();
    let mut all = vec![of(y.values())];
    let seed = normals("seed", y.values().len());
    let mut gradients = y.backward(seed).expect("memory");
    all.extend(
        leaves
            .iter()
            .map(|leaf| of(&gradients.take(leaf).expect("memory"))),
    );
    all
}

fn inputs(what: &str, shapes: &[(usize, usize)]) -> Vec<Vec<f32>> {
    let shapes = shapes.iter().enumerate();
    shapes
        .map(|(i, (rows, columns))| normals(&format!("{what}{i}"), rows * columns))
        .collect()
}

fn leaves(inputs: &[Vec<f32>], shapes: &[(usize, usize)]) -> Vec<Matrix> {
    let pairs = inputs.iter().zip(shapes);
    pairs
        .map(|(values, shape)| Matrix::new(values.clone(), shape.1))
        .collect()
}
