//! Items, encoders and the stages of adaptations.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ItemsSpec, ScheduleSpec};
use crate::plan::{Fraction, Key, ModelSpec, Operation, Record, Value};

/// A file, or what will be one. Paths are for reading; identity is the digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum FileSpec {
    /// A file.
    File {
        /// Where it is.
        path: Operation<String>,
        /// blake3 of its bytes.
        digest: Key,
    },
    /// Not there yet.
    Planned {
        /// What it will be.
        what: String,
    },
}

/// Items to adapt with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetTask {
    /// How many items there are; where it is known from the source it does not bear identity.
    pub items: u64,
    /// Where they come from.
    pub from: DatasetFrom,
}

/// Where items come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DatasetFrom {
    /// A source of items.
    Source(ItemsSpec),
    /// Some of the items of the one input.
    Chosen(Choice),
    /// The items of all inputs, in their order.
    Joined,
}

/// Which items of a dataset are chosen. Words of labels are sorted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Those with one of these labels.
    Only(Vec<String>),
    /// Those with none of these labels.
    Without(Vec<String>),
    /// All without these labels, and a share of those with one of them.
    Thin {
        /// The labels.
        words: Vec<String>,
        /// The share that stays, chosen by content.
        to: Fraction,
    },
    /// So many, chosen by content: the beginning of one fixed order.
    Sample(u64),
}

/// A vision encoder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncoderTask {
    /// Whose conventions it follows.
    pub family: Family,
    /// Blocks.
    pub layers: u64,
    /// Width of the residual stream.
    pub width: u64,
    /// Heads.
    pub heads: u64,
    /// Width inside the MLP.
    pub hidden: u64,
    /// What the MLP is.
    #[serde(default, skip_serializing_if = "Mlp::is_plain")]
    pub mlp: Mlp,
    /// Side of a patch, in pixels.
    pub patch: u64,
    /// Side of the picture, in pixels.
    pub image: u64,
    /// Where its weights come from.
    pub weights: EncoderWeights,
}

/// The MLP of an encoder's blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mlp {
    /// Two layers with an activation between them.
    #[default]
    Plain,
    /// Two layers, the first of which gives values and their gates (SwiGLU): three matrices in all.
    Gated,
}

/// Where an encoder's weights come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EncoderWeights {
    /// A folder of `transformers`.
    Files(FileSpec),
    /// Nothing has been learned.
    Initial {
        /// Seed of the weights.
        seed: u64,
    },
    /// Trained on pairs of pictures and texts, beside a text tower (CLIP).
    Contrastive(Lessons),
    /// Trained to fill in hidden patches, by a small decoder (MAE).
    Masked {
        /// Share of the patches that are hidden.
        mask: Fraction,
        /// The training.
        lessons: Lessons,
    },
}

/// Training of an encoder on the items of its input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lessons {
    /// How often each item is seen.
    pub epochs: u64,
    /// Items per step.
    pub batch: u64,
    /// Optimiser steps; known from the input.
    pub steps: u64,
    /// Peak learning rate.
    pub rate: Fraction,
    /// Seed of weights, order and masks.
    pub seed: u64,
}

/// What an encoder makes of pictures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeaturesTask {
    /// Of which layer, counted from the end: 1 is the last.
    pub layer: u64,
    /// How many items there are at most; known from the input.
    pub items: u64,
}

/// Conventions of a vision encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// CLIP and MetaCLIP.
    Clip,
    /// DINOv2.
    Dinov2,
    /// Masked autoencoders.
    Mae,
    /// A plain vision transformer, trained to classify.
    Vit,
}

/// One stage of an adaptation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageTask {
    /// Shape of the language model, which is part of its own key.
    pub model: Arc<ModelSpec>,
    /// What sees; `None` where pictures are withheld.
    pub sight: Option<Sight>,
    /// What is trained.
    pub train: Modules,
    /// Items seen: how often times how many. Known from the inputs.
    pub items: u64,
    /// How often each item is seen.
    pub epochs: u64,
    /// Items per step.
    pub batch: u64,
    /// Optimiser steps.
    pub steps: u64,
    /// Peak learning rate.
    pub rate: Fraction,
    /// Learning-rate schedule.
    pub schedule: ScheduleSpec,
    /// AdamW's decay of matrices.
    pub weight_decay: Fraction,
    /// Seed of the projector's initial weights and of the order of items.
    pub seed: u64,
    /// How a turn is written; none is [`StageTask::TEMPLATE`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
}

/// What stands between pictures and the language model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sight {
    /// The projector.
    pub projector: Projector,
    /// Features per picture, after bilinear resizing.
    pub visual_tokens: u64,
    /// The encoder's layer that is looked at, counted from the end, of an encoder that the model has itself;
    /// of others their features tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<u64>,
}

/// A projector: linear layers with an activation between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Projector {
    /// Linear layers.
    pub layers: u64,
    /// Width between them; `None` is the language model's.
    pub width: Option<u64>,
    /// The activation between them.
    pub activation: Activation,
}

