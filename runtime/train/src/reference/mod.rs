//! Every operation, and the decoder, in plain f64 loops: what the fused ones are tested against.

mod attention;
mod layers;
mod vision;

pub(crate) use attention::{Attention, attention};
pub(crate) use layers::{
    activation, add, cross_entropy, embedding, gated_mlp, layer_norm, linear, linear_bias, mlp,
    normal, rms_norm, swiglu,
};
pub(crate) use vision::{patch_embedding, scatter_rows};

use crate::ModelConfig;
use crate::kernels::pattern::{Heads, Mask};

/// A small model with grouped heads and no round number in it.
pub(crate) fn tiny() -> ModelConfig {
    ModelConfig {
        layers: 2,
        width: 12,
        heads: 2,
        kv_heads: 1,
        hidden: 10,
        context: 7,
        vocabulary: 13,
        rope_base: 100.0,
        norm_eps: 1e-5,
        tied: false,
    }
}

/// Mean cross-entropy of a whole model; `slabs` in the layout's order.
pub(crate) fn model(
    c: &ModelConfig,
    slabs: &[Vec<f64>],
    inputs: &[u32],
    targets: &[u32],
    length: usize,
) -> f64 {
    let how = Attention {
        heads: Heads {
            queries: c.heads,
            keys: c.kv_heads,
            width: c.head_width(),
        },
        mask: Mask::Causal,
        rope_base: Some(c.rope_base),
        length,
    };
    let mut x = embedding(&slabs[0], inputs, c.width);
    for block in slabs[1..=6 * c.layers].chunks(6) {
        let [attention_norm, qkv, output, mlp_norm, gate_up, down] = block else {
            unreachable!()
        };
        let normed = rms_norm(&x, attention_norm, c.norm_eps);
        let mixed = attention(&how, &linear(&normed, qkv, c.width));
        x = add(&x, &linear(&mixed, output, c.width));
        let normed = rms_norm(&x, mlp_norm, c.norm_eps);
        x = add(&x, &swiglu(&normed, gate_up, down, c.width));
    }
    let head = if c.tied {
        &slabs[0]
    } else {
        &slabs[6 * c.layers + 2]
    };
    cross_entropy(
        &rms_norm(&x, &slabs[6 * c.layers + 1], c.norm_eps),
        head,
        targets,
        c.width,
    )
}
