//! One block of a transformer with LayerNorm before attention and before an MLP, plain or gated.

use crate::model::{DEVIATION, Part, Slab, Start};
use crate::ops::{
    Activation, Attention, Linear, Mask, Matrix, Norm, Tape, attention, gated_mlp, layer_norm,
    linear, mlp, scaled,
};
use crate::vision::VisionConfig;
use crate::weights::Leaves;

/// Names of a block's tensors, without `.weight` and `.bias`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockNames {
    pub(crate) first_norm: &'static str,
    /// Queries, keys, values.
    pub(crate) qkv: [&'static str; 3],
    pub(crate) output: &'static str,
    pub(crate) second_norm: &'static str,
    pub(crate) inner: &'static str,
    pub(crate) outer: &'static str,
    /// Whether the inner layer of the MLP has gates above its values.
    pub(crate) is_gated: bool,
    /// Layer scales after attention and MLP, whole names.
    pub(crate) scales: Option<[&'static str; 2]>,
}

/// The slabs of a block of `layers`, named with `prefix`, in the order in which
/// [`TransformerBlock::new`] takes them.
pub(crate) fn block_slabs(
    names: &BlockNames,
    prefix: &str,
    (layers, width, hidden): (usize, usize, usize),
) -> Vec<Slab> {
    // As in the decoder: what adds to the residual stream starts smaller where there are more blocks.
    let residual = DEVIATION / (2.0 * layers as f64).sqrt();
    let mut slabs = norm_slabs(&format!("{prefix}{}", names.first_norm), width);
    slabs.extend(stacked(prefix, &names.qkv, (width, width), DEVIATION));
    slabs.extend(stacked(prefix, &[names.output], (width, width), residual));
    let scale = |which: usize| {
        let name = names
            .scales
            .map(|scales| format!("{prefix}{}", scales[which]));
        name.map(|name| Slab::new(vec![Part::new(name, &[width])], Start::Ones))
    };
    slabs.extend(scale(0));
    slabs.extend(norm_slabs(&format!("{prefix}{}", names.second_norm), width));
    let inner = if names.is_gated { 2 * hidden } else { hidden };
    slabs.extend(stacked(prefix, &[names.inner], (inner, width), DEVIATION));
    slabs.extend(stacked(prefix, &[names.outer], (width, hidden), residual));
    slabs.extend(scale(1));
    slabs
}

/// Gain and bias of a norm.
pub(crate) fn norm_slabs(name: &str, width: usize) -> Vec<Slab> {
    let part = |rest: &str| vec![Part::new(format!("{name}.{rest}"), &[width])];
    vec![
        Slab::new(part("weight"), Start::Ones),
        Slab::new(part("bias"), Start::Zeros),
    ]
}

/// Weight and bias of layers that read the same, one above the other.
pub(crate) fn stacked(
    prefix: &str,
    names: &[&str],
    (outputs, inputs): (usize, usize),
    deviation: f64,
) -> [Slab; 2] {
    let parts = |rest: &str, shape: &[usize]| -> Vec<Part> {
        let part = |name: &&str| Part::new(format!("{prefix}{name}.{rest}"), shape);
        names.iter().map(part).collect()
    };
    [
        Slab::new(
            parts("weight", &[outputs, inputs]),
            Start::Normal(deviation),
        ),
        Slab::new(parts("bias", &[outputs]), Start::Zeros),
    ]
}

/// A block in one pass.
#[derive(Clone, Debug)]
pub(crate) struct TransformerBlock {
    first_norm: Norm,
    qkv: Linear,
    output: Scaled,
    second_norm: Norm,
    inner: Linear,
    outer: Scaled,
    /// Between the layers of the MLP; none where that is gated.
    activation: Option<Activation>,
}

impl TransformerBlock {
    /// Takes the next leaves. Layer scales are multiplied into the layers before them.
    pub(crate) fn new(leaves: &mut Leaves, config: &VisionConfig, scaled: bool) -> Self {
        let eps = config.norm_eps as f32;
        let first_norm = leaves.norm(eps);
        let qkv = leaves.linear();
        let output = Scaled::new(leaves, scaled);
        let second_norm = leaves.norm(eps);
        let inner = leaves.linear();
        let outer = Scaled::new(leaves, scaled);
        Self {
            first_norm,
            qkv,
            output,
            second_norm,
            inner,
            outer,
            activation: (!config.gated).then_some(config.activation),
        }
    }

    /// Sequences of `length` rows that attend by `mask`.
    pub(crate) fn forward<T: Tape>(
        &self,
        x: Matrix<T>,
        config: &VisionConfig,
        mask: Mask,
        length: usize,
    ) -> Matrix<T> {
        let how = Attention {
            heads: config.heads(),
            mask,
            rope: None,
            length,
        };
        let normed = layer_norm(x.branch(), &self.first_norm);
        let mixed = attention(normed, &self.qkv, &how);
        let (output, mixed) = self.output.fold(mixed);
        let x = linear(mixed, &output, Some(x));
        let normed = layer_norm(x.branch(), &self.second_norm);
        let (outer, normed) = self.outer.fold(normed);
        match self.activation {
            Some(activation) => mlp(normed, &self.inner, &outer, activation, Some(x)),
            None => gated_mlp(normed, &self.inner, &outer, Some(x)),
        }
    }
}

/// A layer, and the scale of its outputs if there is one.
#[derive(Clone, Debug)]
struct Scaled {
    layer: Linear,
    /// [1, outputs]
    scale: Option<Matrix>,
}

impl Scaled {
    fn new(leaves: &mut Leaves, scaled: bool) -> Self {
        Self {
            layer: leaves.linear(),
            scale: scaled.then(|| leaves.next()),
        }
    }

    /// Both as one layer, whose gradient is recorded on the tape of `x`.
    fn fold<T: Tape>(&self, x: Matrix<T>) -> (Linear, Matrix<T>) {
        match &self.scale {
            Some(scale) => scaled(&self.layer, scale, x),
            None => (self.layer.clone(), x),
        }
    }
}
