//! The `config.json` that lets `transformers` load a checkpoint.

use serde_json::json;

use crate::{Model, ModelConfig};

impl Model {
    /// `config.json` of a Hugging Face `LlamaForCausalLM` of this shape.
    pub fn config_json(config: &ModelConfig) -> String {
        let value = json!({
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "attention_bias": false,
            "attention_dropout": 0.0,
            "bos_token_id": null,
            "eos_token_id": null,
            "head_dim": config.head_width(),
            "hidden_act": "silu",
            "hidden_size": config.width,
            "initializer_range": crate::model::DEVIATION,
            "intermediate_size": config.hidden,
            "max_position_embeddings": config.context,
            "mlp_bias": false,
            "num_attention_heads": config.heads,
            "num_hidden_layers": config.layers,
            "num_key_value_heads": config.kv_heads,
            "rms_norm_eps": config.norm_eps,
            "rope_parameters": { "rope_type": "default", "rope_theta": config.rope_base },
            "rope_scaling": null,
            "rope_theta": config.rope_base,
            "tie_word_embeddings": config.tied,
            "torch_dtype": "float32",
            "use_cache": true,
            "vocab_size": config.vocabulary,
        });
        format!("{value:#}\n")
    }
}
