//! Measuring, as pure functions: how questions are put and answers read and recorded; statistics and suites.

pub mod parse;
pub mod prompt;
pub mod record;
pub mod statistics;
pub mod suite;
