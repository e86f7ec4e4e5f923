//! Rows of a table by token, and their gradient.

/// Copies row `token` of `table` [vocabulary, width] to each row of `y` [tokens, width].
pub(crate) fn forward(y: &mut [f32], table: &[f32], tokens: &[u32], width: usize) {
    for (y, &token) in y.chunks_exact_mut(width).zip(tokens) {
        y.copy_from_slice(&table[token as usize * width..][..width]);
    }
}

/// Adds each row of `dy` to the row of `dtable` it was copied from, in token order.
///
/// On one thread: two tokens may share a row, and the sum must have one order.
pub(crate) fn backward(dtable: &mut [f32], dy: &[f32], tokens: &[u32], width: usize) {
    for (dy, &token) in dy.chunks_exact(width).zip(tokens) {
        let row = &mut dtable[token as usize * width..][..width];
        row.iter_mut().zip(dy).for_each(|(sum, part)| *sum += part);
    }
}
