//! Encoder, projector and decoder as one folder of `LlavaForConditionalGeneration`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::projector::layout;
use super::{AdaptError, Adapted, Projector, ProjectorConfig};
use crate::checkpoint::{Entry, Precision, Reader, Shard, encode_parts};
use crate::course::Trained;
use crate::huggingface::{
    CONFIG, FieldError, Fields, HuggingFaceError, LONGEST_CONFIG, NEUTRAL, WEIGHTS, holds, open,
    read_config, read_text,
};
use crate::vision::{
    Encoder, Family, Features, Layer, VisionConfig, activation, activation_name, vision_json,
};
use crate::weights::Weights;
use crate::{CheckpointError, Model, ModelConfig};

/// Before the names of the decoder's tensors.
const DECODER: &str = "language_model.";
/// Before the names of the encoder's.
const ENCODER: &str = "vision_tower.";

/// An adapted decoder with its encoder, of CLIP's family.
#[derive(Clone, Debug)]
pub struct Llava {
    /// The encoder.
    pub encoder: Encoder,
    /// Which of its layers gives features; LLaVA-1.5 takes the second from the end.
    pub layer: Layer,
    /// Projector and decoder.
    pub adapted: Adapted,
}

/// What a `config.json` tells of a LLaVA model.
struct Shape {
    model: ModelConfig,
    encoder: VisionConfig,
    projector: ProjectorConfig,
    layer: Layer,
    marker: u32,
}

impl Llava {
    /// Features of images for the projector: vectors of patches, without the class token.
    pub fn features(&self, pixels: &[f32]) -> Result<Vec<f32>, crate::vision::VisionError> {
        let (layer, class) = (self.layer, false);
        self.encoder.features(pixels, Features { layer, class })
    }

    /// Reads `config.json` and `model.safetensors` of a folder; F16 and BF16 are widened.
    ///
    /// Fails on any tensor that is missing, unknown, or of another shape, and on what is not built here.
    pub fn read(folder: &Path) -> Result<Self, HuggingFaceError> {
        let path = folder.join(CONFIG);
        let json = read_text(&path, LONGEST_CONFIG)?;
        let shape = shape(&json).map_err(|source| HuggingFaceError::Config {
            path,
            source: Box::new(source),
        })?;
        let path = folder.join(WEIGHTS);
        let file = open(&path)?;
        let parameters = u128::from(shape.model.parameters()) + shape.encoder.count();
        holds(&path, &file, parameters)?;
        let read = || -> Result<Self, CheckpointError> {
            let file = Reader::join(vec![Shard::open(&file)?], Precision::Widened)?;
            shape.read(&file)
        };
        read().map_err(|source| HuggingFaceError::Weights {
            path,
            source: Box::new(source),
        })
    }

