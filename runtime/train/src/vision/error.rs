//! What cannot be encoded or trained on.

use thiserror::Error;

use crate::vision::Family;
use crate::{CheckpointError, ConfigError, TrainError};

/// Why images are not encoded, or an encoder is not trained.
#[derive(Debug, Error)]
pub enum VisionError {
    /// The shape cannot be built.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file is not what it should be.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A step went wrong.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The numbers are not whole images.
    #[error(
        "{found} numbers are no images of {side}×{side} pixels; give 3 · {side} · {side} numbers for each"
    )]
    Pixels {
        /// How many numbers there are.
        found: usize,
        /// Pixels on a side.
        side: usize,
    },
    /// There is no such layer to take features of.
    #[error("layer {asked} from the end is asked for; there are 1 to {most}")]
    Layer {
        /// What was asked for, from the end.
        asked: usize,
        /// Hidden states that there are: one before the blocks, one after each.
        most: usize,
    },
    /// Encoders of this family are not trained in this way.
    #[error("an encoder of the family `{found:?}` is not trained this way; give one of `{wanted}`")]
    Family {
        /// The encoder's family.
        found: Family,
        /// Those that can be.
        wanted: &'static str,
    },
    /// What was given does not fit together.
    #[error("{found}; give {wanted}")]
    Unfit {
        /// What was found, with numbers.
        found: String,
        /// What is wanted.
        wanted: &'static str,
    },
}
