//! Measuring, as pure functions: how answers are read and recorded; statistics and suites.

pub mod parse;
pub mod record;
pub mod statistics;
pub mod suite;
