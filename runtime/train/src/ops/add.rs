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
    let mut tape = tape.merge(x_tape);
    let shapes = [&x, &other].map(|m| (m.rows(), m.columns()));
    assert_eq!(shapes[0], shapes[1], "a sum");
    let mut sum = x.values().to_vec();
    add_to(&mut sum, other.values());
    let sum = Matrix::new(sum, x.columns());
    let sum_ghost = sum.tensor.ghost();
    let of = [x, other].map(|m| (m.tensor.ghost(), m.slot));
    tape.add_backward_op(move |slots: &mut Slots| {
        let gradient = std::mem::take(&mut **slots.get_or_alloc_mut(&sum_ghost)?);
        let [(first, first_slot), (second, second_slot)] = of;
        first_slot.give(slots.get_or_alloc_mut(&first)?, gradient.clone());
        second_slot.give(slots.get_or_alloc_mut(&second)?, gradient);
        Ok(())
    });
    sum.record(tape)
}
