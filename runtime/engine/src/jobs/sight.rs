//! What encoders see: their shapes, the pixels they are shown, features that were looked up.

use vpc_compiler::plan::{self, EncoderTask};
use vpc_data::image::{Limits, Picture, Preprocess, decode};
use vpc_data::items::{Features, Item, PictureId, Pictures};
use vpc_store::Blob;
use vpc_train::adapted::Sight;
use vpc_train::ops::Activation;
use vpc_train::vision::{self, Encoder, Family, Layer, VisionConfig};

use super::Bench;
use super::dataset::PICTURES;
use super::features::{FEATURES, pixels};
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
        gated: !task.mlp.is_plain(),
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

/// What a model sees of pictures: files of features, or of pictures where it has an encoder of its own.
pub(super) struct Seen {
    features: Vec<Blob>,
    pictures: Vec<Blob>,
}

/// An encoder that a model has itself, and its layer that is looked at.
#[derive(Clone)]
pub(crate) struct Own {
    pub(crate) encoder: Encoder,
    pub(crate) layer: Layer,
}

impl Seen {
    pub(super) fn of(bench: &Bench<'_>) -> Result<Self, JobError> {
        let open = |role, name| -> Result<Vec<Blob>, JobError> {
            let inputs = bench.job.inputs_as(role);
            inputs.map(|key| bench.open(key, name)).collect()
        };
        Ok(Self {
            features: open("features", FEATURES)?,
            pictures: open("pictures", PICTURES)?,
        })
    }

    /// Opens the files, for a model that may have an encoder of its own.
    pub(super) fn open(&self, own: Option<&Own>) -> Result<Looked<'_>, JobError> {
        Ok(match own.filter(|_| !self.pictures.is_empty()) {
            Some(own) => {
                let files = self.pictures.iter().map(|blob| Pictures::new(blob));
                Looked::Own(files.collect::<Result<_, _>>()?, own.clone())
            }
            None => {
                let files = self.features.iter().map(|blob| Features::new(blob));
                Looked::Filed(files.collect::<Result<_, _>>()?)
            }
        })
    }
}

impl Own {
    /// Features of one picture, [patches, width], as benchmarks have them.
    pub(crate) fn look(&self, bytes: &[u8]) -> Result<Vec<f32>, JobError> {
        let picture = picture(bytes, PictureId::of(bytes))?;
        self.features(&preprocess(self.encoder.config()).apply(&picture))
    }

    /// Features of a picture's pixels.
    fn features(&self, pixels: &[f32]) -> Result<Vec<f32>, JobError> {
        let of = vision::Features {
            layer: self.layer,
            class: false,
        };
        Ok(self.encoder.features(pixels, of)?)
    }
}

/// What is there to be seen.
pub(super) enum Looked<'b> {
    /// Files of features.
    Filed(Vec<Features<'b>>),
    /// Files of pictures, and what looks at them.
    Own(Vec<Pictures<'b>>, Own),
}

impl Looked<'_> {
    /// Vectors of a picture and their length; none where nothing is seen.
    pub(super) fn shape(&self) -> Option<(usize, usize)> {
        match self {
            Self::Filed(files) => files.first().map(|file| (file.vectors(), file.width())),
            Self::Own(_, own) => {
                let config = own.encoder.config();
                Some((config.patches(), config.width))
            }
        }
    }

    /// What a training reads of an item's picture: its features, or its pixels for an encoder of the
    /// model's own; empty where it has none, or pictures are withheld.
    pub(super) fn of(&self, item: &Item) -> Result<Vec<f32>, JobError> {
        let unseen = || JobError::Unseen {
            item: item.id.clone(),
        };
        let Some(id) = item.picture else {
            return Ok(Vec::new());
        };
        match self {
            Self::Filed(files) if files.is_empty() => Ok(Vec::new()),
            Self::Filed(files) => {
                let found = files.iter().find_map(|file| file.get(id));
                found.ok_or_else(unseen)
            }
            Self::Own(files, own) => pixels(&own.encoder, files, &[id]),
        }
    }

    /// The features of an item's picture; empty where it has none, or pictures are withheld.
    pub(super) fn features(&self, item: &Item) -> Result<Vec<f32>, JobError> {
        let seen = self.of(item)?;
        match self {
            Self::Own(_, own) if !seen.is_empty() => own.features(&seen),
            _ => Ok(seen),
        }
    }

    /// What a training read, as its model takes it.
    pub(super) fn sight<'a>(&self, seen: &'a [f32]) -> Sight<'a> {
        match self {
            Self::Filed(_) => Sight::Features(seen),
            Self::Own(..) => Sight::Pixels(seen),
        }
    }
}
