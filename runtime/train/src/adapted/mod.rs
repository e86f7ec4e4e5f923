//! Decoders adapted to images: a projector puts an encoder's features in the place of marked tokens.
//!
//! The encoder is frozen, so its features are given as numbers ([`crate::vision`]). A [`Projector`]
//! makes as many vectors of them as visual tokens were declared; an [`Adapted`] reads these among its
//! text; an [`AdaptTrainer`] trains projector, decoder or both; an [`AdaptedInference`] scores options
//! and generates. An example's numbers depend on that example alone: there is no padding.

mod error;
mod inference;
mod llava;
mod network;
mod projector;
mod resize;
#[cfg(test)]
mod tests;
mod trainer;

pub use error::AdaptError;
pub use inference::{AdaptedInference, Prompt, Question};
pub use llava::Llava;
pub use network::{Adapted, Example};
pub use projector::{Projector, ProjectorConfig};
pub use resize::resize;
pub use trainer::{AdaptTrainer, Parts};
