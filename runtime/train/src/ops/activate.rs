//! A pointwise function alone, on the tape.

use super::matrix::{Matrix, Slots, Tape};
use crate::kernels::activation::Activation;
use crate::kernels::buffer::buffer;

/// The function of each element of `x` [rows, columns].
pub fn activate<T: Tape>(x: Matrix<T>, activation: Activation) -> Matrix<T> {
    let (x, tape) = x.split();
    let mut y = buffer(x.values().len());
    activation.forward(&mut y, x.values());
    let y = Matrix::computed(y, x.columns(), x.wants());
    let y_ghost = y.tensor.ghost();
    y.record_with(tape, move |slots: &mut Slots| {
        let mut dy = std::mem::take(&mut **slots.get_or_alloc_mut(&y_ghost)?);
        activation.backward(&mut dy, x.values());
        x.taker()(slots, dy)
    })
}