/// An activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// Gaussian error linear unit.
    Gelu,
    /// Rectifier.
    Relu,
    /// Sigmoid linear unit.
    Silu,
}

/// Which parts of an adapted model are trained; the others are frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Modules {
    /// The vision encoder.
    pub encoder: bool,
    /// The projector.
    pub projector: bool,
    /// The language model.
    pub model: bool,
}

impl FileSpec {
    /// Returns the canonical form.
    pub(super) fn value(&self) -> Value<'_> {
        Value::List(match self {
            Self::File { path: _, digest } => vec!["file".into(), (*digest.bytes()).into()],
            Self::Planned { what } => vec!["planned".into(), what.as_str().into()],
        })
    }
}

impl DatasetTask {
    pub(super) fn record(&self) -> Record<'_> {
        let Self { items, from } = self;
        let record = Record::default();
        match from {
            DatasetFrom::Source(source) => {
                let record = source.onto(record.with("from", "source"), "files");
                if source.is_counted() {
                    record.with("items", *items)
                } else {
                    record
                }
            }
            DatasetFrom::Joined => record.with("from", "joined"),
            DatasetFrom::Chosen(choice) => match choice {
                Choice::Only(any) => record.with("from", "only").with("words", Value::texts(any)),
                Choice::Without(none) => record
                    .with("from", "without")
                    .with("words", Value::texts(none)),
                Choice::Thin { words: thin, to } => record
                    .with("from", "thin")
                    .with("words", Value::texts(thin))
                    .with("to", *to),
                Choice::Sample(items) => record.with("from", "sample").with("items", *items),
            },
        }
    }
}

impl EncoderTask {
    pub(super) fn record(&self) -> Record<'_> {
        let Self {
            family,
            layers,
            width,
            heads,
            hidden,
            mlp,
            patch,
            image,
            weights,
        } = self;
        let family = match family {
            Family::Clip => "clip",
            Family::Dinov2 => "dinov2",
            Family::Mae => "mae",
            Family::Vit => "vit",
        };
        let mut record = Record::default()
            .with("family", family)
            .with("layers", *layers)
            .with("width", *width)
            .with("heads", *heads)
            .with("hidden", *hidden)
            .with("patch", *patch)
            .with("image", *image);
        if !mlp.is_plain() {
            record = record.with("mlp", "gated");
        }
        match weights {
            EncoderWeights::Files(files) => record.with("weights", files.value()),
            EncoderWeights::Initial { seed } => {
                record.with("weights", "initial").with("seed", *seed)
            }
            EncoderWeights::Contrastive(lessons) => {
                lessons.onto(record.with("weights", "contrastive"))
            }
            EncoderWeights::Masked { mask, lessons } => {
                lessons.onto(record.with("weights", "masked").with("mask", *mask))
            }
        }
    }
}

impl Mlp {
    /// Returns whether it is what an encoder has where nothing is said.
    pub fn is_plain(&self) -> bool {
        *self == Self::Plain
    }
}

impl Lessons {
    fn onto<'t>(&self, record: Record<'t>) -> Record<'t> {
        let Self {
            epochs,
            batch,
            steps: _, // items / batch
            rate,
            seed,
        } = self;
        record
            .with("epochs", *epochs)
            .with("batch", *batch)
            .with("rate", *rate)
            .with("seed", *seed)
    }
}

impl FeaturesTask {
    pub(super) fn record(&self) -> Record<'_> {
        let Self {
            layer,
            items: _, // known from the input
        } = self;
        Record::default().with("layer", *layer)
    }
}

impl StageTask {
    /// How a turn is written where nothing else is said.
    pub const TEMPLATE: &'static str = "Question: {question}\nAnswer: {answer}";

    pub(super) fn record(&self) -> Record<'_> {
        let Self {
            model, // part of its own key; its width stands for a projector's left out
            sight,
            train,
            items: _, // known from the inputs
            epochs,
            batch,
            steps: _, // items / batch
            rate,
            schedule,
            weight_decay,
            seed,
            template,
        } = self;
        let record = Record::default()
            .with("train_encoder", train.encoder)
            .with("train_projector", train.projector)
            .with("train_model", train.model)
            .with("epochs", *epochs)
            .with("batch", *batch)
            .with("rate", *rate)
            .with("weight_decay", *weight_decay)
            .with("seed", *seed);
        let mut record = schedule.onto(record);
        if let Some(template) = template {
            record = record.with("template", template.as_str());
        }
        let Some(sight) = sight else {
            return record.with("images", false);
        };
        let projector = &sight.projector;
        let activation = match projector.activation {
            Activation::Gelu => "gelu",
            Activation::Relu => "relu",
            Activation::Silu => "silu",
        };
        let record = match sight.layer {
            Some(layer) => record.with("layer", layer),
            None => record,
        };
        record
            .with("visual_tokens", sight.visual_tokens)
            .with("projector_layers", projector.layers)
            .with("projector_width", projector.width.unwrap_or(model.width))
            .with("activation", activation)
    }
}
