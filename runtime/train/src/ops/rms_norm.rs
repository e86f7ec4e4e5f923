//! RMSNorm on the tape.

use super::matrix::{Matrix, Slots, Tape};
use crate::kernels::buffer::buffer;
use crate::kernels::rms_norm::{Saved, backward, forward};

/// Rows of `x` over their root mean square, times `gain` [1, width].
///
/// # Panics
/// If the gain is not as long as a row.
pub fn rms_norm<T: Tape>(x: Matrix<T>, gain: &Matrix, eps: f32) -> Matrix<T> {
    let (x, tape) = x.split();
    assert_eq!(x.columns(), gain.columns(), "a norm of {}", x.columns());
    let mut y = buffer(x.values().len());
    let scales = forward(&mut y, x.values(), gain.values(), eps);
    let y = Matrix::computed(y, x.columns(), x.wants() || gain.wants());
    let (y_ghost, gain) = (y.tensor.ghost(), gain.clone());
    y.record_with(tape, move |slots: &mut Slots| {
        let dy = std::mem::take(&mut **slots.get_or_alloc_mut(&y_ghost)?);
        let mut dx = std::mem::take(&mut **slots.get_or_alloc_mut(&x.tensor)?);
        let dgain = slots.get_or_alloc_mut(&gain.tensor)?;
        let saved = Saved {
            x: x.values(),
            gain: gain.values(),
            scales: &scales,
        };
        backward(
            (&mut dx, x.slot.claim()),
            (dgain, gain.slot.claim()),
            &dy,
            &saved,
        );
        **slots.get_or_alloc_mut(&x.tensor)? = dx;
        Ok(())
    })
}
