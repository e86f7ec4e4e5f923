//! RMSNorm on the tape.

use dfdx::tensor::{Cpu, Tape};

use super::matrix::{Gradients, Matrix};
use crate::kernels::buffer::buffer;
use crate::kernels::rms_norm::{Saved, backward, forward};

/// Rows of `x` over their root mean square, times `gain` [1, width].
pub(crate) fn rms_norm<T: Tape<f32, Cpu>>(x: Matrix<T>, gain: &Matrix, eps: f32) -> Matrix<T> {
    let (x, mut tape) = x.split();
    let mut y = buffer(x.values().len());
    let scales = forward(&mut y, x.values(), gain.values(), eps);
    let y = Matrix::new(y, x.columns());
    let (y_ghost, gain) = (y.tensor.ghost(), gain.clone());
    tape.add_backward_op(move |gradients: &mut Gradients| {
        let dy = std::mem::take(&mut **gradients.get_or_alloc_mut(&y_ghost)?);
        let mut dx = std::mem::take(&mut **gradients.get_or_alloc_mut(&x.tensor)?);
        let dgain = gradients.get_or_alloc_mut(&gain.tensor)?;
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
        **gradients.get_or_alloc_mut(&x.tensor)? = dx;
        Ok(())
    });
    y.record(tape)
}
