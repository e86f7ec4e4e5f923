//! Runs the ready jobs of a plan: in dependency order, several side by side, each at most once.
//!
//! [`survey`] says what a run would do; [`run`] does it and tells an [`Observer`] how it goes. What
//! a job computes is in `jobs`; when it runs is in `schedule`; where results are kept is the store's.

mod adopt;
mod ask;
mod calibrate;
mod device;
mod elsewhere;
mod error;
mod event;
mod export;
mod footprint;
mod gpus;
mod group;
mod jobs;
mod labelling;
mod lineage;
mod log;
mod memory;
mod need;
mod options;
mod outcome;
mod past;
mod placed;
mod reading;
mod reasons;
mod reuse;
mod savings;
mod schedule;
mod sources;
mod steps;
mod support;
mod survey;
mod trunks;
mod work;

pub use adopt::{AdoptError, Adopted, Filed, adopt};
pub use ask::{AskError, Asked, Reply, Scored, ask};
pub use calibrate::{calibrate, calibrate_gpu};
pub use device::{Device, made_on};
pub use error::JobError;
pub use event::{Event, Observer, Progress};
pub use export::{ExportError, ExportedModel, export, export_llava};
pub use footprint::{Footprints, Instead, lent};
pub use jobs::answers;
pub use labelling::{Labelling, label, label_elsewhere};
pub use lineage::LineageError;
pub use log::note_found;
pub use memory::{address_space, total as memory};
pub use options::{Options, Stop};
pub use outcome::{Failure, Outcome};
pub use reasons::{Cause, Reason, Reasons, reasons};
pub use savings::{Advice, Missed, Training, advice, training};
pub use schedule::run;
pub use sources::{asked_items, choice, item_source, text_source};
pub use steps::kept;
pub use support::{Unsupported, unsupported};
pub use survey::{State, Survey, survey};
