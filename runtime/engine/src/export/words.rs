//! The small files beside the weights, as `transformers` reads them.

use serde_json::{Value, json};

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
    written(&json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": end,
        "eos_token": end,
        "pad_token": end,
        "clean_up_tokenization_spaces": false,
        "model_max_length": context,
    }))
}

fn written(value: &Value) -> String {
    format!("{value:#}\n")
}
