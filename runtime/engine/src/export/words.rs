//! The small files beside the weights, as `transformers` reads them.

use serde_json::{Value, json};
use vpc_data::image::{Filter, Preprocess, Shape};

/// `generation_config.json`: generation ends at the token that ends documents.
pub(super) fn generation(end: u32) -> String {
    written(&json!({
        "bos_token_id": end,
        "eos_token_id": end,
        "pad_token_id": end,
    }))
}

/// `tokenizer_config.json`: everything else is in `tokenizer.json`.
pub(super) fn tokenizer(end: &str, context: usize) -> String {
    written(&tokenizer_json(end, context))
}

/// The same, with the token that stands for a picture.
pub(super) fn tokenizer_with_image(end: &str, context: usize, image: &str) -> String {
    let mut json = tokenizer_json(end, context);
    json["extra_special_tokens"] = json!({ "image_token": image });
    json["processor_class"] = LLAVA.into();
    written(&json)
}

/// `processor_config.json`: text and pictures together.
///
/// Encoders of CLIP's family have one vector besides those of patches, the class token's, which is left
/// out again (`default`).
pub(super) fn processor(image: &str, patch: usize) -> String {
    written(&json!({
        "image_token": image,
        "num_additional_image_tokens": 1,
        "patch_size": patch,
        "processor_class": LLAVA,
        "vision_feature_select_strategy": "default",
    }))
}

/// `preprocessor_config.json`: how pictures are resized, cut and normalised.
pub(super) fn preprocessor(how: &Preprocess) -> String {
    let (class, size, is_cut) = match how.shape {
        Shape::Middle { shorter } => {
            let size = json!({ "shortest_edge": shorter });
            ("CLIPImageProcessor", size, true)
        }
        Shape::Squeezed => {
            let size = json!({ "height": how.side, "width": how.side });
            ("ViTImageProcessor", size, false)
        }
    };
    // As Pillow numbers its filters.
    let resample = match how.filter {
        Filter::Bilinear => 2,
        Filter::Bicubic => 3,
    };
    written(&json!({
        "crop_size": { "height": how.side, "width": how.side },
        "do_center_crop": is_cut,
        "do_convert_rgb": true,
        "do_normalize": true,
        "do_rescale": true,
        "do_resize": true,
        "image_mean": how.mean.map(short),
        "image_processor_type": class,
        "image_std": how.deviation.map(short),
        "processor_class": LLAVA,
        "resample": resample,
        "rescale_factor": 1.0 / 255.0,
        "size": size,
    }))
}

const LLAVA: &str = "LlavaProcessor";

/// A number with no more digits than it needs.
fn short(number: f32) -> f64 {
    number.to_string().parse().unwrap_or(f64::from(number))
}

fn tokenizer_json(end: &str, context: usize) -> Value {
    json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": end,
        "eos_token": end,
        "pad_token": end,
        "clean_up_tokenization_spaces": false,
        "model_max_length": context,
    })
}

fn written(value: &Value) -> String {
    format!("{value:#}\n")
}
