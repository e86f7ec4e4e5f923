//! Named parameters that are no decoder's: encoders, towers, projectors.

use std::sync::Arc;

use dfdx::tensor::{Cpu, TensorFromVec};

use crate::CheckpointError;
use crate::checkpoint::{Entry, Reader, encode};
use crate::course::Trained;
use crate::model::Slab;
use crate::ops::matrix::Tensor2;
use crate::ops::storage::{values, values_mut};
use crate::ops::{Gradients, Linear};
use crate::ops::{Matrix, Norm};

/// Slabs with their numbers.
#[derive(Clone, Debug)]
pub(crate) struct Weights {
    slabs: Arc<[Slab]>,
    /// One tensor per slab.
    tensors: Vec<Tensor2>,
}

impl Weights {
    /// Slabs with these numbers, one array for each.
    fn of_values(slabs: Vec<Slab>, values: Vec<Vec<f32>>) -> Self {
        let device = Cpu::default();
        let tensors = slabs
            .iter()
            .zip(values)
            .map(|(slab, values)| device.tensor_from_vec(values, (slab.rows(), slab.columns())))
            .collect();
        Self {
            slabs: slabs.into(),
            tensors,
        }
    }

    /// The initial weights of `seed`: each tensor from the random stream of its own name.
    pub(crate) fn initial(slabs: Vec<Slab>, seed: u64) -> Self {
        let values = slabs.iter().map(|slab| slab.initial(seed)).collect();
        Self::of_values(slabs, values)
    }

    /// The tensors of a file whose names begin with `prefix`; what else there is, is not looked at.
    pub(crate) fn read(
        slabs: Vec<Slab>,
        file: &Reader,
        prefix: &str,
    ) -> Result<Self, CheckpointError> {
        let values = slabs
            .iter()
            .map(|slab| file.slab(prefix, slab))
            .collect::<Result<_, _>>()?;
        Ok(Self::of_values(slabs, values))
    }

    /// How many numbers there are.
    pub(crate) fn count(&self) -> u64 {
        self.slabs.iter().map(|slab| slab.len() as u64).sum()
    }

    /// Leaves for a new pass, in the order of the slabs.
    pub(crate) fn leaves(&self) -> Vec<Matrix> {
        self.leaves_where(|_| true)
    }

    /// The same; a slab of which `wanted` says no is frozen.
    pub(crate) fn leaves_where(&self, wanted: impl Fn(usize) -> bool) -> Vec<Matrix> {
        leaves(&self.tensors, wanted)
    }

    /// The gradients of all slabs; zeros for those that nothing has reached.
    pub(crate) fn gradients(
        &self,
        gradients: &mut Gradients,
    ) -> Result<Vec<Vec<f32>>, crate::TrainError> {
        self.gradients_where(gradients, |_| true)
    }

    /// The same; empty for slabs of which `wanted` says no.
    pub(crate) fn gradients_where(
        &self,
        gradients: &mut Gradients,
        wanted: impl Fn(usize) -> bool,
    ) -> Result<Vec<Vec<f32>>, crate::TrainError> {
        gradients.take_where(&self.tensors, wanted)
    }

    /// All slabs, to encode under a prefix.
    pub(crate) fn entries(&self, prefix: &'static str) -> impl Iterator<Item = Entry<'_>> {
        let values = self.tensors.iter().map(values);
        self.slabs
            .iter()
            .zip(values)
            .map(move |(slab, values)| Entry {
                prefix,
                slab,
                values,
            })
    }

    /// As a safetensors file of F32; equal weights give equal bytes.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, CheckpointError> {
        encode(self.entries(""), ("format", "pt".to_owned()))
    }
}

impl Trained for Weights {
    fn len(&self) -> usize {
        self.slabs.len()
    }

    fn slab(&self, index: usize) -> &Slab {
        &self.slabs[index]
    }

    fn values(&self, index: usize) -> &[f32] {
        values(&self.tensors[index])
    }

    fn values_mut(&mut self, index: usize) -> &mut [f32] {
        values_mut(&mut self.tensors[index])
    }
}

/// Leaves of a new pass; those of which `wanted` says no are frozen.
pub(crate) fn leaves(tensors: &[Tensor2], wanted: impl Fn(usize) -> bool) -> Vec<Matrix> {
    let all = tensors.iter().cloned().map(Matrix::leaf).enumerate();
    all.map(|(index, leaf)| if wanted(index) { leaf } else { leaf.freeze() })
        .collect()
}

/// Takes the leaves of a pass one after the other, in the order of their layout.
pub(crate) struct Leaves<'a>(std::slice::Iter<'a, Matrix>);

impl<'a> Leaves<'a> {
    pub(crate) fn new(leaves: &'a [Matrix]) -> Self {
        Self(leaves.iter())
    }

    /// The next leaf.
    ///
    /// # Panics
    /// Where the layout has no more.
    pub(crate) fn next(&mut self) -> Matrix {
        match self.0.next() {
            Some(leaf) => leaf.clone(),
            None => panic!("a layout with fewer slabs than its network"),
        }
    }

    /// The next two as weight and bias.
    pub(crate) fn linear(&mut self) -> Linear {
        let weight = self.next();
        Linear::new(weight, Some(self.next()))
    }

    /// The next two as gain and bias.
    pub(crate) fn norm(&mut self, eps: f32) -> Norm {
        let gain = self.next();
        let bias = self.next();
        Norm { gain, bias, eps }
    }
}
