//! What a training step does to a device's memory, as data.

mod arena;
mod command;
mod ops;
mod step;
mod tape;

pub use command::{AttentionShape, Command, Kind, Mask, Span};
pub(crate) use step::angles;
pub use step::{BatchShape, Precision, Step};
