//! The plain MLP, on the tape.

use super::linear::Linear;
use super::matrix::{Matrix, Slots, Tape};
use crate::kernels::activation::Activation;
use crate::kernels::buffer::buffer;
use crate::kernels::gemm::Write;

/// residual + outer(activation(inner(x))): `x` [tokens, inner.inputs], `residual`
/// [tokens, outer.outputs] or none.
///
/// The MLP of vision transformers, and with no residual the projector of LLaVA.
///
/// # Panics
/// If the shapes do not agree.
pub fn mlp<T: Tape>(
    x: Matrix<T>,
    inner: &Linear,
    outer: &Linear,
    activation: Activation,
    residual: Option<Matrix<T>>,
) -> Matrix<T> {
    let (x, tape) = x.split();
    inner.expect(&x);
    assert_eq!(inner.outputs(), outer.inputs(), "layers of an MLP");
    let shape = (x.rows(), outer.outputs());
    let (residual, mut tape) = Matrix::residual(residual, shape, tape);
    let before = inner.apply(x.values(), None);
    let mut after = buffer(before.len());
    activation.forward(&mut after, &before);
    let y = outer.apply(&after, residual.as_ref().map(Matrix::values));
    let y = Matrix::new(y, outer.outputs());
    let (y_ghost, inner, outer) = (y.tensor.ghost(), inner.clone(), outer.clone());
    let residual = residual.map(|residual| (residual.tensor.ghost(), residual.slot));
    tape.add_backward_op(move |slots: &mut Slots| {
        let dy = std::mem::take(&mut **slots.get_or_alloc_mut(&y_ghost)?);
        outer.weight_gradients(slots, &dy, &after)?;
        // The activations have been used for the last time: their buffer takes their gradient.
        let mut dbefore = after;
        outer.input_gradient(&mut dbefore, Write::Set, &dy);
        activation.backward(&mut dbefore, &before);
        drop(before);
        let dx = slots.get_or_alloc_mut(&x.tensor)?;
        inner.input_gradient(dx, x.slot.claim(), &dbefore);
        inner.weight_gradients(slots, &dbefore, x.values())?;
        if let Some((ghost, slot)) = residual {
            slot.give(slots.get_or_alloc_mut(&ghost)?, dy);
        }
        Ok(())
    });
    y.record(tape)
}
