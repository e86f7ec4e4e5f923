//! What a training step does to a device's memory, as data.

mod arena;
mod command;
mod ops;
mod sight;
mod step;
mod tape;

pub use command::{AttentionShape, Command, Kind, Mask, Span};
pub use sight::{NOWHERE, SightCommand};
pub(crate) use step::angles;
pub use step::{BatchShape, Precision, Step};
