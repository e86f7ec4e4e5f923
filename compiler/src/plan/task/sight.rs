//! Items, encoders and the stages of adaptations.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ScheduleSpec;
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
    /// How many items there are; known from the source, so it does not bear identity.
    pub items: u64,
    /// Where they come from.
    pub from: DatasetFrom,
}

/// Where items come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DatasetFrom {
    /// A source of items.
    Source(FileSpec),
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
    /// Side of a patch, in pixels.
    pub patch: u64,
    /// Side of the picture, in pixels.
    pub image: u64,
    /// Its trained weights.
    pub weights: FileSpec,
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
}

/// What stands between pictures and the language model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sight {
    /// The projector.
    pub projector: Projector,
    /// Features per picture, after bilinear resizing.
    pub visual_tokens: u64,
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
            // What is planned is nothing but its description.
            DatasetFrom::Source(files @ FileSpec::Planned { .. }) => record
                .with("from", "source")
                .with("files", files.value())
                .with("items", *items),
            DatasetFrom::Source(files) => {
                record.with("from", "source").with("files", files.value())
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
        Record::default()
            .with("family", family)
            .with("layers", *layers)
            .with("width", *width)
            .with("heads", *heads)
            .with("hidden", *hidden)
            .with("patch", *patch)
            .with("image", *image)
            .with("weights", weights.value())
    }
}

impl StageTask {
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
        let record = schedule.onto(record);
        let Some(sight) = sight else {
            return record.with("images", false);
        };
        let projector = &sight.projector;
        let activation = match projector.activation {
            Activation::Gelu => "gelu",
            Activation::Relu => "relu",
            Activation::Silu => "silu",
        };
        record
            .with("visual_tokens", sight.visual_tokens)
            .with("projector_layers", projector.layers)
            .with("projector_width", projector.width.unwrap_or(model.width))
            .with("activation", activation)
    }
}
