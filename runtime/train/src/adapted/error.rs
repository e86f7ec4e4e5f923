//! What cannot be adapted, or not be read with images.

use thiserror::Error;

use crate::vision::VisionError;
use crate::{BatchError, CheckpointError, ConfigError, InferenceError, TrainError};

/// Why an adapted model cannot be built, trained or asked.
#[derive(Debug, Error)]
pub enum AdaptError {
    /// A shape or setting is not possible.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file is not what it should be.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A step went wrong.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A sequence cannot be read.
    #[error(transparent)]
    Inference(#[from] InferenceError),
    /// The encoder cannot give the features.
    #[error(transparent)]
    Vision(#[from] VisionError),
    /// The number of visual tokens is no square.
    #[error("`tokens` is {0}; it must be a square number, such as 64 or 576")]
    NotSquare(usize),
    /// The projector's vectors are of another length than the decoder's.
    #[error("the projector gives vectors of {outputs} numbers, and the decoder reads {width}")]
    Width {
        /// What the projector gives.
        outputs: usize,
        /// What the decoder reads.
        width: usize,
    },
    /// The encoder's features are of another shape than those that the projector reads.
    #[error(
        "the encoder's `{name}` is {found}, and the projector reads {wanted}; give one that fits"
    )]
    Encoder {
        /// The encoder's setting.
        name: &'static str,
        /// Its value.
        found: usize,
        /// What the projector reads.
        wanted: usize,
    },
    /// There is no encoder to train.
    #[error("`encoder` is to be trained and the model has none; give it one `with_encoder`")]
    NoEncoder,
    /// There is nothing that could see pixels.
    #[error("example {item} gives pixels and the model has no encoder; give features")]
    Unseen {
        /// Which example, from 0.
        item: usize,
    },
    /// Features of an encoder that changes.
    #[error("example {item} gives features and the encoder is trained; give pixels")]
    Outdated {
        /// Which example, from 0.
        item: usize,
    },
    /// The marker is no token of the decoder.
    #[error("the image token {marker} is not below the vocabulary of {vocabulary}")]
    Marker {
        /// The token.
        marker: u32,
        /// Tokens the decoder knows.
        vocabulary: usize,
    },
    /// There is no example in the batch.
    #[error("the batch is empty")]
    Empty,
    /// Tokens of an example that the decoder cannot read.
    #[error("example {item}: {source}")]
    Tokens {
        /// Which example, from 0.
        item: usize,
        /// What is wrong.
        source: BatchError,
    },
    /// The numbers are not whole images.
    #[error(
        "example {item} has {found} numbers of {kind}; an image has {each}, so give a multiple of that, or none"
    )]
    Images {
        /// What they are: `features` or `pixels`.
        kind: &'static str,
        /// Which example, from 0.
        item: usize,
        /// How many numbers there are.
        found: usize,
        /// Numbers of an image.
        each: usize,
    },
    /// Marked tokens and visual tokens must pair up.
    #[error("example {item} has {marked} image tokens for {vectors} vectors of images")]
    Marked {
        /// Which example, from 0.
        item: usize,
        /// Marked tokens.
        marked: usize,
        /// Visual tokens of its images.
        vectors: usize,
    },
    /// The answer's mask does not fit the tokens.
    #[error("example {item}: {problem}")]
    Answer {
        /// Which example, from 0.
        item: usize,
        /// What is wrong with the mask, and what to give.
        problem: &'static str,
    },
    /// LLaVA's layout has no place for this.
    #[error("`{name}` is {found}; LLaVA's layout needs {wanted}")]
    Layout {
        /// The setting.
        name: &'static str,
        /// Its value.
        found: String,
        /// What the layout has.
        wanted: String,
    },
}
