//! Rows of one matrix in the place of rows of another.

/// Copies row i of `from` to row `rows[i]` of `y`, all `width` long.
pub(crate) fn put(y: &mut [f32], from: &[f32], rows: &[usize], width: usize) {
    for (from, &row) in from.chunks_exact(width).zip(rows) {
        y[row * width..][..width].copy_from_slice(from);
    }
}

/// Copies row `rows[i]` of `from` to row i of `y`, all `width` long.
pub(crate) fn take(y: &mut [f32], from: &[f32], rows: &[usize], width: usize) {
    for (y, &row) in y.chunks_exact_mut(width).zip(rows) {
        y.copy_from_slice(&from[row * width..][..width]);
    }
}

/// Clears the rows `rows` of `y`.
pub(crate) fn clear(y: &mut [f32], rows: &[usize], width: usize) {
    for &row in rows {
        y[row * width..][..width].fill(0.0);
    }
}
