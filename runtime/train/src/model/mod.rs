//! A decoder: its parameters, and its forward pass on any tape.

mod forward;
mod layout;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use dfdx::tensor::{Cpu, TensorFromVec};

pub(crate) use layout::{DEVIATION, Part, Slab, Start, layout};

use crate::checkpoint::Reader;
use crate::ops::matrix::Tensor2;
use crate::ops::storage::{values, values_mut};
use crate::ops::{Heads, Matrix, Rope};
use crate::random::Stream;
use crate::vision::waves;
use crate::weights::leaves;
use crate::{CheckpointError, ConfigError, ModelConfig};
use layout::Places;

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
        Self::read(config, &Reader::new(&safetensors)?)
    }

    /// A model of a checked shape with the weights of a checkpoint.
    pub(crate) fn read(config: &ModelConfig, file: &Reader) -> Result<Self, CheckpointError> {
        let slabs = layout(config);
        file.expect_only(&slabs, &[""])?;
        let values = slabs
            .iter()
            .map(|slab| file.slab("", slab))
            .collect::<Result<_, _>>()?;
        Ok(Self::assemble(config, slabs, values))
    }

    /// A model of a checked shape with these numbers, one array for each slab.
    pub(crate) fn of_values(config: &ModelConfig, values: Vec<Vec<f32>>) -> Self {
        Self::assemble(config, layout(config), values)
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

    /// The same, borrowed.
    pub(crate) fn slabs_in_place(&self) -> &[Slab] {
        &self.slabs
    }

    /// The numbers of each slab, in the layout's order.
    pub(crate) fn values(&self) -> impl Iterator<Item = &[f32]> {
        self.tensors.iter().map(values)
    }

    /// The numbers of slab `index`.
    pub(crate) fn values_of(&self, index: usize) -> &[f32] {
        values(&self.tensors[index])
    }

    /// The tensor of each slab, in the layout's order.
    pub(crate) fn tensors(&self) -> &[Tensor2] {
        &self.tensors
    }

    /// The numbers of slab `index`, to change.
    pub(crate) fn values_mut(&mut self, index: usize) -> &mut [f32] {
        values_mut(&mut self.tensors[index])
    }

    /// The embedding table, [vocabulary, width].
    pub(crate) fn embedding_weights(&self) -> &[f32] {
        values(&self.tensors[Places::EMBEDDING])
    }

    /// The output projection, [vocabulary, width]; the embedding table if tied.
    pub(crate) fn head_weights(&self) -> &[f32] {
        values(&self.tensors[Places::new(&self.config).head()])
    }

    /// Gain of the last norm, [width].
    pub(crate) fn norm_gain(&self) -> &[f32] {
        values(&self.tensors[Places::new(&self.config).norm()])
    }

    /// The weights of block `layer`.
    pub(crate) fn block_weights(&self, layer: usize) -> BlockWeights<'_> {
        let at = Places::block(layer);
        let of = |place: usize| values(&self.tensors[place]);
        BlockWeights {
            attention_norm: of(at.attention_norm),
            qkv: of(at.qkv),
            output: of(at.output),
            mlp_norm: of(at.mlp_norm),
            gate_up: of(at.gate_up),
            down: of(at.down),
        }
    }

    /// Rotary angles.
    pub(crate) fn rope(&self) -> &Rope {
        &self.rope
    }

    pub(crate) fn heads(&self) -> Heads {
        Heads {
            queries: self.config.heads,
            keys: self.config.kv_heads,
            width: self.config.head_width(),
        }
    }
}

/// Weights of one block; matrices are [outputs, inputs], projections that read the same stand one
/// above the other.
pub(crate) struct BlockWeights<'a> {
    pub(crate) attention_norm: &'a [f32],
    pub(crate) qkv: &'a [f32],
    pub(crate) output: &'a [f32],
    pub(crate) mlp_norm: &'a [f32],
    pub(crate) gate_up: &'a [f32],
    pub(crate) down: &'a [f32],
}

impl Slab {
    /// Its first weights: each part from the random stream of its own name, so that what is fused
    /// with what changes nothing.
    pub(crate) fn initial(&self, seed: u64) -> Vec<f32> {
        let part = |part: &Part| match self.start {
            Start::Ones => vec![1.0; part.len()],
            Start::Zeros => vec![0.0; part.len()],
            Start::Filled(value) => vec![value; part.len()],
            Start::Waves(side) => waves(side, self.columns()),
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
        Self::where_wanted(model, |_| true)
    }

    /// The same; a slab of which `wanted` says no is frozen.
    pub(crate) fn where_wanted(model: &Model, wanted: impl Fn(usize) -> bool) -> Self {
        Self(leaves(&model.tensors, wanted))
    }

    /// The embedding table, [vocabulary, width].
    pub(crate) fn table(&self) -> &Matrix {
        &self.0[Places::EMBEDDING]
    }
}
