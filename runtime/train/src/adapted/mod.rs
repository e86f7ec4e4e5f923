//! Decoders adapted to images: a projector puts an encoder's features in the place of marked tokens.
//!
//! A [`Projector`] makes as many vectors of an encoder's features as visual tokens were declared; an
//! [`Adapted`] reads these among its text; an [`AdaptTrainer`] trains projector, decoder, encoder or
//! several; an [`AdaptedInference`] scores options and generates. An example's numbers depend on that
//! example alone: there is no padding.
//!
//! Features of an encoder that stays frozen ([`crate::vision`]) are best computed once and given as
//! numbers; a model with an encoder of its own takes pixels too ([`Sight`]), and can train it.

mod error;
mod inference;
mod llava;
mod network;
mod projector;
mod sight;
mod state;
#[cfg(test)]
mod tests;
mod trainer;

pub use crate::kernels::resize::resize;
pub use error::AdaptError;
pub use inference::{AdaptedInference, Prompt, Question};
pub use llava::Llava;
pub use network::{Adapted, Example};
pub use projector::{Projector, ProjectorConfig};
pub use sight::Sight;
pub use state::PartShape;
pub use trainer::{AdaptTrainer, Parts};
