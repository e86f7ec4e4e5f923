//! The SwiGLU MLP that adds to the residual stream, on the tape.

use super::matrix::{Matrix, Slots, Tape};
use crate::kernels::buffer::buffer;
use crate::kernels::gemm::{Write, linear, linear_input, linear_weight};
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
    let mut tape = tape.merge(x_tape);
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
    let y = Matrix::new(y, width);
    let (y_ghost, gate_up, down) = (y.tensor.ghost(), gate_up.clone(), down.clone());
    let (residual_ghost, residual_slot) = (residual.tensor.ghost(), residual.slot);
    tape.add_backward_op(move |slots: &mut Slots| {
        let dy = std::mem::take(&mut **slots.get_or_alloc_mut(&y_ghost)?);
        let ddown = slots.get_or_alloc_mut(&down.tensor)?;
        linear_weight(ddown, down.slot.claim(), &dy, &gated, hidden);
        // The gated values have been used for the last time: their buffer takes their gradient.
        let mut dgated = gated;
        linear_input(&mut dgated, Write::Set, &dy, down.values(), hidden);
        let mut dinner = inner;
        backward(&mut dinner, &dgated, hidden);
        drop(dgated);
        let dx = slots.get_or_alloc_mut(&x.tensor)?;
        linear_input(dx, x.slot.claim(), &dinner, gate_up.values(), width);
        let dgate_up = slots.get_or_alloc_mut(&gate_up.tensor)?;
        linear_weight(dgate_up, gate_up.slot.claim(), &dinner, x.values(), width);
        residual_slot.give(slots.get_or_alloc_mut(&residual_ghost)?, dy);
        Ok(())
    });
    y.record(tape)
}
