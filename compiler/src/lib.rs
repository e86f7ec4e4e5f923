//! From a parsed study to a plan of jobs. Pure: no file, clock, environment or randomness.

pub mod plan;
