//! Runs the ready jobs of a plan: in dependency order, several side by side, each at most once.
//!
//! [`survey`] says what a run would do; [`run`] does it and tells an [`Observer`] how it goes. What
//! a job computes is in `jobs`; when it runs is in `schedule`; where results are kept is the store's.

mod error;
mod event;
mod jobs;
mod memory;
mod options;
mod outcome;
mod schedule;
mod support;
mod survey;
mod work;

pub use error::JobError;
pub use event::{Event, Observer, Progress};
pub use memory::address_space;
pub use options::{Options, Stop};
pub use outcome::{Failure, Outcome};
pub use schedule::run;
pub use support::{Unsupported, unsupported};
pub use survey::{State, Survey, survey};
