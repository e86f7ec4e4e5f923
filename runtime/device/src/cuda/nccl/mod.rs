//! Sums over GPUs of one machine, by NVIDIA's NCCL.
#![allow(unsafe_code, reason = "calls NCCL with addresses of GPU memory")]

mod api;
#[cfg(test)]
mod tests;

use std::ffi::{c_int, c_void};
use std::thread::sleep;
use std::time::{Duration, Instant};

use api::{Api, DOUBLE, End, FLOAT};

use super::device::{Cuda, turn};
use crate::group::Communicator;
use crate::program::{Kind, Span};
use crate::{Device, DeviceError};

/// How long to wait before looking again whether GPUs are done.
const LOOK_AGAIN: Duration = Duration::from_micros(50);
/// Longest time of a step. Where GPUs cannot reach each other as they claim, sums never end.
const PATIENCE: Duration = Duration::from_mins(15);

/// A device whose memory NCCL reaches.
pub(super) trait Reached: Device {
    /// The GPU's number, as its driver counts.
    fn index(&self) -> usize;

    /// The address of a span of its arena.
    fn address_of(&self, span: Span) -> u64;

    /// The stream in which its commands are.
    fn queue(&self) -> *mut c_void;

    /// Whether all that was asked for is done; fails where it failed.
    fn is_done(&mut self) -> Result<bool, DeviceError>;
}

/// A group of GPUs that add up numbers among them.
///
/// All sums are begun by one thread, for all GPUs at once, and it alone waits for them; so a GPU that
/// fails ends the sums of the others.
pub struct Nccl {
    api: &'static Api,
    /// One for each GPU; none after a failure.
    ends: Vec<End>,
    patience: Duration,
}

// SAFETY: the library's functions may be called from any thread, by one at a time for a group, which `&mut`
// sees to.
unsafe impl Send for Nccl {}

impl std::fmt::Debug for Nccl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Nccl({} GPUs)", self.ends.len())
    }
}

impl Nccl {
    /// Joins GPUs, in the order of their ranks.
    ///
    /// Fails where the library is missing, with how to get it.
    pub fn join(gpus: &[Cuda]) -> Result<Self, DeviceError> {
        let numbers: Vec<usize> = gpus.iter().map(Reached::index).collect();
        Self::of(Api::of_machine()?, &numbers)
    }

    /// Fails unless the library is here, with how to get it.
    pub fn check() -> Result<(), DeviceError> {
        Api::of_machine().map(drop)
    }

    fn of(api: &'static Api, gpus: &[usize]) -> Result<Self, DeviceError> {
        let numbers: Result<Vec<c_int>, _> = gpus.iter().map(|index| (*index).try_into()).collect();
        let numbers = numbers.map_err(|_| DeviceError::Unsupported(format!("GPUs {gpus:?}")))?;
        let _turn = turn();
        Ok(Self {
            api,
            ends: api.begin(&numbers)?,
            patience: PATIENCE,
        })
    }

    /// Enqueues the sums of all GPUs.
    fn enqueue<D: Reached>(&self, devices: &[D], spans: &[Span]) -> Result<(), DeviceError> {
        let mut sums = Vec::new();
        for span in spans {
            let kind = match span.kind {
                Kind::F32 => FLOAT,
                Kind::F64 => DOUBLE,
                Kind::Bf16 | Kind::U32 => {
                    let what = format!("a sum of {:?} over GPUs", span.kind);
                    return Err(DeviceError::Unsupported(what));
                }
            };
            for (device, end) in devices.iter().zip(&self.ends) {
                sums.push((device, *end, (device.address_of(*span), span.len, kind)));
            }
        }
        // The first sums take memory.
        let _turn = turn();
        self.api.open_list()?;
        let listed = sums.into_iter().try_for_each(|(device, end, numbers)| {
            // SAFETY: the ends are alive, one for each device, and spans lie in the devices' arenas.
            unsafe { self.api.sum(numbers, end, device.queue()) }
        });
        // A list that was opened is closed, whatever became of it.
        let closed = self.api.close_list();
        listed.and(closed)
    }

    fn wait_for<D: Reached>(&self, devices: &mut [D]) -> Result<(), DeviceError> {
        let begun = Instant::now();
        loop {
            let mut done = true;
            for device in &mut *devices {
                done &= device.is_done()?;
            }
            if done {
                return Ok(());
            }
            for end in &self.ends {
                // SAFETY: the ends are alive.
                unsafe { self.api.check_end(*end) }?;
            }
            if begun.elapsed() > self.patience {
                return Err(DeviceError::Call {
                    library: "NCCL",
                    doing: "add up",
                    problem: format!(
                        "the GPUs are not done after {} s; try again with `NCCL_P2P_DISABLE=1`, which goes \
                         by way of the host's memory",
                        self.patience.as_secs()
                    ),
                });
            }
            sleep(LOOK_AGAIN);
        }
    }

    fn abort(&mut self) {
        let _turn = turn();
        for end in self.ends.drain(..) {
            // SAFETY: each end is taken out, so this is done once.
            unsafe { self.api.abort(end) };
        }
    }

    /// Fails after a failure, or where there are other devices than were joined.
    fn check_alive(&self, devices: usize) -> Result<(), DeviceError> {
        if self.ends.len() == devices {
            return Ok(());
        }
        Err(DeviceError::Call {
            library: "NCCL",
            doing: "add up",
            problem: format!("{} of {devices} GPUs are joined", self.ends.len()),
        })
    }
}

impl<D: Reached> Communicator<D> for Nccl {
    fn sum(&mut self, devices: &mut [D], spans: &[Span]) -> Result<(), DeviceError> {
        self.check_alive(devices.len())?;
        self.enqueue(devices, spans).inspect_err(|_| self.abort())
    }

    fn wait(&mut self, devices: &mut [D]) -> Result<(), DeviceError> {
        self.check_alive(devices.len())?;
        self.wait_for(devices).inspect_err(|_| self.abort())
    }
}

impl Drop for Nccl {
    fn drop(&mut self) {
        let _turn = turn();
        for end in self.ends.drain(..) {
            // SAFETY: each end is taken out, so this is done once.
            unsafe { self.api.finish(end) };
        }
    }
}
