//! What jobs take before they run: parameters, FLOPs, memory, disk and time; and the wall clock of a
//! plan on a machine or on a pool of devices.
//!
//! [`Pieces`] are the work of a plan that is to do, cut where others wait for a part of it; each has
//! a [`Work`]. A [`Place`] says how fast that goes, and [`forecast`] when all of it is done. Formulas
//! stand in `flops` and `size` with their sources; what is assumed is marked ASSUMED, and all of it is
//! in `docs/cost.md`.

mod budget;
mod device;
mod devices;
mod estimator;
mod flops;
mod forecast;
mod gpu;
mod lots;
mod machine;
mod pieces;
mod pool;
mod schedule;
mod sharing;
mod size;
mod threads;
mod work;

pub use budget::device_seconds;
pub use device::{DEFAULT, DEVICES, Device};
pub use devices::Misfit;
pub use estimator::{Estimator, Facts};
pub use flops::{
    TRAINING_PASSES, attention, encoder_forward, encoder_weights, forward, multiplied,
    projector_weights, training,
};
pub use forecast::{Forecast, JobCost, Place, forecast};
pub use gpu::{GpuPoint, GpuSpeeds, GpuWork, Gpus, PAYS, TOGETHER, gpu_work};
pub use machine::{Company, Machine, Point, ROUGH, SCHEMA, Speeds, TextSpeeds};
pub use pieces::Pieces;
pub use pool::{NotAPool, Pool};
pub use size::{KEPT, Memory, Parameters, STATE};
pub use threads::threads_for;
pub use work::{
    ANSWER_TOKENS, BYTES_PER_TOKEN, DECODED_TOGETHER, EXPLANATION_TOKENS, ITEM_TOKENS, OPTIONS,
    Text, Work,
};
