//! Measuring, as pure functions: how answers are read and recorded; statistics, suites, alignment.

pub mod alignment;
pub mod pairs;
pub mod parse;
pub mod record;
pub mod statistics;
pub mod suite;
