//! What a training step does to a device's memory, as data.

mod arena;
mod command;
mod ops;
mod parts;
mod step;
mod tape;
mod update;

pub use command::{AttentionShape, Command, Kind, Mask, Span};
pub use parts::{Parts, Share};
pub(crate) use step::angles;
pub use step::{BatchShape, Precision, Step};
