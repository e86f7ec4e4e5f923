//! What of a `config.json` is read, and what is refused.

use serde_json::json;

use super::*;
use crate::Model;
use crate::reference::tiny;

/// The refusal of a config with one field changed; null takes it out.
fn refused(field: &str, value: Value) -> String {
    let mut json: Value = serde_json::from_str(&Model::config_json(&tiny())).expect("JSON");
    json[field] = value;
    match read_config(json.to_string().as_bytes()) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_written_is_read() {
    for (tied, rope_base, norm_eps) in [(false, 10_000.0, 1e-5), (true, 500_000.0, 1e-6)] {
        let config = ModelConfig {
            rope_base,
            norm_eps,
            tied,
            ..tiny()
        };
        let read = read_config(Model::config_json(&config).as_bytes());
        assert_eq!(read, Ok(config));
    }
}

#[test]
fn what_is_left_out_is_as_transformers_has_it() {
    let json = json!({
        "model_type": "llama", "hidden_size": 8, "intermediate_size": 12, "vocab_size": 9,
        "num_hidden_layers": 1, "num_attention_heads": 2, "transformers_version": "4.28.0",
    });
    let config = read_config(json.to_string().as_bytes()).expect("a sound file");
    assert_eq!(
        (config.kv_heads, config.context, config.tied),
        (2, 2048, false)
    );
    assert!((config.rope_base, config.norm_eps) == (10_000.0, 1e-6));
}

#[test]
fn what_is_not_built_is_refused_by_name_and_value() {
    for (field, value, told) in [
        (
            "model_type",
            json!("mistral"),
            r#"`model_type` is "mistral"; it must be "llama""#,
        ),
        ("model_type", Value::Null, "`model_type` is missing"),
        ("hidden_size", Value::Null, "`hidden_size` is missing"),
        (
            "hidden_size",
            json!(-4),
            "`hidden_size` is -4; it must be a whole number",
        ),
        (
            "hidden_act",
            json!("gelu"),
            r#"`hidden_act` is "gelu"; it must be "silu""#,
        ),
        (
            "attention_bias",
            json!(true),
            "`attention_bias` is true; it must be false",
        ),
        (
            "mlp_bias",
            json!(true),
            "`mlp_bias` is true; it must be false",
        ),
        ("head_dim", json!(8), "`head_dim` is 8; it must be 6"),
        (
            "pretraining_tp",
            json!(2),
            "`pretraining_tp` is 2; it must be 1",
        ),
        (
            "rope_theta",
            json!(5),
            "`rope_parameters.rope_theta` is 100.0; it must be the same",
        ),
        (
            "rope_scaling",
            json!({"type": "linear", "factor": 2.0}),
            r#"`rope_scaling.type` is "linear""#,
        ),
        (
            "rope_scaling",
            json!({"rope_type": "llama3"}),
            r#"`rope_scaling.rope_type` is "llama3""#,
        ),
        (
            "rope_parameters",
            json!({"factor": 2.0}),
            "`rope_parameters.factor` is 2.0",
        ),
        (
            "sliding_window",
            json!(4096),
            "`sliding_window` is 4096; what it does",
        ),
        (
            "quantization_config",
            json!({"bits": 4}),
            "`quantization_config` is {\"bits\":4}",
        ),
        (
            "auto_map",
            json!({"AutoModel": "evil.Model"}),
            "`auto_map` is",
        ),
        (
            "max_position_embeddings",
            json!(1 << 30),
            "`max_position_embeddings` is 1073741824",
        ),
        ("num_hidden_layers", json!(0), "`layers` is 0"),
    ] {
        let refusal = refused(field, value);
        assert!(refusal.starts_with(told), "{field}: {refusal:?}");
    }
    assert_eq!(refused("sliding_window", Value::Null), "");
    assert_eq!(refused("attention_dropout", json!(0.1)), "");
}

#[test]
fn texts_that_are_no_config_are_refused() {
    for (text, told) in [
        ("", "it is no JSON object"),
        ("[]", "it is no JSON object"),
        ("{\"a\":1,\"a\":2}", "`a` is there twice"),
        ("{} {}", "it is no JSON object"),
    ] {
        let refusal = read_config(text.as_bytes())
            .expect_err("no config")
            .to_string();
        assert!(refusal.starts_with(told), "{refusal}");
    }
    let deep = format!("{{\"a\":{}", "[".repeat(100_000));
    assert!(read_config(deep.as_bytes()).is_err());
    assert!(read_config(b"\xff\xfe").is_err());
}
