//! `config.json` of vision transformers, read strictly, and written.

use serde_json::{Value, json};

use super::{Family, VisionConfig};
use crate::huggingface::{FieldError, Fields, NEUTRAL};
use crate::ops::Activation;

/// Fields that bear on training, on other tasks, or on other parts of larger models.
const OTHERS: [&str; 21] = [
    "architectures",
    "attention_probs_dropout_prob",
    "decoder_hidden_size",
    "decoder_intermediate_size",
    "decoder_num_attention_heads",
    "decoder_num_hidden_layers",
    "drop_path_rate",
    "dropout",
    "encoder_stride",
    "hidden_dropout_prob",
    "initializer_factor",
    "layerscale_value",
    "mask_ratio",
    "norm_pix_loss",
    "out_features",
    "out_indices",
    "pooler_act",
    "pooler_output_size",
    "projection_dim",
    "reshape_hidden_states",
    "stage_names",
];

/// Fields that older versions of `transformers` write for every model, and that say nothing of an
/// encoder: how text would be generated.
const GENERATION: [&str; 27] = [
    "add_cross_attention",
    "bad_words_ids",
    "begin_suppress_tokens",
    "cross_attention_hidden_size",
    "diversity_penalty",
    "early_stopping",
    "encoder_no_repeat_ngram_size",
    "exponential_decay_length_penalty",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "is_decoder",
    "is_encoder_decoder",
    "length_penalty",
    "no_repeat_ngram_size",
    "num_beam_groups",
    "num_beams",
    "num_return_sequences",
    "output_scores",
    "pruned_heads",
    "remove_invalid_values",
    "return_dict_in_generate",
    "suppress_tokens",
    "tf_legacy_loss",
    "tie_encoder_decoder",
    "tie_word_embeddings",
    "typical_p",
    "use_bfloat16",
];

/// Reads the shape of an encoder from a `config.json`; of a whole CLIP model, its vision part.
///
/// What is left out has the value that `transformers` gives it. A field that is not known, or asks for
/// what is not built here, is an error that names it and its value.
pub(super) fn read_vision_config(json: &[u8]) -> Result<VisionConfig, FieldError> {
    let mut fields = Fields::parse(json)?;
    fields.require("model_type")?;
    let kind = fields.take("model_type").unwrap_or_default();
    let family = match kind.as_str() {
        Some("clip_vision_model") => Family::Clip,
        Some("dinov2") => Family::Dinov2,
        Some("vit_mae") => Family::Mae,
        Some("vit") => Family::Vit,
        Some("clip") => {
            fields.require("vision_config")?;
            if let Some(inner) = fields.inner("vision_config")? {
                fields = inner;
            }
            fields.only("model_type", r#""clip_vision_model""#)?;
            Family::Clip
        }
        _ => {
            let wanted = "`clip_vision_model`, `clip`, `dinov2`, `vit_mae` or `vit`";
            return Err(fields.refuse("model_type", &kind, wanted));
        }
    };
    let config = shape(&mut fields, family)?;
    fields.ignore(&NEUTRAL);
    fields.ignore(&OTHERS);
    fields.ignore(&GENERATION);
    fields.nothing_else()?;
    config.check()?;
    Ok(config)
}

fn shape(fields: &mut Fields, family: Family) -> Result<VisionConfig, FieldError> {
    for (name, only) in [
        ("num_channels", "3"),
        ("qkv_bias", "true"),
        ("use_mask_token", "true"),
        ("apply_layernorm", "true"),
    ] {
        fields.only(name, only)?;
    }
    let gated = fields.truth_or("use_swiglu_ffn", false)?;
    let (patch, eps) = match family {
        Family::Clip => (32, 1e-5),
        Family::Dinov2 => (14, 1e-6),
        Family::Mae | Family::Vit => (16, 1e-12),
    };
    let width = fields.size_or("hidden_size", 768)?;
    let hidden = match family {
        Family::Dinov2 => {
            let ratio = fields.number("mlp_ratio")?.unwrap_or(4.0);
            let hidden = (width as f64 * ratio) as usize;
            if gated { gated_length(hidden) } else { hidden }
        }
        _ => fields.size_or("intermediate_size", 3072)?,
    };
    let other = match family {
        Family::Clip => Activation::QuickGelu,
        _ => Activation::Gelu,
    };
    Ok(VisionConfig {
        family,
        layers: fields.size_or("num_hidden_layers", 12)?,
        width,
        heads: fields.size_or("num_attention_heads", 12)?,
        hidden,
        gated,
        patch: fields.size_or("patch_size", patch)?,
        image: fields.size_or("image_size", 224)?,
        activation: activation(fields, "hidden_act", other)?,
        norm_eps: fields.number("layer_norm_eps")?.unwrap_or(eps),
    })
}

/// How many values a gated MLP has where a plain one would have `hidden`: two thirds as many, so that it is
/// as large, rounded up to a multiple of 8 (`Dinov2SwiGLUFFN` of `transformers`).
fn gated_length(hidden: usize) -> usize {
    (hidden.saturating_mul(2) / 3).next_multiple_of(8)
}

/// An activation by the name that `transformers` gives it.
pub(crate) fn activation(
    fields: &mut Fields,
    name: &str,
    other: Activation,
) -> Result<Activation, FieldError> {
    let Some(value) = fields.take(name) else {
        return Ok(other);
    };
    match value.as_str() {
        Some("gelu") => Ok(Activation::Gelu),
        Some("quick_gelu") => Ok(Activation::QuickGelu),
        Some("relu") => Ok(Activation::Relu),
        Some("silu" | "swish") => Ok(Activation::Silu),
        Some("gelu_pytorch_tanh") => Ok(Activation::GeluTanh),
        _ => Err(fields.refuse(
            name,
            &value,
            "`gelu`, `gelu_pytorch_tanh`, `quick_gelu`, `relu` or `silu`",
        )),
    }
}

/// The name that `transformers` gives an activation.
pub(crate) fn activation_name(activation: Activation) -> &'static str {
    match activation {
        Activation::Gelu => "gelu",
        Activation::QuickGelu => "quick_gelu",
        Activation::Relu => "relu",
        Activation::Silu => "silu",
        Activation::GeluTanh => "gelu_pytorch_tanh",
    }
}

