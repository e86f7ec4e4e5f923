//! Which parameters an encoder has, under the names of `transformers`.

use super::block::{BlockNames, block_slabs, norm_slabs};
use super::{Family, VisionConfig};
use crate::model::{DEVIATION, Part, Slab, Start};

pub(super) const CLIP: BlockNames = BlockNames {
    first_norm: "layer_norm1",
    qkv: ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
    output: "self_attn.out_proj",
    second_norm: "layer_norm2",
    inner: "mlp.fc1",
    outer: "mlp.fc2",
    is_gated: false,
    scales: None,
};

pub(super) const VIT: BlockNames = BlockNames {
    first_norm: "layernorm_before",
    qkv: [
        "attention.attention.query",
        "attention.attention.key",
        "attention.attention.value",
    ],
    output: "attention.output.dense",
    second_norm: "layernorm_after",
    inner: "intermediate.dense",
    outer: "output.dense",
    is_gated: false,
    scales: None,
};

const DINOV2: BlockNames = BlockNames {
    first_norm: "norm1",
    second_norm: "norm2",
    inner: "mlp.fc1",
    outer: "mlp.fc2",
    scales: Some(["layer_scale1.lambda1", "layer_scale2.lambda1"]),
    ..VIT
};

/// DINOv2-giant's, whose MLP is gated: gates above values in the layer that reads.
const DINOV2_GATED: BlockNames = BlockNames {
    inner: "mlp.weights_in",
    outer: "mlp.weights_out",
    is_gated: true,
    ..DINOV2
};

impl Family {
    /// Prefixes under which its tensors stand in larger models.
    pub(super) fn prefixes(self) -> &'static [&'static str] {
        match self {
            Self::Clip => &["vision_model."],
            Self::Dinov2 => &["dinov2."],
            Self::Mae | Self::Vit => &["vit."],
        }
    }

    /// Beginnings of the names of tensors that bear on no patch's vector, and are not read.
    pub(super) fn unread(self) -> &'static [&'static str] {
        match self {
            Self::Clip => &[
                "embeddings.position_ids",
                "vision_model.embeddings.position_ids",
                "text_model.",
                "text_projection.",
                "visual_projection.",
                "logit_scale",
            ],
            Self::Dinov2 => &["classifier."],
            Self::Mae => &["decoder."],
            Self::Vit => &["pooler.", "vit.pooler.", "classifier."],
        }
    }

    /// Whether blocks have layer scales.
    pub(super) fn is_scaled(self) -> bool {
        self == Self::Dinov2
    }
}

/// Every slab of an encoder, in the order in which its network takes them.
pub(super) fn layout(config: &VisionConfig) -> Vec<Slab> {
    match config.family {
        Family::Clip => clip(config),
        Family::Dinov2 if config.gated => vit(config, &DINOV2_GATED),
        Family::Dinov2 => vit(config, &DINOV2),
        Family::Mae | Family::Vit => vit(config, &VIT),
    }
}

/// Of each slab of the layout whether it is used on the way to the vectors after `blocks` blocks, and
/// after the last norm where they are `normed`.
pub(super) fn used(config: &VisionConfig, blocks: usize, normed: bool) -> Vec<bool> {
    let of = |layers: usize| {
        let config = VisionConfig {
            layers,
            ..config.clone()
        };
        layout(&config).len()
    };
    // Gain and bias of the last norm stand at the end, the mask token is second.
    let (norm, each) = (2, of(1) - of(0));
    let first = of(0) - norm;
    let (until, all) = (first + blocks * each, first + config.layers * each);
    let is_mask = |index: usize| config.family == Family::Dinov2 && index == 1;
    let is_used = |index: usize| {
        let is_norm = index >= all;
        !is_mask(index) && (index < until || is_norm && normed)
    };
    (0..all + norm).map(is_used).collect()
}

pub(super) fn normal(name: &str, shape: &[usize]) -> Slab {
    Slab::in_rows(
        vec![Part::new(name, shape)],
        shape.last().copied().unwrap_or(1),
        Start::Normal(DEVIATION),
    )
}

/// The patches' projection [width, 3, patch, patch] as a matrix [width, 3·patch²].
fn projection(config: &VisionConfig, name: &str) -> Slab {
    let (channels, patch) = (VisionConfig::CHANNELS, config.patch);
    Slab::in_rows(
        vec![Part::new(name, &[config.width, channels, patch, patch])],
        channels * patch * patch,
        Start::Normal(DEVIATION),
    )
}

fn blocks(config: &VisionConfig, names: &BlockNames, prefix: &str) -> Vec<Slab> {
    let sizes = (config.layers, config.width, config.hidden);
    let block = |layer| block_slabs(names, &format!("{prefix}.{layer}."), sizes);
    (0..config.layers).flat_map(block).collect()
}

fn clip(config: &VisionConfig) -> Vec<Slab> {
    let tokens = config.patches() + 1;
    let mut slabs = vec![
        normal("embeddings.class_embedding", &[config.width]),
        projection(config, "embeddings.patch_embedding.weight"),
        normal(
            "embeddings.position_embedding.weight",
            &[tokens, config.width],
        ),
    ];
    // The name is misspelt where it comes from.
    slabs.extend(norm_slabs("pre_layrnorm", config.width));
    slabs.extend(blocks(config, &CLIP, "encoder.layers"));
    slabs.extend(norm_slabs("post_layernorm", config.width));
    slabs
}

fn vit(config: &VisionConfig, names: &BlockNames) -> Vec<Slab> {
    let (width, tokens) = (config.width, config.patches() + 1);
    let mut slabs = vec![normal("embeddings.cls_token", &[1, 1, width])];
    if config.family == Family::Dinov2 {
        slabs.push(normal("embeddings.mask_token", &[1, width]));
    }
    slabs.push(projection(
        config,
        "embeddings.patch_embeddings.projection.weight",
    ));
    let bias = Part::new("embeddings.patch_embeddings.projection.bias", &[width]);
    slabs.push(Slab::new(vec![bias], Start::Zeros));
    let start = match config.family {
        Family::Mae => Start::Waves(config.grid()),
        _ => Start::Normal(DEVIATION),
    };
    let positions = Part::new("embeddings.position_embeddings", &[1, tokens, width]);
    slabs.push(Slab::in_rows(vec![positions], width, start));
    slabs.extend(blocks(config, names, "encoder.layer"));
    slabs.extend(norm_slabs("layernorm", width));
    slabs
}

/// Fixed positions [1 + side², width] of a class token (zeros) and of a square of patches
/// (He et al. 2022): the first half of a row tells the column, the second the line, each as sines
/// then cosines of angles place ÷ 10000^(4i/width).
pub(crate) fn waves(side: usize, width: usize) -> Vec<f32> {
    let quarter = width / 4;
    let mut all = vec![0.0; width];
    for patch in 0..side * side {
        for place in [patch % side, patch / side] {
            let angle = |i: usize| {
                let frequency = 1e4_f64.powf(-(i as f64) / quarter as f64);
                place as f64 * frequency
            };
            all.extend((0..quarter).map(|i| angle(i).sin() as f32));
            all.extend((0..quarter).map(|i| angle(i).cos() as f32));
        }
    }
    all
}
