//! A linear layer that adds to the residual stream, on the tape.

use dfdx::tensor::{Cpu, Merge, Tape};

use super::matrix::{Gradients, Matrix};
use crate::kernels::gemm::{Write, linear, linear_input, linear_weight};

/// residual + x·Wᵀ: `x` [tokens, inputs], `weight` [outputs, inputs], `residual` [tokens, outputs].
pub(crate) fn linear_residual<T: Tape<f32, Cpu> + Merge<T>>(
    x: Matrix<T>,
    weight: &Matrix,
    residual: Matrix<T>,
) -> Matrix<T> {
    let (x, x_tape) = x.split();
    let (residual, tape) = residual.split();
    let mut tape = tape.merge(x_tape);
    let inputs = weight.columns();
    let mut y = residual.values().to_vec();
    linear(&mut y, Write::Add, x.values(), weight.values(), inputs);
    let y = Matrix::new(y, weight.rows());
    let (y_ghost, weight) = (y.tensor.ghost(), weight.clone());
    let (residual_ghost, residual_slot) = (residual.tensor.ghost(), residual.slot);
    tape.add_backward_op(move |gradients: &mut Gradients| {
        let dy = std::mem::take(&mut **gradients.get_or_alloc_mut(&y_ghost)?);
        let dweight = gradients.get_or_alloc_mut(&weight.tensor)?;
        linear_weight(dweight, weight.slot.claim(), &dy, x.values(), inputs);
        let dx = gradients.get_or_alloc_mut(&x.tensor)?;
        linear_input(dx, x.slot.claim(), &dy, weight.values(), inputs);
        residual_slot.give(gradients.get_or_alloc_mut(&residual_ghost)?, dy);
        Ok(())
    });
    y.record(tape)
}
