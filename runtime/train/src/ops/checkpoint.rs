//! Gradient checkpointing: a block keeps its input alone, and is computed again for its gradient.

use dfdx::tensor::Trace;

use super::matrix::{Matrix, Recording, Silent, Slots, Tape, run_back};

/// A part of a network, from rows to rows.
pub trait Block: 'static {
    /// Its output of `x`, recorded on the tape of `x`.
    ///
    /// The same input must give the same bits each time, on any tape; `x` must be read.
    fn forward<T: Tape>(&self, x: Matrix<T>) -> Matrix<T>;
}

/// As `block.forward(x)`: the same output and gradients, bit for bit, for less memory and more time.
///
/// On a recording tape nothing of the block is kept but its input; the backward pass computes the
/// block again (Chen et al. 2016). Costs one more forward pass.
pub fn checkpoint<T: Tape>(x: Matrix<T>, block: impl Block) -> Matrix<T> {
    let (x, tape) = x.split();
    let y = block.forward(x.clone().record(Silent));
    let y_ghost = y.tensor.ghost();
    y.record_with(tape, move |slots: &mut Slots| {
        let dy = std::mem::take(&mut **slots.get_or_alloc_mut(&y_ghost)?);
        // The block's own tape goes on with the gradients there are, and with the slots of `x` and of
        // the weights: so each first write is the same one as without a checkpoint.
        let outer = std::mem::replace(slots, Slots::leaky());
        let x: Matrix<Recording> = Matrix {
            tensor: x.tensor.traced(outer),
            slot: x.slot,
        };
        *slots = run_back(block.forward(x), dy)?;
        Ok(())
    })
}
