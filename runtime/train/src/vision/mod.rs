//! Vision transformers: CLIP, DINOv2, MAE and plain ViT, as `transformers` reads and writes them.
//!
//! An [`Encoder`] gives the vectors of an image's patches. An image's vectors depend on that image
//! alone: the same bits in any company and at any number of threads.

mod block;
mod config;
mod encoder;
mod error;
mod folder;
mod json;
mod layout;
#[cfg(test)]
mod tests;

pub use config::{Family, VisionConfig};
pub use encoder::{Encoder, Features, Layer};
pub use error::VisionError;

pub(crate) use block::{TransformerBlock, stacked};
pub(crate) use json::{activation, activation_name, vision_json};
pub(crate) use layout::waves;
