//! Writing what `transformers` loads: `config.json`, weights in one file or in shards.

use std::io::Write;

use safetensors::tensor::View;
use serde_json::{Map, Value, json};

use super::{INDEX, WEIGHTS};
use crate::checkpoint::{Entry, Numbers, encode_parts};
use crate::{CheckpointError, Model, ModelConfig};

impl Model {
    /// `config.json` of a Hugging Face `LlamaForCausalLM` of this shape.
    pub fn config_json(config: &ModelConfig) -> String {
        format!("{:#}\n", llama(config))
    }

    /// The same, with the token that begins and ends documents.
    pub fn config_json_with_end(config: &ModelConfig, end: u32) -> String {
        let mut value = llama(config);
        value["bos_token_id"] = end.into();
        value["eos_token_id"] = end.into();
        value["dtype"] = "float32".into();
        format!("{value:#}\n")
    }

    /// The files of the weights: one, or shards of at most `most` bytes of numbers each and their
    /// index. A tensor is never cut, so that a larger one is a shard of its own.
    pub fn weight_files(&self, most: u64) -> Vec<WeightFile<'_>> {
        let slabs = self.slabs_in_place();
        let entries = slabs.iter().zip(self.values()).map(|(slab, values)| Entry {
            prefix: "",
            slab,
            values,
        });
        let mut shards: Vec<Vec<(String, Numbers)>> = Vec::new();
        let mut room = 0;
        for (name, numbers) in entries.flat_map(Entry::parts) {
            let bytes = numbers.data_len() as u64;
            match shards.last_mut() {
                Some(shard) if bytes <= room => shard.push((name, numbers)),
                _ => {
                    shards.push(vec![(name, numbers)]);
                    room = most;
                }
            }
            room = room.saturating_sub(bytes);
        }
        named(shards)
    }
}

/// A file of weights, or the index of several.
#[derive(Debug)]
pub struct WeightFile<'m> {
    name: String,
    content: Content<'m>,
}

#[derive(Debug)]
enum Content<'m> {
    Index(Value),
    Weights(Vec<(String, Numbers<'m>)>),
}

impl WeightFile<'_> {
    /// The name it has in its folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes it: F32, Hugging Face names; equal weights give equal bytes.
    pub fn write(&self, out: &mut dyn Write) -> Result<(), CheckpointError> {
        match &self.content {
            Content::Index(index) => Ok(writeln!(out, "{index:#}")?),
            Content::Weights(parts) => {
                let parts = parts.iter().map(|(name, numbers)| (name.clone(), *numbers));
                Ok(out.write_all(&encode_parts(parts, ("format", "pt".to_owned()))?)?)
            }
        }
    }
}

/// Names shards as `transformers` does, and adds their index where there is more than one.
fn named(shards: Vec<Vec<(String, Numbers<'_>)>>) -> Vec<WeightFile<'_>> {
    let count = shards.len();
    let mut tensors = Map::new();
    let mut total = 0;
    let mut files = Vec::new();
    for (number, parts) in (1..).zip(shards) {
        let name = match count {
            1 => WEIGHTS.to_owned(),
            _ => format!("model-{number:05}-of-{count:05}.safetensors"),
        };
        for (tensor, numbers) in &parts {
            tensors.insert(tensor.clone(), name.clone().into());
            total += numbers.data_len();
        }
        files.push(WeightFile {
            name,
            content: Content::Weights(parts),
        });
    }
    if count > 1 {
        files.push(WeightFile {
            name: INDEX.to_owned(),
            content: Content::Index(json!({
                "metadata": { "total_size": total },
                "weight_map": tensors,
            })),
        });
    }
    files
}

fn llama(config: &ModelConfig) -> Value {
    json!({
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
    })
}
