//! The SwiGLU MLP that adds to the residual stream, on the tape.

use super::linear::Linear;
use super::matrix::{Matrix, Slots, Tape};
use crate::kernels::buffer::buffer;
use crate::kernels::gemm::{Write, linear};
use crate::kernels::swiglu::{backward, forward};

/// residual + (silu(x·Gᵀ) ∘ x·Uᵀ)·Dᵀ, with `gate_up` [2·hidden, width] holding G above U and `down`
/// [width, hidden].
///
/// # Panics
/// If the shapes do not agree.
pub fn swiglu_residual<T: Tape>(
    x: Matrix<T>,
    gate_up: &Matrix,
    down: &Matrix,
    residual: Matrix<T>,
) -> Matrix<T> {
    let (x, x_tape) = x.split();
    let (residual, tape) = residual.split();
    let (tokens, width, hidden) = (x.rows(), x.columns(), down.columns());
    let shapes = [&residual, gate_up, down].map(|m| (m.rows(), m.columns()));
    let fitting = [(tokens, width), (2 * hidden, width), (width, hidden)];
    assert_eq!(shapes, fitting, "residual stream, gate and up, down");
    let mut inner = buffer(tokens * 2 * hidden);
    linear(&mut inner, Write::Set, x.values(), gate_up.values(), width);
    let mut gated = buffer(tokens * hidden);
    forward(&mut gated, &inner, hidden);
    let mut y = residual.values().to_vec();
    linear(&mut y, Write::Add, &gated, down.values(), hidden);
    let wants = [&x, &residual, gate_up, down]
        .into_iter()
        .any(Matrix::wants);
    let y = Matrix::computed(y, width, wants);
    let y_ghost = y.tensor.ghost();
    let [gate_up, down] = [gate_up, down].map(|weight| Linear::new(weight.clone(), None));
    let give_residual = residual.taker();
    y.record_with(tape.merge(x_tape), move |slots: &mut Slots| {
        let dy = std::mem::take(&mut **slots.get_or_alloc_mut(&y_ghost)?);
        down.weight_gradients(slots, &dy, &gated)?;
        // The gated values have been used for the last time: their buffer takes their gradient.
        let mut dgated = gated;
        down.rows_gradient(&mut dgated, &dy);
        let mut dinner = inner;
        backward(&mut dinner, &dgated, hidden);
        drop(dgated);
        gate_up.input_gradient(slots, &x, &dinner)?;
        gate_up.weight_gradients(slots, &dinner, x.values())?;
        give_residual(slots, dy)
    })
}