    /// The files of a folder that `transformers` reads: `config.json`, `model.safetensors` (F32).
    ///
    /// Fails where the layout has no place for the projector or the encoder: it has two layers, the
    /// inner as long as the outer, no resizing, and here an encoder of CLIP's family.
    pub fn files(&self) -> Result<[(&'static str, Vec<u8>); 2], AdaptError> {
        self.check()?;
        let decoder = (0..Trained::len(&self.adapted.model)).map(|index| Entry {
            prefix: DECODER,
            slab: Trained::slab(&self.adapted.model, index),
            values: Trained::values(&self.adapted.model, index),
        });
        let entries = decoder
            .chain(self.adapted.projector.weights.entries(""))
            .chain(self.encoder.weights.entries(ENCODER));
        let weights = encode_parts(entries.flat_map(Entry::parts), ("format", "pt".to_owned()))?;
        let config = format!("{:#}\n", self.json());
        Ok([(CONFIG, config.into_bytes()), (WEIGHTS, weights)])
    }

    /// Writes these files into a folder that is there.
    pub fn save(&self, folder: &Path) -> Result<(), AdaptError> {
        for (name, bytes) in self.files()? {
            fs::write(folder.join(name), bytes).map_err(CheckpointError::from)?;
        }
        Ok(())
    }

    fn check(&self) -> Result<(), AdaptError> {
        let (projector, encoder) = (self.adapted.projector.config(), self.encoder.config());
        let family = (
            encoder.family == Family::Clip,
            "encoder.family",
            format!("{:?}", encoder.family).to_lowercase(),
            "clip".to_owned(),
        );
        let size = |name, found: usize, wanted: usize| {
            (found == wanted, name, found.to_string(), wanted.to_string())
        };
        let all = [
            family,
            size("projector.layers", projector.layers, 2),
            size("projector.width", projector.width, projector.outputs),
            size("projector.features", projector.features, encoder.width),
            size("projector.grid", projector.grid, encoder.grid()),
            size("visual_tokens", projector.tokens, encoder.patches()),
        ];
        match all.into_iter().find(|(holds, ..)| !holds) {
            None => Ok(()),
            Some((_, name, found, wanted)) => Err(AdaptError::Layout {
                name,
                found,
                wanted,
            }),
        }
    }

    fn json(&self) -> Value {
        let (model, projector) = (self.adapted.model.config(), self.adapted.projector.config());
        let text: Value = serde_json::from_str(&Model::config_json(model)).unwrap_or_default();
        json!({
            "architectures": ["LlavaForConditionalGeneration"],
            "image_seq_length": projector.tokens,
            "image_token_index": self.adapted.marker,
            "model_type": "llava",
            "multimodal_projector_bias": true,
            "projector_hidden_act": activation_name(projector.activation),
            "text_config": text,
            "tie_word_embeddings": model.tied,
            "torch_dtype": "float32",
            "vision_config": vision_json(self.encoder.config()),
            "vision_feature_layer": match self.layer {
                Layer::Last => -1,
                Layer::FromEnd(n) => -i64::try_from(n).unwrap_or(i64::MAX),
            },
            "vision_feature_select_strategy": "default",
        })
    }
}

impl Shape {
    fn read(&self, file: &Reader) -> Result<Llava, CheckpointError> {
        let model_slabs = crate::model::layout(&self.model);
        let projector_slabs = layout(&self.projector);
        let known = |name: &str| {
            let of = |slabs: &[crate::model::Slab], name: &str| {
                let mut parts = slabs.iter().flat_map(|slab| &slab.parts);
                parts.any(|part| part.name == name)
            };
            let decoder = name.strip_prefix(DECODER);
            decoder.is_some_and(|name| of(&model_slabs, name))
                || of(&projector_slabs, name)
                || name.starts_with(ENCODER)
        };
        if let Some(name) = file.names().find(|name| !known(name)) {
            return Err(CheckpointError::Unknown(name.to_owned()));
        }
        let values = model_slabs.iter().map(|slab| file.slab(DECODER, slab));
        let values = values.collect::<Result<_, _>>()?;
        let weights = Weights::read(projector_slabs, file, "")?;
        Ok(Llava {
            encoder: Encoder::of_file(self.encoder.clone(), file, ENCODER)?,
            layer: self.layer,
            adapted: Adapted {
                model: Model::of_values(&self.model, values),
                projector: Projector::of_weights(self.projector.clone(), weights),
                marker: self.marker,
                eye: None,
            },
        })
    }
}

/// Reads what is known of a LLaVA model, strictly.
fn shape(json: &[u8]) -> Result<Shape, FieldError> {
    let mut fields = Fields::parse(json)?;
    for (name, only) in [
        ("model_type", r#""llava""#),
        ("multimodal_projector_bias", "true"),
        ("vision_feature_select_strategy", r#""default""#),
    ] {
        fields.only(name, only)?;
    }
    let mut part = |name: &'static str| {
        fields.require(name)?;
        Ok::<_, FieldError>(fields.take(name).unwrap_or_default().to_string())
    };
    let (text, vision) = (part("text_config")?, part("vision_config")?);
    let model = read_config(text.as_bytes())?;
    let encoder = VisionConfig::from_json(vision.as_bytes())?;
    let marker = fields.size("image_token_index")?;
    if marker >= model.vocabulary {
        let wanted = format!("below the vocabulary of {}", model.vocabulary);
        return Err(fields.refuse("image_token_index", &marker.into(), &wanted));
    }
    if encoder.family != Family::Clip {
        let found = format!("{:?}", encoder.family).into();
        return Err(fields.refuse("vision_config", &found, "an encoder of CLIP's family"));
    }
    let layer = fields.take("vision_feature_layer").unwrap_or(json!(-2));
    let most = i64::try_from(encoder.layers + 1).unwrap_or(i64::MAX);
    let Some(from_end) = layer.as_i64().filter(|n| (-most..0).contains(n)) else {
        let wanted = format!("a whole number from -{most} to -1");
        return Err(fields.refuse("vision_feature_layer", &layer, &wanted));
    };
    fields.only(
        "tie_word_embeddings",
        if model.tied { "true" } else { "false" },
    )?;
    let gelu = crate::ops::Activation::Gelu;
    let projector = ProjectorConfig {
        features: encoder.width,
        grid: encoder.grid(),
        tokens: encoder.patches(),
        layers: 2,
        width: model.width,
        outputs: model.width,
        activation: activation(&mut fields, "projector_hidden_act", gelu)?,
    };
    fields.ignore(&NEUTRAL);
    fields.ignore(&["architectures", "image_seq_length", "ignore_index"]);
    fields.nothing_else()?;
    Ok(Shape {
        layer: Layer::FromEnd(from_end.unsigned_abs() as usize),
        marker: marker as u32,
        model,
        encoder,
        projector,
    })
}
