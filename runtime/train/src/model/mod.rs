//! A decoder: its parameters, and its forward pass on any tape.

mod forward;
mod layout;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use dfdx::tensor::{Cpu, TensorFromVec};

pub(crate) use layout::{DEVIATION, Part, Slab, layout};

use crate::ops::matrix::Tensor2;
use crate::ops::storage::{values, values_mut};
use crate::ops::{Heads, Matrix, Rope};
use crate::random::Stream;
use crate::{CheckpointError, ConfigError, ModelConfig, checkpoint};
use layout::Start;

/// A Llama-style decoder with its weights.
#[derive(Clone, Debug)]
pub struct Model {
    config: ModelConfig,
    slabs: Arc<[Slab]>,
    /// One tensor per slab, in the layout's order.
    tensors: Vec<Tensor2>,
    rope: Arc<Rope>,
}

impl Model {
    /// A model with the initial weights of `seed`.
    pub(crate) fn initial(config: &ModelConfig, seed: u64) -> Result<Self, ConfigError> {
        config.check()?;
        let slabs = layout(config);
        let values = slabs.iter().map(|slab| slab.initial(seed)).collect();
        Ok(Self::assemble(config, slabs, values))
    }

    /// A model with the weights of a safetensors file: Hugging Face Llama names, f32.
    ///
    /// Fails on a malformed file, and on any tensor that is missing, unknown, or of another shape
    /// or type.
    pub fn load(config: &ModelConfig, safetensors: &[u8]) -> Result<Self, CheckpointError> {
        config.check()?;
        let slabs = layout(config);
        let file = checkpoint::Reader::new(safetensors)?;
        file.expect_only(&slabs, &[""])?;
        let values = slabs
            .iter()
            .map(|slab| file.slab("", slab))
            .collect::<Result<_, _>>()?;
        Ok(Self::assemble(config, slabs, values))
    }

    fn assemble(config: &ModelConfig, slabs: Vec<Slab>, values: Vec<Vec<f32>>) -> Self {
        let device = Cpu::default();
        let tensors = slabs
            .iter()
            .zip(values)
            .map(|(slab, values)| device.tensor_from_vec(values, (slab.rows(), slab.columns())))
            .collect();
        let rope = Arc::new(Rope::new(
            config.head_width(),
            config.context,
            config.rope_base,
        ));
        Self {
            config: config.clone(),
            slabs: slabs.into(),
            tensors,
            rope,
        }
    }

    /// The model's shape.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// How parameters are grouped and named.
    pub(crate) fn slabs(&self) -> Arc<[Slab]> {
        Arc::clone(&self.slabs)
    }

    /// The numbers of each slab, in the layout's order.
    pub(crate) fn values(&self) -> impl Iterator<Item = &[f32]> {
        self.tensors.iter().map(values)
    }

    /// The tensor of slab `index`.
    pub(crate) fn tensor(&self, index: usize) -> &Tensor2 {
        &self.tensors[index]
    }

    /// The numbers of slab `index`, to change.
    pub(crate) fn values_mut(&mut self, index: usize) -> &mut [f32] {
        values_mut(&mut self.tensors[index])
    }

    fn heads(&self) -> Heads {
        Heads {
            queries: self.config.heads,
            keys: self.config.kv_heads,
            width: self.config.head_width(),
        }
    }
}

impl Slab {
    /// Its first weights: each part from the random stream of its own name, so that what is fused
    /// with what changes nothing.
    fn initial(&self, seed: u64) -> Vec<f32> {
        let part = |part: &Part| match self.start {
            Start::Ones => vec![1.0; part.len()],
            Start::Normal(deviation) => {
                Stream::new(seed, "init", &part.name).normals(part.len(), deviation)
            }
        };
        self.parts.iter().flat_map(part).collect()
    }
}

/// One pass's parameters: the model's tensors, with gradients nothing has written yet.
pub(crate) struct Parameters(Vec<Matrix>);

impl Parameters {
    /// The parameters of `model` for a new pass.
    pub(crate) fn new(model: &Model) -> Self {
        Self(model.tensors.iter().cloned().map(Matrix::leaf).collect())
    }
}
