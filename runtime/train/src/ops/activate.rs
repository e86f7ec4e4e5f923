//! A pointwise function alone, on the tape.

use super::matrix::{Matrix, Slots, Tape};
use crate::kernels::activation::Activation;
use crate::kernels::buffer::buffer;

/// The function of each element of `x` [rows, columns].
pub fn activate<T: Tape>(x: Matrix<T>, activation: Activation) -> Matrix<T> {
    let (x, mut tape) = x.split();
    let mut y = buffer(x.values().len());
    activation.forward(&mut y, x.values());
    let y = Matrix::new(y, x.columns());
    let y_ghost = y.tensor.ghost();
    tape.add_backward_op(move |slots: &mut Slots| {
        let mut dy = std::mem::take(&mut **slots.get_or_alloc_mut(&y_ghost)?);
        activation.backward(&mut dy, x.values());
        x.slot.give(slots.get_or_alloc_mut(&x.tensor)?, dy);
        Ok(())
    });
    y.record(tape)
}
