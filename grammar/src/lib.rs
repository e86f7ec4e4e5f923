//! The text of `.vp` files: sources, the grammar, a parser that never gives up, and problems.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]
#![deny(clippy::float_arithmetic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod build;
mod cut;
mod describe;
mod format;
pub mod limits;
mod parse;
mod problem;
mod render;
mod source;
mod syntax;
pub mod tree;

pub use format::format;
#[doc(hidden)]
pub use parse::parse_uncut;
pub use parse::{Parsed, parse};
pub use problem::{Code, Fix, Label, Problem, Problems, Severity};
pub use render::{Colour, render};
pub use source::{Position, Source, SourceId, Sources, Span};
