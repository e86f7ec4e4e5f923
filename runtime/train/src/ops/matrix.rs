//! A dfdx matrix together with what is known of its gradient.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dfdx::shapes::HasShape;
use dfdx::tensor::{
    Cpu, CpuError, Merge, OwnedTape, PutTape, SplitTape, Tensor, TensorFromVec, WithEmptyTape,
};
use dfdx::tensor_ops::Backward;

use super::storage::values;
use crate::TrainError;
use crate::kernels::gemm::Write;

/// dfdx's own gradients, on the CPU.
pub(crate) type Slots = dfdx::tensor::Gradients<f32, Cpu>;

/// A tape that records operations, for a gradient.
pub type Recording = OwnedTape<f32, Cpu>;

#[doc(inline)]
/// A tape that records nothing.
pub use dfdx::tensor::NoneTape as Silent;

/// What an operation records itself on: [`Recording`] or [`Silent`].
pub trait Tape: dfdx::tensor::Tape<f32, Cpu> + Merge<Self> {}

impl<T: dfdx::tensor::Tape<f32, Cpu> + Merge<T>> Tape for T {}

/// Gradients of the leaves of a tape, by matrix.
#[derive(Debug)]
pub struct Gradients(Slots);

impl Gradients {
    /// Of everything that `end` was computed from.
    pub(crate) fn of(end: Tensor<(), f32, Cpu, Recording>) -> Result<Self, CpuError> {
        end.try_backward().map(Self)
    }

    /// Takes out the gradient of `leaf`, row-major; zeros if nothing has reached it.
    pub fn take(&mut self, leaf: &Matrix) -> Result<Vec<f32>, TrainError> {
        self.take_of(&leaf.tensor)
    }

    /// As [`Gradients::take`], of the tensor that leaves were made of.
    pub(crate) fn take_of(&mut self, tensor: &Tensor2) -> Result<Vec<f32>, TrainError> {
        let held = self.0.get_or_alloc_mut(tensor)?;
        Ok(std::mem::take(&mut **held))
    }

    /// As [`Gradients::take`], of several; empty for those of which `wanted` says no.
    pub(crate) fn take_where(
        &mut self,
        tensors: &[Tensor2],
        wanted: impl Fn(usize) -> bool,
    ) -> Result<Vec<Vec<f32>>, TrainError> {
        let one = |(index, tensor)| {
            if wanted(index) {
                self.take_of(tensor)
            } else {
                Ok(Vec::new())
            }
        };
        tensors.iter().enumerate().map(one).collect()
    }
}

/// A dfdx tensor of two run-time dimensions.
pub(crate) type Tensor2<T = Silent> = Tensor<(usize, usize), f32, Cpu, T>;

/// Whether a gradient was already written in this backward pass.
///
/// dfdx cannot say so; its buffers start as zeros, and adding to them costs a pass over memory.
/// All operations that read one tensor share its slot, and claim it as they run backwards. Where the
/// gradient is not wanted there is nothing to share: the tensor is frozen.
#[derive(Clone, Debug)]
pub(crate) struct Slot(Option<Arc<AtomicBool>>);

impl Default for Slot {
    fn default() -> Self {
        Self(Some(Arc::default()))
    }
}

impl Slot {
    /// Whether anybody asks for the gradient; operations need not compute it otherwise.
    pub(crate) fn wants(&self) -> bool {
        self.0.is_some()
    }

