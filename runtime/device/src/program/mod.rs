//! What a training step, or a reading of text, does to a device's memory, as data.

mod arena;
mod command;
mod forward;
mod frozen;
mod ops;
mod parts;
mod reading;
mod step;
mod tape;
mod update;

pub use command::{AttentionShape, CacheShape, Command, Kind, Mask, NOWHERE, Span};
pub use forward::Forward;
pub(crate) use frozen::rounded;
pub(crate) use reading::{Pass, Reading};
pub use parts::{Parts, Share};
pub(crate) use step::angles;
pub use step::{BatchShape, Precision, Step};
