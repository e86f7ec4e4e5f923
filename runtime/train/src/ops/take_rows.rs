//! Chosen rows of a matrix, on the tape.

use std::sync::Arc;

use super::embedding::embedding;
use super::matrix::{Matrix, Tape};

/// Rows `rows` of `x` [any, width], in this order: [rows, width]. A row may be taken several times.
///
/// # Panics
/// If there is no such row, or none is asked for.
pub fn take_rows<T: Tape>(x: Matrix<T>, rows: &Arc<[u32]>) -> Matrix<T> {
    let (x, tape) = x.split();
    // A look-up in a table, whose gradient goes on to what the table was computed from.
    embedding(&x, rows, tape)
}
