//! Embedding look-up on the tape.

use std::sync::Arc;

use super::matrix::{Matrix, Slots, Tape};
use crate::kernels::buffer::buffer;
use crate::kernels::embedding::{backward, forward};
use crate::kernels::gemm::Write;

/// Rows of `table` [vocabulary, width] for `tokens`: [tokens, width].
///
/// # Panics
/// If a token is not in the table.
pub fn embedding<T: Tape>(table: &Matrix, tokens: &Arc<[u32]>, tape: T) -> Matrix<T> {
    let width = table.columns();
    let mut y = buffer(tokens.len() * width);
    forward(&mut y, table.values(), tokens, width);
    let y = Matrix::computed(y, width, table.wants());
    let (y_ghost, table_ghost) = (y.tensor.ghost(), table.tensor.ghost());
    let (slot, tokens) = (table.slot.clone(), Arc::clone(tokens));
    y.record_with(tape, move |slots: &mut Slots| {
        let dy = std::mem::take(&mut **slots.get_or_alloc_mut(&y_ghost)?);
        let dtable = slots.get_or_alloc_mut(&table_ghost)?;
        if slot.claim() == Write::Set {
            dtable.fill(0.0);
        }
        backward(dtable, &dy, &tokens, width);
        Ok(())
    })
}
