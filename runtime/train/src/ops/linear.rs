//! Linear layers, with or without a bias, alone or adding to the residual stream, on the tape.

use dfdx::tensor::CpuError;

use super::matrix::{Matrix, Slots, Tape};
use crate::kernels::buffer::buffer;
use crate::kernels::columns::{add_row, spread, sum_rows};
use crate::kernels::gemm::{self, Write};

/// The weights of a linear layer.
#[derive(Clone, Debug)]
pub struct Linear {
    /// [outputs, inputs]
    pub weight: Matrix,
    /// [1, outputs]
    pub bias: Option<Matrix>,
}

impl Linear {
    /// A layer of `weight` [outputs, inputs] and `bias` [1, outputs].
    ///
    /// # Panics
    /// If the bias has another length.
    pub fn new(weight: Matrix, bias: Option<Matrix>) -> Self {
        if let Some(bias) = &bias {
            assert_eq!(
                (bias.rows(), bias.columns()),
                (1, weight.rows()),
                "the bias does not fit the weight"
            );
        }
        Self { weight, bias }
    }

    /// Length of its input rows.
    pub fn inputs(&self) -> usize {
        self.weight.columns()
    }

    /// Length of its output rows.
    pub fn outputs(&self) -> usize {
        self.weight.rows()
    }

    /// Whether a gradient of weight or bias is wanted.
    pub(super) fn wants(&self) -> bool {
        self.weight.wants() || self.bias.as_ref().is_some_and(Matrix::wants)
    }

    /// Panics unless `x` is rows of inputs.
    pub(super) fn expect(&self, x: &Matrix) {
        assert_eq!(x.columns(), self.inputs(), "rows for a layer");
    }

    /// residual + bias + x·Wᵀ of plain rows.
    pub(super) fn apply(&self, x: &[f32], residual: Option<&[f32]>) -> Vec<f32> {
        let (mut y, write) = match (residual, &self.bias) {
            (Some(residual), None) => (residual.to_vec(), Write::Add),
            (Some(residual), Some(bias)) => {
                let mut y = residual.to_vec();
                add_row(&mut y, bias.values());
                (y, Write::Add)
            }
            (None, Some(bias)) => {
                let mut y = buffer(x.len() / self.inputs() * self.outputs());
                spread(&mut y, bias.values());
                (y, Write::Add)
            }
            (None, None) => {
                let y = buffer(x.len() / self.inputs() * self.outputs());
                (y, Write::Set)
            }
        };
        gemm::linear(&mut y, write, x, self.weight.values(), self.inputs());
        y
    }

    /// The gradient of plain input rows into `dx`.
    pub(super) fn rows_gradient(&self, dx: &mut [f32], dy: &[f32]) {
        gemm::linear_input(dx, Write::Set, dy, self.weight.values(), self.inputs());
    }

    /// Writes the gradient of its input `x`, if that is wanted.
    pub(super) fn input_gradient(
        &self,
        slots: &mut Slots,
        x: &Matrix,
        dy: &[f32],
    ) -> Result<(), CpuError> {
        if x.wants() {
            let (dx, write) = (slots.get_or_alloc_mut(&x.tensor)?, x.slot.claim());
            gemm::linear_input(dx, write, dy, self.weight.values(), self.inputs());
        }
        Ok(())
    }

    /// Writes the gradients of weight and bias, given its input; those that are wanted.
    pub(super) fn weight_gradients(
        &self,
        slots: &mut Slots,
        dy: &[f32],
        x: &[f32],
    ) -> Result<(), CpuError> {
        if self.weight.wants() {
            let dweight = slots.get_or_alloc_mut(&self.weight.tensor)?;
            gemm::linear_weight(dweight, self.weight.slot.claim(), dy, x, self.inputs());
        }
        if let Some(bias) = self.bias.as_ref().filter(|bias| bias.wants()) {
            let dbias = slots.get_or_alloc_mut(&bias.tensor)?;
            sum_rows(dbias, bias.slot.claim(), dy);
        }
        Ok(())
    }
}

/// residual + bias + x·Wᵀ: `x` [tokens, inputs], `residual` [tokens, outputs] or none.
///
/// # Panics
/// If the shapes do not agree.
pub fn linear<T: Tape>(x: Matrix<T>, layer: &Linear, residual: Option<Matrix<T>>) -> Matrix<T> {
    let (x, tape) = x.split();
    layer.expect(&x);
    let shape = (x.rows(), layer.outputs());
    let (residual, tape) = Matrix::residual(residual, shape, tape);
    let y = layer.apply(x.values(), residual.as_ref().map(Matrix::values));
    let wants = x.wants() || layer.wants() || residual.as_ref().is_some_and(Matrix::wants);
    let y = Matrix::computed(y, layer.outputs(), wants);
    let (y_ghost, layer) = (y.tensor.ghost(), layer.clone());
    let residual = residual.map(|residual| residual.taker());
    y.record_with(tape, move |slots: &mut Slots| {
        let dy = std::mem::take(&mut **slots.get_or_alloc_mut(&y_ghost)?);
        layer.weight_gradients(slots, &dy, x.values())?;
        layer.input_gradient(slots, &x, &dy)?;
        if let Some(take) = residual {
            take(slots, dy)?;
        }
        Ok(())
    })
}
