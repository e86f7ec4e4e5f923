//! The plain MLP, on the tape.

use super::linear::Linear;
use super::matrix::{Matrix, Slots, Tape};
use crate::kernels::activation::Activation;
use crate::kernels::buffer::buffer;

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
    let (residual, tape) = Matrix::residual(residual, shape, tape);
    let before = inner.apply(x.values(), None);
    let mut after = buffer(before.len());
    activation.forward(&mut after, &before);
    let y = outer.apply(&after, residual.as_ref().map(Matrix::values));
    let wants = x.wants() || inner.wants() || outer.wants();
    let wants = wants || residual.as_ref().is_some_and(Matrix::wants);
    let y = Matrix::computed(y, outer.outputs(), wants);
    let (y_ghost, inner, outer) = (y.tensor.ghost(), inner.clone(), outer.clone());
    let residual = residual.map(|residual| residual.taker());
    y.record_with(tape, move |slots: &mut Slots| {
        let dy = std::mem::take(&mut **slots.get_or_alloc_mut(&y_ghost)?);
        outer.weight_gradients(slots, &dy, &after)?;
        // The activations have been used for the last time: their buffer takes their gradient.
        let mut dbefore = after;
        outer.rows_gradient(&mut dbefore, &dy);
        activation.backward(&mut dbefore, &before);
        drop(before);
        inner.input_gradient(slots, &x, &dbefore)?;
        inner.weight_gradients(slots, &dbefore, x.values())?;
        if let Some(take) = residual {
            take(slots, dy)?;
        }
        Ok(())
    })
}
