//! A dfdx matrix together with what is known of its gradient.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dfdx::shapes::HasShape;
use dfdx::tensor::{Cpu, NoneTape, PutTape, SplitTape, Tape, Tensor, TensorFromVec, WithEmptyTape};

use super::storage::values;
use crate::kernels::gemm::Write;

/// dfdx's own gradients, on the CPU.
pub(crate) type Gradients = dfdx::tensor::Gradients<f32, Cpu>;

/// A dfdx tensor of two run-time dimensions.
pub(crate) type Tensor2<T = NoneTape> = Tensor<(usize, usize), f32, Cpu, T>;

/// Whether a gradient was already written in this backward pass.
///
/// dfdx cannot say so; its buffers start as zeros, and adding to them costs a pass over memory.
/// All operations that read one tensor share its slot, and claim it as they run backwards.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slot(Arc<AtomicBool>);

impl Slot {
    /// How the caller must write the gradient: the first to claim sets it, all others add.
    pub(crate) fn claim(&self) -> Write {
        if self.0.swap(true, Ordering::Relaxed) {
            Write::Add
        } else {
            Write::Set
        }
    }

    /// Hands over a whole gradient, without a copy if it is the first.
    pub(crate) fn give(&self, held: &mut Vec<f32>, gradient: Vec<f32>) {
        match self.claim() {
            Write::Set => *held = gradient,
            Write::Add => held
                .iter_mut()
                .zip(gradient)
                .for_each(|(sum, part)| *sum += part),
        }
    }
}

/// A dfdx matrix whose gradient is written by the operations of this module only.
#[derive(Clone, Debug)]
pub(crate) struct Matrix<T = NoneTape> {
    pub(crate) tensor: Tensor2<T>,
    pub(crate) slot: Slot,
}

impl<T> Matrix<T> {
    pub(crate) fn rows(&self) -> usize {
        self.tensor.shape().0
    }

    pub(crate) fn columns(&self) -> usize {
        self.tensor.shape().1
    }

    pub(crate) fn values(&self) -> &[f32] {
        values(&self.tensor)
    }
}

impl<T: Tape<f32, Cpu>> Matrix<T> {
    /// Separates the recording from the numbers.
    pub(crate) fn split(self) -> (Matrix, T) {
        let (tensor, tape) = self.tensor.split_tape();
        (
            Matrix {
                tensor,
                slot: self.slot,
            },
            tape,
        )
    }

    /// The same matrix for a second reader; its recording starts empty and is merged later.
    pub(crate) fn branch(&self) -> Self {
        Self {
            tensor: self.tensor.with_empty_tape(),
            slot: self.slot.clone(),
        }
    }
}

impl Matrix {
    /// A leaf in a new pass: nothing has reached its gradient.
    pub(crate) fn leaf(tensor: Tensor2) -> Self {
        Self {
            tensor,
            slot: Slot::default(),
        }
    }

    /// Freshly computed values, in rows of `columns`.
    pub(crate) fn new(values: Vec<f32>, columns: usize) -> Self {
        let shape = (values.len() / columns, columns);
        Self::leaf(Cpu::default().tensor_from_vec(values, shape))
    }

    /// Goes on recording on `tape`.
    pub(crate) fn record<T: Tape<f32, Cpu>>(self, tape: T) -> Matrix<T> {
        Matrix {
            tensor: self.tensor.put_tape(tape),
            slot: self.slot,
        }
    }
}
