//! How a run is to go; nothing here changes a result.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use vpc_cost::GpuSpeeds;

use crate::device::Device;

/// Settings of a run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Processor threads to use in all.
    pub threads: usize,
    /// What trainings and evaluations run on.
    pub device: Device,
    /// GPUs that each training job takes at once, sharing out its batches; 1, or more with GPUs alone.
    pub data_parallel: usize,
    /// What was measured of GPUs, by name: how many trainings share one. One has a GPU for itself where
    /// nothing was measured.
    pub gpus: BTreeMap<String, GpuSpeeds>,
    /// Whether to go on with independent jobs after one failed.
    pub keep_going: bool,
    /// Longest time between two checkpoints of a training job. None leaves it to the engine: so
    /// often that filing them takes little of the time.
    pub checkpoint_every: Option<Duration>,
    /// What this program calls itself, for the record.
    pub build: String,
    /// What the journal calls the study: see [`vpc_store::Begun::study`].
    pub study: String,
    /// The selections that were asked for, for the record.
    pub only: Vec<String>,
}

/// A wish to stop, shared between threads and signal handlers.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks for a stop.
    pub fn ask(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether a stop was asked for.
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Returns the flag itself, for a signal handler.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}
