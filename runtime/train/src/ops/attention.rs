//! Query, key and value projection, rotary embedding and causal attention, on the tape.

use std::sync::Arc;

use dfdx::tensor::{Cpu, Tape};

use super::matrix::{Gradients, Matrix};
use crate::kernels::attention::{Heads, Saved, backward, forward};
use crate::kernels::buffer::buffer;
use crate::kernels::gemm::{Write, linear, linear_input, linear_weight};
use crate::kernels::rope::{Rope, Turn};

/// Attention's output [tokens, heads·head width] of `x` [tokens, width], sequences of `length` tokens.
///
/// `qkv` [row, width] holds the query, key and value projections one above the other. Scores are
/// never kept: the gradient recomputes them.
pub(crate) fn attention<T: Tape<f32, Cpu>>(
    x: Matrix<T>,
    qkv: &Matrix,
    rope: &Arc<Rope>,
    heads: Heads,
    length: usize,
) -> Matrix<T> {
    let (x, mut tape) = x.split();
    let (tokens, width, row) = (x.rows(), x.columns(), heads.row());
    let turned = heads.queries + heads.keys;
    let mut projected = buffer(tokens * row);
    linear(&mut projected, Write::Set, x.values(), qkv.values(), width);
    let position = move |row: usize| row % length;
    rope.turn(&mut projected, row, turned, position, Turn::Forward);
    let mut out = buffer(tokens * heads.output());
    let log_sums = forward(&mut out, &projected, heads, length);
    let y = Matrix::new(out, heads.output());
    let (y_kept, qkv, rope) = (y.clone(), qkv.clone(), Arc::clone(rope));
    tape.add_backward_op(move |gradients: &mut Gradients| {
        let dy = std::mem::take(&mut **gradients.get_or_alloc_mut(&y_kept.tensor)?);
        let saved = Saved {
            qkv: &projected,
            out: y_kept.values(),
            log_sums: &log_sums,
        };
        let mut dprojected = buffer(tokens * row);
        backward(&mut dprojected, &dy, &saved, heads, length);
        rope.turn(&mut dprojected, row, turned, position, Turn::Back);
        let dx = gradients.get_or_alloc_mut(&x.tensor)?;
        linear_input(dx, x.slot.claim(), &dprojected, qkv.values(), width);
        let dqkv = gradients.get_or_alloc_mut(&qkv.tensor)?;
        linear_weight(dqkv, qkv.slot.claim(), &dprojected, x.values(), width);
        Ok(())
    });
    y.record(tape)
}