/// `config.json` of an encoder of this shape.
pub(crate) fn vision_json(config: &VisionConfig) -> Value {
    let mut json = json!({
        "hidden_act": activation_name(config.activation),
        "hidden_size": config.width,
        "image_size": config.image,
        "layer_norm_eps": config.norm_eps,
        "num_attention_heads": config.heads,
        "num_channels": VisionConfig::CHANNELS,
        "num_hidden_layers": config.layers,
        "patch_size": config.patch,
        "torch_dtype": "float32",
    });
    let (class, kind) = match config.family {
        Family::Clip => ("CLIPVisionModel", "clip_vision_model"),
        Family::Dinov2 => ("Dinov2Model", "dinov2"),
        Family::Mae => ("ViTMAEModel", "vit_mae"),
        Family::Vit => ("ViTModel", "vit"),
    };
    json["architectures"] = json!([class]);
    json["model_type"] = kind.into();
    match config.family {
        Family::Dinov2 => {
            json["mlp_ratio"] = ratio(config);
            json["use_swiglu_ffn"] = config.gated.into();
        }
        _ => json["intermediate_size"] = config.hidden.into(),
    }
    if config.family != Family::Clip {
        json["qkv_bias"] = true.into();
    }
    json
}

/// How many times as long as the width a plain MLP would be: a whole number where one gives the length, as newer
/// versions of `transformers` want it.
fn ratio(config: &VisionConfig) -> Value {
    let (width, hidden) = (config.width, config.hidden);
    if !config.gated {
        return match hidden % width {
            0 => (hidden / width).into(),
            _ => (hidden as f64 / width as f64).into(),
        };
    }
    // The largest whole number of which two thirds are no longer than that, before they are rounded up.
    let whole = (3 * hidden + 2) / (2 * width);
    if gated_length(whole * width) == hidden {
        return whole.into();
    }
    // A multiple of 8 is two thirds of a whole number.
    ((hidden / 2 * 3) as f64 / width as f64).into()
}
