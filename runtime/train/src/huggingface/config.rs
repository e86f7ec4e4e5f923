//! `config.json` of a `LlamaForCausalLM`, read strictly.

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use super::error::FieldError;
use crate::ModelConfig;
use crate::checkpoint::repeated;

/// Fields that bear on training or on generation, or say what made the file: not on the model.
pub(crate) const NEUTRAL: [&str; 36] = [
    "_attn_implementation",
    "_attn_implementation_autoset",
    "_name_or_path",
    "attention_dropout",
    "bos_token_id",
    "chunk_size_feed_forward",
    "decoder_start_token_id",
    "do_sample",
    "dtype",
    "eos_token_id",
    "finetuning_task",
    "gradient_checkpointing",
    "id2label",
    "initializer_range",
    "label2id",
    "max_length",
    "max_new_tokens",
    "min_length",
    "output_attentions",
    "output_hidden_states",
    "pad_token_id",
    "prefix",
    "problem_type",
    "repetition_penalty",
    "return_dict",
    "sep_token_id",
    "task_specific_params",
    "temperature",
    "tokenizer_class",
    "top_k",
    "top_p",
    "torch_dtype",
    "torchscript",
    "transformers_version",
    "unk_token_id",
    "use_cache",
];

/// Fields that must have one value, where they are there.
const FIXED: [(&str, &str); 12] = [
    ("add_cross_attention", "false"),
    ("architectures", r#"["LlamaForCausalLM"]"#),
    ("attention_bias", "false"),
    ("hidden_act", r#""silu""#),
    ("is_decoder", "false"),
    ("is_encoder_decoder", "false"),
    ("mlp_bias", "false"),
    ("model_type", r#""llama""#),
    ("partial_rotary_factor", "1.0"),
    ("pretraining_tp", "1"),
    ("tie_encoder_decoder", "false"),
    ("use_bfloat16", "false"),
];

/// Most positions: the angles of all are computed beforehand.
const POSITIONS: u64 = 1 << 20;

/// Reads the shape of a model from a `config.json`.
///
/// What is left out has the value that `transformers` gives it for Llama. A field that is not known,
/// or asks for what is not built here, is an error that names it and its value; null says nothing.
pub fn read_config(json: &[u8]) -> Result<ModelConfig, FieldError> {
    let mut fields = Fields::parse(json)?;
    fields.require("model_type")?;
    for (name, only) in FIXED {
        fields.only(name, only)?;
    }
    let rope_base = rope_base(&mut fields)?;
    let heads = fields.size("num_attention_heads")?;
    let config = ModelConfig {
        layers: fields.size("num_hidden_layers")?,
        width: fields.size("hidden_size")?,
        heads,
        kv_heads: fields.size_or("num_key_value_heads", heads)?,
        hidden: fields.size("intermediate_size")?,
        context: fields.size_or("max_position_embeddings", 2048)?,
        vocabulary: fields.size("vocab_size")?,
        rope_base,
        norm_eps: fields.number("rms_norm_eps")?.unwrap_or(1e-6),
        tied: fields.truth_or("tie_word_embeddings", false)?,
    };
    let head = fields.take("head_dim");
    config.check()?;
    if let Some(head) = head.filter(|head| head.as_u64() != Some(config.head_width() as u64)) {
        let wanted = format!(
            "{} (`hidden_size` ÷ `num_attention_heads`); heads of another length are not built here",
            config.head_width()
        );
        return Err(fields.refuse("head_dim", &head, &wanted));
    }
    if config.context as u64 > POSITIONS {
        let wanted = format!("at most {POSITIONS}");
        let found = config.context.into();
        return Err(fields.refuse("max_position_embeddings", &found, &wanted));
    }
    fields.ignore(&NEUTRAL);
    fields.nothing_else()?;
    Ok(config)
}

/// The base of the rotary frequencies, from any of the places where it has stood over the years.
fn rope_base(fields: &mut Fields) -> Result<f64, FieldError> {
    let mut found = fields.number("rope_theta")?;
    for name in ["rope_parameters", "rope_scaling"] {
        let Some(mut inner) = fields.inner(name)? else {
            continue;
        };
        for kind in ["rope_type", "type"] {
            inner.only(kind, r#""default""#)?;
        }
        inner.only("partial_rotary_factor", "1.0")?;
        if let Some(base) = inner.number("rope_theta")? {
            if found.is_some_and(|found| found.to_bits() != base.to_bits()) {
                let wanted = "the same as `rope_theta`";
                return Err(inner.refuse("rope_theta", &base.into(), wanted));
            }
            found = Some(base);
        }
        inner.nothing_else()?;
    }
    Ok(found.unwrap_or(10_000.0))
}

/// Fields that were not looked at yet.
pub(crate) struct Fields {
    /// The field they are of.
    before: &'static str,
    map: Map<String, Value>,
}

impl Fields {
    /// The fields of an object; null says nothing.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, FieldError> {
        let text =
            std::str::from_utf8(json).map_err(|error| FieldError::Json(error.to_string()))?;
        let malformed = |error: serde_json::Error| FieldError::Json(error.to_string());
        if let Some(name) = repeated(text).map_err(malformed)? {
            return Err(FieldError::Twice(name));
        }
        let mut map: Map<String, Value> = serde_json::from_str(text).map_err(malformed)?;
        map.retain(|_, value| !value.is_null());
        Ok(Self { before: "", map })
    }

    /// The fields of the object that is field `name`, if it is there.
    pub(crate) fn inner(&mut self, name: &'static str) -> Result<Option<Self>, FieldError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(mut map)) => {
                map.retain(|_, value| !value.is_null());
                Ok(Some(Self { before: name, map }))
            }
            Some(value) => Err(self.refuse(name, &value, "an object or null")),
        }
    }

    /// Forgets fields that do not bear on the model.
    pub(crate) fn ignore(&mut self, names: &[&str]) {
        self.map.retain(|name, _| !names.contains(&name.as_str()));
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name)
    }

    fn named(&self, name: &str) -> String {
        match self.before {
            "" => name.to_owned(),
            before => format!("{before}.{name}"),
        }
    }

    pub(crate) fn refuse(&self, name: &str, value: &Value, wanted: &str) -> FieldError {
        FieldError::Value {
            name: self.named(name),
            value: shortened(value),
            wanted: wanted.to_owned(),
        }
    }

    pub(crate) fn require(&self, name: &'static str) -> Result<(), FieldError> {
        if self.map.contains_key(name) {
            Ok(())
        } else {
            Err(FieldError::Missing(name))
        }
    }

    /// A field that may have one value only, given as JSON.
    pub(crate) fn only(&mut self, name: &str, only: &str) -> Result<(), FieldError> {
        let Some(value) = self.take(name) else {
            return Ok(());
        };
        let wanted: Value = serde_json::from_str(only).unwrap_or_default();
        let is_number = value.is_number() && value.as_f64() == wanted.as_f64();
        if value == wanted || is_number {
            return Ok(());
        }
        Err(self.refuse(name, &value, only))
    }

    pub(crate) fn size(&mut self, name: &'static str) -> Result<usize, FieldError> {
        self.require(name)?;
        self.size_or(name, 0)
    }

    pub(crate) fn size_or(&mut self, name: &str, other: usize) -> Result<usize, FieldError> {
        let Some(value) = self.take(name) else {
            return Ok(other);
        };
        let size = value.as_u64().and_then(|size| usize::try_from(size).ok());
        size.ok_or_else(|| self.refuse(name, &value, "a whole number"))
    }

    pub(crate) fn number(&mut self, name: &str) -> Result<Option<f64>, FieldError> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        match value.as_f64() {
            None => Err(self.refuse(name, &value, "a number")),
            number => Ok(number),
        }
    }

    pub(crate) fn truth_or(&mut self, name: &str, other: bool) -> Result<bool, FieldError> {
        let Some(value) = self.take(name) else {
            return Ok(other);
        };
        value
            .as_bool()
            .ok_or_else(|| self.refuse(name, &value, "true or false"))
    }

    pub(crate) fn nothing_else(&self) -> Result<(), FieldError> {
        match self.map.iter().next() {
            None => Ok(()),
            Some((name, value)) => Err(FieldError::Unknown {
                name: self.named(name),
                value: shortened(value),
            }),
        }
    }
}

/// A value as JSON, cut where it is long.
fn shortened(value: &Value) -> String {
    const MOST: usize = 80;
    let text = value.to_string();
    match text.char_indices().nth(MOST) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
