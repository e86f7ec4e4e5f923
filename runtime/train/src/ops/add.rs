//! The sum of two matrices, on the tape.

use super::matrix::{Matrix, Slots, Tape};
use crate::kernels::sum::add as add_to;

/// x + y, element by element, both [rows, columns].
///
/// # Panics
/// If the shapes do not agree.
pub fn add<T: Tape>(x: Matrix<T>, y: Matrix<T>) -> Matrix<T> {
    let (x, x_tape) = x.split();
    let (other, tape) = y.split();
    let shapes = [&x, &other].map(|m| (m.rows(), m.columns()));
    assert_eq!(shapes[0], shapes[1], "a sum");
    let mut sum = x.values().to_vec();
    add_to(&mut sum, other.values());
    let sum = Matrix::computed(sum, x.columns(), x.wants() || other.wants());
    let sum_ghost = sum.tensor.ghost();
    let [first, second] = [x, other].map(|m| m.taker());
    sum.record_with(tape.merge(x_tape), move |slots: &mut Slots| {
        let gradient = std::mem::take(&mut **slots.get_or_alloc_mut(&sum_ghost)?);
        first(slots, gradient.clone())?;
        second(slots, gradient)
    })
}
