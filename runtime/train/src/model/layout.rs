//! Which parameters a model has, under which names, and which lie together in one matrix.

use crate::ModelConfig;

/// Standard deviation of initial weights.
pub(crate) const DEVIATION: f64 = 0.02;

/// One named tensor of a checkpoint.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// Hugging Face name.
    pub(crate) name: String,
    /// Hugging Face shape.
    pub(crate) shape: Vec<usize>,
}

impl Part {
    pub(crate) fn new(name: impl Into<String>, shape: &[usize]) -> Self {
        Self {
            name: name.into(),
            shape: shape.to_vec(),
        }
    }

    /// Number of elements.
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// How a slab starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Start {
    /// 1: a gain.
    Ones,
    /// 0: a bias.
    Zeros,
    /// One number: a temperature.
    Filled(f32),
    /// Normal of this standard deviation.
    Normal(f64),
    /// Positions of a class token and of a square of patches, this many on a side; never trained.
    Waves(usize),
}

/// Tensors that one operation reads as one matrix, stacked by rows.
#[derive(Clone, Debug)]
pub(crate) struct Slab {
    pub(crate) parts: Vec<Part>,
    columns: usize,
    pub(crate) start: Start,
}

impl Slab {
    /// Parts in rows of their last dimension; parts of one dimension are one row together.
    pub(crate) fn new(parts: Vec<Part>, start: Start) -> Self {
        let is_row = parts.iter().all(|part| part.shape.len() < 2);
        let last = |part: &Part| part.shape.last().copied().unwrap_or(1);
        let columns = if is_row {
            parts.iter().map(last).sum()
        } else {
            parts.first().map_or(1, last)
        };
        Self::in_rows(parts, columns, start)
    }

    /// Parts in rows of `columns`.
    pub(crate) fn in_rows(parts: Vec<Part>, columns: usize, start: Start) -> Self {
        Self {
            parts,
            columns,
            start,
        }
    }

    fn gain(name: impl Into<String>, width: usize) -> Self {
        Self::new(vec![Part::new(name, &[width])], Start::Ones)
    }

    /// Rows of the stacked matrix; a gain is one row.
    pub(crate) fn rows(&self) -> usize {
        self.len() / self.columns()
    }

    /// Columns of the stacked matrix.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Number of elements.
    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(Part::len).sum()
    }

    /// Whether weight decay applies: to matrices, not to gains and biases.
    pub(crate) fn decays(&self) -> bool {
        matches!(self.start, Start::Normal(_))
    }

    /// Whether training moves it.
    pub(crate) fn trains(&self) -> bool {
        !matches!(self.start, Start::Waves(_))
    }
}

/// Position of each slab in the layout.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    layers: usize,
    tied: bool,
}

/// Positions of one block's slabs.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockPlaces {
    pub(super) attention_norm: usize,
    pub(super) qkv: usize,
    pub(super) output: usize,
    pub(super) mlp_norm: usize,
    pub(super) gate_up: usize,
    pub(super) down: usize,
}

impl Places {
    /// Slabs per block.
    const BLOCK: usize = 6;
    /// The embedding table, first in every model.
    pub(super) const EMBEDDING: usize = 0;

    pub(super) fn new(config: &ModelConfig) -> Self {
        Self {
            layers: config.layers,
            tied: config.tied,
        }
    }

    pub(super) fn block(layer: usize) -> BlockPlaces {
        let first = 1 + layer * Self::BLOCK;
        BlockPlaces {
            attention_norm: first,
            qkv: first + 1,
            output: first + 2,
            mlp_norm: first + 3,
            gate_up: first + 4,
            down: first + 5,
        }
    }

    pub(super) fn norm(self) -> usize {
        1 + self.layers * Self::BLOCK
    }

    pub(super) fn head(self) -> usize {
        if self.tied {
            Self::EMBEDDING
        } else {
            self.norm() + 1
        }
    }
}

/// Every slab of a model, in the one order used everywhere.
pub(crate) fn layout(config: &ModelConfig) -> Vec<Slab> {
    let (width, vocabulary) = (config.width, config.vocabulary);
    let normal = Start::Normal(DEVIATION);
    let table = |name: &str| Slab::new(vec![Part::new(name, &[vocabulary, width])], normal);
    let mut slabs = vec![table("model.embed_tokens.weight")];
    slabs.extend((0..config.layers).flat_map(|layer| block(config, layer)));
    slabs.push(Slab::gain("model.norm.weight", width));
    if !config.tied {
        slabs.push(table("lm_head.weight"));
    }
    slabs
}

/// The slabs of block `layer`, in the order of [`BlockPlaces`].
fn block(config: &ModelConfig, layer: usize) -> [Slab; Places::BLOCK] {
    let (width, hidden) = (config.width, config.hidden);
    let kv = config.kv_heads * config.head_width();
    let name = |rest: &str| format!("model.layers.{layer}.{rest}.weight");
    let part = |rest: &str, shape: [usize; 2]| Part::new(name(rest), &shape);
    let normal = Start::Normal(DEVIATION);
    // Each block adds to the residual stream twice; its variance must not grow with depth.
    let residual = Start::Normal(DEVIATION / (2.0 * config.layers as f64).sqrt());
    [
        Slab::gain(name("input_layernorm"), width),
        Slab::new(
            vec![
                part("self_attn.q_proj", [width, width]),
                part("self_attn.k_proj", [kv, width]),
                part("self_attn.v_proj", [kv, width]),
            ],
            normal,
        ),
        Slab::new(vec![part("self_attn.o_proj", [width, width])], residual),
        Slab::gain(name("post_attention_layernorm"), width),
        Slab::new(
            vec![
                part("mlp.gate_proj", [hidden, width]),
                part("mlp.up_proj", [hidden, width]),
            ],
            normal,
        ),
        Slab::new(vec![part("mlp.down_proj", [width, hidden])], residual),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::tiny;

    #[test]
    fn layout_holds_every_parameter_once() {
        for tied in [false, true] {
            let config = ModelConfig { tied, ..tiny() };
            let slabs = layout(&config);
            let total: usize = slabs.iter().map(Slab::len).sum();
            assert_eq!(total as u64, config.parameters());
            let places = Places::new(&config);
            assert_eq!(slabs[places.norm()].parts[0].name, "model.norm.weight");
            assert_eq!(slabs[places.head()].rows(), config.vocabulary);
            let down = &slabs[Places::block(1).down];
            assert_eq!(down.parts[0].name, "model.layers.1.mlp.down_proj.weight");
        }
    }
}
