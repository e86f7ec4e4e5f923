//! What a training step, or a reading of text, does to a device's memory, as data.

mod adapt;
mod arena;
mod command;
mod encoder;
mod forward;
mod frozen;
mod layers;
mod logits;
mod ops;
mod parts;
mod reading;
mod sight;
mod step;
mod tape;
mod update;

pub use adapt::AdaptShape;
pub(crate) use adapt::{AdaptModel, AdaptStep, Held};
pub use command::{AttentionShape, CacheShape, Command, Kind, Mask, NOWHERE, Span};
pub(crate) use encoder::EncoderProgram;
pub use forward::Forward;
pub(crate) use frozen::rounded;
pub use parts::{Parts, Share};
pub(crate) use reading::{Pass, Reading};
pub use sight::SightCommand;
pub(crate) use step::angles;
pub use step::{BatchShape, Precision, Step};
