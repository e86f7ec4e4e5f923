//! What a training step does to a device's memory, as data.

mod adapt;
mod arena;
mod command;
mod encoder;
mod layers;
mod ops;
mod sight;
mod step;
mod tape;

pub use adapt::AdaptShape;
pub(crate) use adapt::{AdaptModel, AdaptStep, Held};
pub use command::{AttentionShape, Command, Kind, Mask, Span};
pub(crate) use encoder::EncoderProgram;
pub use sight::{NOWHERE, SightCommand};
pub(crate) use step::angles;
pub use step::{BatchShape, Precision, Step};
