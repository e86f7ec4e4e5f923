//! What encoders see: their shapes, the pixels they are shown, features that were looked up.

use vpc_compiler::plan::{self, EncoderTask};
use vpc_data::image::{Limits, Picture, Preprocess, decode};
use vpc_data::items::{Features, Item, PictureId};
use vpc_store::Blob;
use vpc_train::ops::Activation;
use vpc_train::vision::{Family, VisionConfig};

use super::Bench;
use super::features::FEATURES;
use crate::error::JobError;

/// LayerNorm's guard against division by zero, as the families' own code has it.
const CLIP_EPS: f64 = 1e-5;
const DINOV2_EPS: f64 = 1e-6;
const VIT_EPS: f64 = 1e-12;

/// Returns the trainer's form of an encoder's shape.
pub(super) fn vision_config(task: &EncoderTask) -> VisionConfig {
    let (family, activation, norm_eps) = match task.family {
        plan::Family::Clip => (Family::Clip, Activation::QuickGelu, CLIP_EPS),
        plan::Family::Dinov2 => (Family::Dinov2, Activation::Gelu, DINOV2_EPS),
        plan::Family::Mae => (Family::Mae, Activation::Gelu, VIT_EPS),
        plan::Family::Vit => (Family::Vit, Activation::Gelu, VIT_EPS),
    };
    VisionConfig {
        family,
        layers: task.layers as usize,
        width: task.width as usize,
        heads: task.heads as usize,
        hidden: task.hidden as usize,
        patch: task.patch as usize,
        image: task.image as usize,
        activation,
        norm_eps,
    }
}

/// How an encoder's pictures are resized, cut and normalised.
pub(crate) fn preprocess(config: &VisionConfig) -> Preprocess {
    match config.family {
        Family::Clip => Preprocess::clip(config.image),
        Family::Dinov2 => Preprocess::dinov2(config.image),
        Family::Mae => Preprocess::mae(config.image),
        Family::Vit => Preprocess::vit(config.image),
    }
}

/// Decodes a picture that was read before, within limits.
pub(super) fn picture(bytes: &[u8], id: PictureId) -> Result<Picture, JobError> {
    decode(bytes, &Limits::default()).map_err(|source| JobError::Picture {
        id: id.to_string(),
        source,
    })
}

/// Features of pictures, from the `features` inputs of a job.
pub(super) struct Seen {
    blobs: Vec<Blob>,
}

impl Seen {
    pub(super) fn of(bench: &Bench<'_>) -> Result<Self, JobError> {
        let inputs = bench.job.inputs_as("features");
        let blobs = inputs.map(|key| bench.open(key, FEATURES));
        Ok(Self {
            blobs: blobs.collect::<Result<_, _>>()?,
        })
    }

    /// Opens the files.
    pub(super) fn open(&self) -> Result<Looked<'_>, JobError> {
        let files = self.blobs.iter().map(|blob| Features::new(blob));
        Ok(Looked(files.collect::<Result<_, _>>()?))
    }
}

/// Files of features.
pub(super) struct Looked<'b>(Vec<Features<'b>>);

impl Looked<'_> {
    /// Vectors of a picture and their length; none where there is no file.
    pub(super) fn shape(&self) -> Option<(usize, usize)> {
        self.0.first().map(|file| (file.vectors(), file.width()))
    }

    /// The features of an item's picture; empty where it has none, or pictures are withheld.
    pub(super) fn of(&self, item: &Item) -> Result<Vec<f32>, JobError> {
        let Some(id) = item.picture.filter(|_| !self.0.is_empty()) else {
            return Ok(Vec::new());
        };
        let found = self.0.iter().find_map(|file| file.get(id));
        found.ok_or_else(|| JobError::Unseen {
            item: item.id.clone(),
        })
    }
}
