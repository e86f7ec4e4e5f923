//! LayerNorm on the tape.

use super::matrix::{Matrix, Slots, Tape};
use crate::kernels::buffer::buffer;
use crate::kernels::layer_norm::{Saved, backward, forward};

/// The weights of a LayerNorm.
#[derive(Clone, Debug)]
pub struct Norm {
    /// [1, width]
    pub gain: Matrix,
    /// [1, width]
    pub bias: Matrix,
    /// Added to the variance before the root.
    pub eps: f32,
}

/// Rows of `x` [rows, width], centred, over their standard deviation, times gain plus bias.
///
/// # Panics
/// If gain or bias is not as long as a row.
pub fn layer_norm<T: Tape>(x: Matrix<T>, norm: &Norm) -> Matrix<T> {
    let (x, tape) = x.split();
    let width = x.columns();
    for part in [&norm.gain, &norm.bias] {
        assert_eq!(
            (part.rows(), part.columns()),
            (1, width),
            "a norm of {width}"
        );
    }
    let mut y = buffer(x.values().len());
    let weights = (norm.gain.values(), norm.bias.values());
    let moments = forward(&mut y, x.values(), weights, norm.eps);
    let wants = x.wants() || norm.gain.wants() || norm.bias.wants();
    let y = Matrix::computed(y, width, wants);
    let (y_ghost, gain, bias) = (y.tensor.ghost(), norm.gain.clone(), norm.bias.clone());
    y.record_with(tape, move |slots: &mut Slots| {
        let dy = std::mem::take(&mut **slots.get_or_alloc_mut(&y_ghost)?);
        let mut dx = std::mem::take(&mut **slots.get_or_alloc_mut(&x.tensor)?);
        let mut dgain = std::mem::take(&mut **slots.get_or_alloc_mut(&gain.tensor)?);
        let dbias = slots.get_or_alloc_mut(&bias.tensor)?;
        let saved = Saved {
            x: x.values(),
            gain: gain.values(),
            moments: &moments,
        };
        backward(
            (&mut dx, x.slot.claim()),
            (&mut dgain, gain.slot.claim()),
            (dbias, bias.slot.claim()),
            &dy,
            &saved,
        );
        **slots.get_or_alloc_mut(&x.tensor)? = dx;
        **slots.get_or_alloc_mut(&gain.tensor)? = dgain;
        Ok(())
    })
}
