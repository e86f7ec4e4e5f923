//! One training on several devices: each takes an equal part of every batch, and moves weights of its own,
//! which stay the same bits as those of the others.
//!
//! No device ever waits for another in a thread of its own. The group sets all of them to work, waits for
//! all, adds up, and goes on: so where one fails, nobody is left waiting.

mod through_host;
mod together;
mod trainer;

pub use through_host::ThroughHost;
pub use trainer::{GroupTrainer, memory};

use crate::program::Span;
use crate::{Device, DeviceError};

/// What adds up numbers of several devices, whose arenas have one layout.
pub trait Communicator<D: Device> {
    /// Adds up f32 or f64 `spans` over all devices, after what they were asked to do earlier; each then
    /// holds the sum. The same numbers give the same bits, and all devices the same ones.
    ///
    /// May return before it is done.
    fn sum(&mut self, devices: &mut [D], spans: &[Span]) -> Result<(), DeviceError>;

    /// Waits until all devices have done what they were asked to.
    ///
    /// Fails, soon, where one of them did, even if others can then never be done.
    fn wait(&mut self, devices: &mut [D]) -> Result<(), DeviceError>;
}
