//! The gated MLP with biases, on the tape.

use super::linear::Linear;
use super::matrix::{Matrix, Slots, Tape};
use crate::kernels::buffer::buffer;
use crate::kernels::swiglu::{backward, forward};

/// residual + outer(silu(g) ∘ u) with g above u the rows of inner(x): `x` [tokens, inner.inputs], `inner`
/// with twice as many outputs as `outer` has inputs, `residual` [tokens, outer.outputs] or none.
///
/// The `SwiGLU` feed-forward layer of `DINOv2` (`Dinov2SwiGLUFFN` of `transformers`; Shazeer 2020, eq. 6, with
/// biases).
///
/// # Panics
/// If the shapes do not agree.
pub fn gated_mlp<T: Tape>(
    x: Matrix<T>,
    inner: &Linear,
    outer: &Linear,
    residual: Option<Matrix<T>>,
) -> Matrix<T> {
    let (x, tape) = x.split();
    inner.expect(&x);
    let hidden = outer.inputs();
    assert_eq!(inner.outputs(), 2 * hidden, "layers of a gated MLP");
    let shape = (x.rows(), outer.outputs());
    let (residual, tape) = Matrix::residual(residual, shape, tape);
    let before = inner.apply(x.values(), None);
    let mut gated = buffer(before.len() / 2);
    forward(&mut gated, &before, hidden);
    let y = outer.apply(&gated, residual.as_ref().map(Matrix::values));
    let wants = x.wants() || inner.wants() || outer.wants();
    let wants = wants || residual.as_ref().is_some_and(Matrix::wants);
    let y = Matrix::computed(y, outer.outputs(), wants);
    let (y_ghost, inner, outer) = (y.tensor.ghost(), inner.clone(), outer.clone());
    let residual = residual.map(|residual| residual.taker());
    y.record_with(tape, move |slots: &mut Slots| {
        let dy = std::mem::take(&mut **slots.get_or_alloc_mut(&y_ghost)?);
        outer.weight_gradients(slots, &dy, &gated)?;
        // The gated values have been used for the last time: their buffer takes their gradient.
        let mut dgated = gated;
        outer.rows_gradient(&mut dgated, &dy);
        let mut dbefore = before;
        backward(&mut dbefore, &dgated, hidden);
        drop(dgated);
        inner.input_gradient(slots, &x, &dbefore)?;
        inner.weight_gradients(slots, &dbefore, x.values())?;
        if let Some(take) = residual {
            take(slots, dy)?;
        }
        Ok(())
    })
}