    /// How the caller must write the gradient: the first to claim sets it, all others add.
    pub(crate) fn claim(&self) -> Write {
        let before = self
            .0
            .as_ref()
            .map(|held| held.swap(true, Ordering::Relaxed));
        match before {
            Some(true) => Write::Add,
            Some(false) | None => Write::Set,
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
///
/// A copy is the same matrix to the tape, not a new leaf.
#[derive(Clone, Debug)]
pub struct Matrix<T = Silent> {
    pub(crate) tensor: Tensor2<T>,
    pub(crate) slot: Slot,
}

impl<T> Matrix<T> {
    /// How many rows.
    pub fn rows(&self) -> usize {
        self.tensor.shape().0
    }

    /// Length of a row.
    pub fn columns(&self) -> usize {
        self.tensor.shape().1
    }

    /// Its numbers, row-major.
    pub fn values(&self) -> &[f32] {
        values(&self.tensor)
    }

    /// Whether a gradient of it is wanted: neither is it frozen, nor computed of frozen matrices alone.
    pub(crate) fn wants(&self) -> bool {
        self.slot.wants()
    }
}

impl<T: Tape> Matrix<T> {
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

    /// A residual stream [rows, columns], if there is one, and its tape merged into `tape`.
    pub(crate) fn residual(
        stream: Option<Self>,
        shape: (usize, usize),
        tape: T,
    ) -> (Option<Matrix>, T) {
        match stream {
            None => (None, tape),
            Some(stream) => {
                assert_eq!((stream.rows(), stream.columns()), shape, "residual stream");
                let (stream, stream_tape) = stream.split();
                (Some(stream), stream_tape.merge(tape))
            }
        }
    }

    /// The same matrix for a second reader; its recording starts empty and is merged later.
    #[must_use]
    pub fn branch(&self) -> Self {
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

    /// A new leaf of `values`, in rows of `columns`.
    ///
    /// # Panics
    /// If there are no values, or they are not whole rows.
    pub fn new(values: Vec<f32>, columns: usize) -> Self {
        assert!(
            columns > 0 && !values.is_empty() && values.len().is_multiple_of(columns),
            "{} values in rows of {columns}",
            values.len()
        );
        let shape = (values.len() / columns, columns);
        Self::leaf(Cpu::default().tensor_from_vec(values, shape))
    }

    /// Takes a whole gradient later, and drops it if it is not wanted; does not hold the numbers until then.
    pub(crate) fn taker(
        &self,
    ) -> impl FnOnce(&mut Slots, Vec<f32>) -> Result<(), CpuError> + use<> {
        let (ghost, slot) = (self.tensor.ghost(), self.slot.clone());
        move |slots, gradient| {
            if slot.wants() {
                slot.give(slots.get_or_alloc_mut(&ghost)?, gradient);
            }
            Ok(())
        }
    }

    /// The same numbers as a leaf of which no gradient is wanted.
    ///
    /// Operations neither compute nor hold it, nor those of what is computed of frozen matrices alone;
    /// all other gradients are the same bits.
    #[must_use]
    pub fn freeze(self) -> Self {
        Self {
            slot: Slot(None),
            ..self
        }
    }

    /// What an operation has computed, of inputs of which it is known whether they want gradients.
    pub(crate) fn computed(values: Vec<f32>, columns: usize, wants: bool) -> Self {
        let new = Self::new(values, columns);
        if wants { new } else { new.freeze() }
    }

    /// Goes on recording on `tape`, from which `back` hands its gradient on, if one is wanted.
    pub(crate) fn record_with<T: Tape>(
        self,
        mut tape: T,
        back: impl FnOnce(&mut Slots) -> Result<(), CpuError> + 'static,
    ) -> Matrix<T> {
        if self.wants() {
            tape.add_backward_op(back);
        }
        self.record(tape)
    }

    /// Goes on recording on `tape`.
    pub fn record<T: Tape>(self, tape: T) -> Matrix<T> {
        Matrix {
            tensor: self.tensor.put_tape(tape),
            slot: self.slot,
        }
    }
}

impl Matrix<Recording> {
    /// Runs the tape backwards, with `seed` as the gradient of this matrix, row-major.
    ///
    /// # Panics
    /// If the seed has another length.
    pub fn backward(self, seed: Vec<f32>) -> Result<Gradients, TrainError> {
        assert_eq!(seed.len(), self.values().len(), "the seed's length");
        Ok(Gradients(run_back(self, seed)?))
    }
}

/// Runs the tape of `y` backwards, from `seed` as its gradient.
///
/// dfdx starts at a scalar; one of no meaning stands for it.
pub(crate) fn run_back(y: Matrix<Recording>, seed: Vec<f32>) -> Result<Slots, CpuError> {
    let (y, mut tape) = y.split();
    let take = y.taker();
    dfdx::tensor::Tape::add_backward_op(&mut tape, move |slots: &mut Slots| take(slots, seed));
    let end = Cpu::default().tensor_from_vec(vec![0.0], ());
    end.put_tape(tape).try_backward()
}
