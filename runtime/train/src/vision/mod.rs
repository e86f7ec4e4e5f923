//! Vision transformers: CLIP, DINOv2, MAE and plain ViT, as `transformers` reads and writes them.
//!
//! An [`Encoder`] gives the vectors of an image's patches. An image's vectors depend on that image
//! alone: the same bits in any company and at any number of threads.
//!
//! A [`ContrastiveTrainer`] trains one beside a text tower on pairs of images and texts, a
//! [`MaskedTrainer`] on images whose patches are mostly hidden; at the scale of one machine.

mod block;
mod config;
mod contrast;
mod contrastive;
mod encoder;
mod error;
mod folder;
mod json;
mod layout;
mod mask;
mod masked;
mod parts;
#[cfg(test)]
mod tests;
mod text;

pub use config::{Family, VisionConfig};
pub use contrastive::{ContrastiveConfig, ContrastiveTrainer};
pub use encoder::{Encoder, Features, Layer};
pub use error::VisionError;
pub use masked::{MaskedConfig, MaskedTrainer};
pub use parts::{BlockParts, EncoderParts, LinearParts, NormParts};
pub use text::TextConfig;

pub(crate) use block::{TransformerBlock, stacked};
pub(crate) use encoder::At;
pub(crate) use json::{activation, activation_name, vision_json};
pub(crate) use layout::waves;
