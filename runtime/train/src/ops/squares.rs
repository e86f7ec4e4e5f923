//! Squares of vectors, resized and set one below the other, on the tape.

use dfdx::tensor::Merge;

use super::matrix::{Matrix, Slots, Tape};
use crate::kernels::resize::{resize, resize_gradient};

/// Squares [from², width] of images as [images·to², width], each resized by itself as
/// [`crate::adapted::resize`] does.
///
/// # Panics
/// If there is none, if one is no square, or `to` is 0.
pub fn resize_squares<T: Tape>(squares: Vec<Matrix<T>>, to: usize) -> Matrix<T> {
    let (squares, tapes): (Vec<Matrix>, Vec<T>) = squares.into_iter().map(Matrix::split).unzip();
    let tape = tapes.into_iter().fold(T::default(), Merge::merge);
    let width = squares.first().map_or(0, Matrix::columns);
    let resized = squares.iter().map(|square| {
        assert_eq!(square.columns(), width, "squares of equally long vectors");
        resize(square.values(), width, square.rows().isqrt(), to)
    });
    let wants = squares.iter().any(Matrix::wants);
    let resized: Vec<Vec<f32>> = resized.collect();
    let y = Matrix::computed(resized.concat(), width, wants);
    let y_ghost = y.tensor.ghost();
    let takers: Vec<_> = squares
        .iter()
        .map(|square| (square.rows().isqrt(), square.taker()))
        .collect();
    y.record_with(tape, move |slots: &mut Slots| {
        let dy = std::mem::take(&mut **slots.get_or_alloc_mut(&y_ghost)?);
        for ((from, give), dy) in takers.into_iter().zip(dy.chunks_exact(to * to * width)) {
            give(slots, resize_gradient(dy, width, from, to))?;
        }
        Ok(())
    })
}
