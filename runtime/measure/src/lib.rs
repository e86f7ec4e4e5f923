//! Measuring, as pure functions: how questions are put and answers are read.

pub mod parse;
pub mod prompt;
