//! Reading and writing encoders as folders of `transformers`.

use std::fs;
use std::path::Path;

use super::json::{read_vision_config, vision_json};
use super::layout::layout;
use super::{Encoder, VisionConfig, VisionError};
use crate::CheckpointError;
use crate::checkpoint::{Precision, Reader, Shard};
use crate::huggingface::{
    CONFIG, FieldError, HuggingFaceError, LONGEST_CONFIG, WEIGHTS, holds, open, read_text,
};
use crate::weights::Weights;

impl VisionConfig {
    /// Reads the shape of an encoder from a `config.json` of `transformers`: of `CLIPVisionModel`,
    /// of `CLIPModel` (its vision part), of `Dinov2Model`, of `ViTMAEModel` or of `ViTModel`.
    pub fn from_json(json: &[u8]) -> Result<Self, FieldError> {
        read_vision_config(json)
    }

    /// A `config.json` of an encoder of this shape.
    pub fn to_json(&self) -> String {
        format!("{:#}\n", vision_json(self))
    }
}

impl Encoder {
    /// Reads `config.json` and `model.safetensors` of a folder; F16 and BF16 are widened.
    ///
    /// Names of tensors may begin as in larger models (`vision_model.`, `dinov2.`, `vit.`). Heads,
    /// decoders and text towers beside the encoder are not read. Fails on whatever else is missing,
    /// unknown, there twice or of another shape, and on shapes that are not built here.
    pub fn read(folder: &Path) -> Result<Self, HuggingFaceError> {
        let path = folder.join(CONFIG);
        let json = read_text(&path, LONGEST_CONFIG)?;
        let config = read_vision_config(&json).map_err(|source| HuggingFaceError::Config {
            path,
            source: Box::new(source),
        })?;
        let path = folder.join(WEIGHTS);
        let file = open(&path)?;
        holds(&path, &file, config.count())?;
        let read = || -> Result<Weights, CheckpointError> {
            let reader = Reader::join(vec![Shard::open(&file)?], Precision::Widened)?;
            weights(&config, &reader)
        };
        let weights = read().map_err(|source| HuggingFaceError::Weights {
            path,
            source: Box::new(source),
        })?;
        Ok(Self::of_weights(config, weights))
    }

    /// Reads an encoder of the bytes of both files, as [`Encoder::files`] gives them.
    pub fn load(config: &[u8], safetensors: &[u8]) -> Result<Self, VisionError> {
        let config = read_vision_config(config).map_err(|source| VisionError::Unfit {
            found: source.to_string(),
            wanted: "the `config.json` of an encoder",
        })?;
        config.check()?;
        let weights = weights(&config, &Reader::new(&safetensors)?)?;
        Ok(Self::of_weights(config, weights))
    }

    /// How many numbers its weights are.
    pub fn parameters(&self) -> u64 {
        self.weights.count()
    }

    /// The files of a folder that `transformers` reads: `config.json`, `model.safetensors` (F32).
    ///
    /// Equal weights give equal bytes.
    pub fn files(&self) -> Result<[(&'static str, Vec<u8>); 2], CheckpointError> {
        Ok([
            (CONFIG, self.config.to_json().into_bytes()),
            (WEIGHTS, self.weights.encode()?),
        ])
    }

    /// Writes these files into a folder that is there.
    pub fn save(&self, folder: &Path) -> Result<(), CheckpointError> {
        for (name, bytes) in self.files()? {
            fs::write(folder.join(name), bytes)?;
        }
        Ok(())
    }
}

impl Encoder {
    /// An encoder of a checked shape, whose tensors are named with `prefix` in a file of others.
    pub(crate) fn of_file(
        config: VisionConfig,
        file: &Reader,
        prefix: &str,
    ) -> Result<Self, CheckpointError> {
        let longer = format!("{prefix}vision_model.");
        let has_longer = file.names().any(|name| name.starts_with(&longer));
        let prefix = if has_longer { &longer } else { prefix };
        let weights = weights_under(&config, file, prefix, |name| !name.starts_with(prefix))?;
        Ok(Self::of_weights(config, weights))
    }
}

/// The weights of an encoder in a file that may hold more than it.
fn weights(config: &VisionConfig, file: &Reader) -> Result<Weights, CheckpointError> {
    let family = config.family;
    let prefixes = family.prefixes().iter().copied();
    let mut prefixes = prefixes.filter(|prefix| file.names().any(|name| name.starts_with(prefix)));
    let prefix = prefixes.next().unwrap_or("");
    let is_unread = |name: &str| family.unread().iter().any(|start| name.starts_with(start));
    weights_under(config, file, prefix, is_unread)
}

/// The weights whose names begin with `prefix`; fails on others unless they are said to be unread.
fn weights_under(
    config: &VisionConfig,
    file: &Reader,
    prefix: &str,
    is_unread: impl Fn(&str) -> bool,
) -> Result<Weights, CheckpointError> {
    let slabs = layout(config);
    let is_known = |name: &str| {
        let parts = slabs.iter().flat_map(|slab| &slab.parts);
        let rest = name.strip_prefix(prefix);
        rest.is_some_and(|rest| parts.clone().any(|part| part.name == rest))
    };
    let mut names = file.names();
    if let Some(name) = names.find(|name| !is_unread(name) && !is_known(name)) {
        return Err(CheckpointError::Unknown(name.to_owned()));
    }
    Weights::read(slabs, file, prefix)
}
