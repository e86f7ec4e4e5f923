//! Rows of one matrix in the place of marked rows of another, on the tape.

use std::sync::Arc;

use super::matrix::{Matrix, Slots, Tape};
use crate::kernels::buffer::buffer;
use crate::kernels::scatter::{clear, put, take};

/// Marked rows of a matrix, in rising order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    rows: Arc<[usize]>,
    of: usize,
}

impl Marked {
    /// The places of `marker` in `tokens`, such as those where the vectors of an image belong.
    pub fn places(tokens: &[u32], marker: u32) -> Self {
        let rows = tokens.iter().enumerate();
        Self {
            rows: rows
                .filter(|(_, token)| **token == marker)
                .map(|(row, _)| row)
                .collect(),
            of: tokens.len(),
        }
    }

    /// Which rows these are, rising.
    pub(crate) fn rows(&self) -> Arc<[usize]> {
        Arc::clone(&self.rows)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.rows.len()
    }
}

/// `x` [tokens, width] with row i of `rows` [marked.count(), width] as its i-th marked row.
///
/// What stood there gets no gradient. Nothing marked is a copy; `rows` may not be empty then, as no
/// matrix is, so there is no need to call it.
///
/// # Panics
/// If the shapes do not agree.
pub fn scatter_rows<T: Tape>(x: Matrix<T>, rows: Matrix<T>, marked: &Marked) -> Matrix<T> {
    let (x, x_tape) = x.split();
    let (rows, tape) = rows.split();
    let width = x.columns();
    assert_eq!(x.rows(), marked.of, "marked rows of another matrix");
    assert_eq!(
        (rows.rows(), rows.columns()),
        (marked.count(), width),
        "rows to be put in place"
    );
    let mut y = x.values().to_vec();
    put(&mut y, rows.values(), &marked.rows, width);
    let y = Matrix::computed(y, width, x.wants() || rows.wants());
    let (y_ghost, marked) = (y.tensor.ghost(), marked.clone());
    let (give_x, give_rows) = (x.taker(), rows.taker());
    y.record_with(tape.merge(x_tape), move |slots: &mut Slots| {
        let mut dy = std::mem::take(&mut **slots.get_or_alloc_mut(&y_ghost)?);
        let mut drows = buffer(marked.rows.len() * width);
        take(&mut drows, &dy, &marked.rows, width);
        give_rows(slots, drows)?;
        clear(&mut dy, &marked.rows, width);
        give_x(slots, dy)
    })
}
