//! Reading answers out of what a model wrote.

mod choice;
mod letter;
mod short;

pub use choice::{Parsed, Stage, choice, yes_no};
pub use short::{contained, equal, normalise, relaxed, vqa_accuracy};
