//! Time and memory of a job on devices of a pool.

use crate::pool::Pool;
use crate::work::Work;

/// Share of a device's memory that jobs may plan with; the rest is the runtime's and fragments.
const USABLE: f64 = 0.9;

/// ASSUMED: the least time of a layer in one step: some twenty kernels forwards and forty backwards,
/// 5 µs each to launch. It keeps small models from looking instantaneous.
const LAYER: f64 = 3e-4;

/// Why a job has no place on a kind of device.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Misfit {
    /// One sequence is too much for a device.
    Sequence,
    /// It needs more devices than the pool has.
    Pool(u64),
}

impl Pool {
    /// The fewest devices that hold a job: weights and optimiser shared out among them, and one
    /// sequence on each.
    pub fn fewest(&self, work: &Work) -> Result<u64, Misfit> {
        let there = self.device.memory as f64 * USABLE - work.memory.sequence;
        if there <= 0.0 {
            return Err(Misfit::Sequence);
        }
        let fewest = (work.memory.state / there).ceil().max(1.0) as u64;
        if fewest > self.count {
            return Err(Misfit::Pool(fewest));
        }
        Ok(fewest)
    }

    /// The most devices that a job can use.
    pub fn most(&self, work: &Work) -> u64 {
        let fewest = self.fewest(work).unwrap_or(1);
        work.widest.max(fewest).min(self.count)
    }

    /// Seconds of a job on so many devices.
    ///
    /// ASSUMED: twice the devices take half the time, up to [`Pool::most`]. The utilisation is
    /// already that of 64 and 128 devices.
    pub fn seconds(&self, work: &Work, devices: u64) -> f64 {
        let devices = devices.max(1) as f64;
        let device = &self.device;
        let computed = work.flops / (devices * device.peak * device.utilisation);
        let launched = (work.steps * work.layers) as f64 * LAYER;
        computed.max(launched) + work.decoded / (device.bandwidth * devices)
    }

    /// Seconds of one device that a job takes: what is paid for.
    pub fn device_seconds(&self, work: &Work, devices: u64) -> f64 {
        self.seconds(work, devices) * devices as f64
    }

    /// Bytes of memory of each device that a job needs.
    pub fn memory(work: &Work, devices: u64) -> f64 {
        work.memory.state / devices.max(1) as f64 + work.memory.sequence
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "whole numbers, exact in floats")]

    use super::*;
    use crate::size::Memory;

    fn pool(text: &str) -> Pool {
        text.parse().unwrap()
    }

    fn work() -> Work {
        Work {
            flops: 312e12 * 0.5 * 1000.0,
            steps: 10,
            layers: 10,
            widest: 16,
            memory: Memory {
                state: 116e9,
                sequence: 9e9,
                ..Memory::default()
            },
            ..Work::default()
        }
    }

    #[test]
    fn twice_the_devices_take_half_the_time() {
        let pool = pool("128xa100");
        assert_eq!(pool.seconds(&work(), 1), 1000.0);
        assert_eq!(pool.seconds(&work(), 4), 250.0);
        assert_eq!(pool.device_seconds(&work(), 4), 1000.0);
        assert_eq!(pool.most(&work()), 16);
    }

    #[test]
    fn launches_bound_a_step_from_below() {
        let small = Work {
            flops: 1.0,
            ..work()
        };
        assert!((pool("a100").seconds(&small, 1) - 0.03).abs() < 1e-12);
    }

    #[test]
    fn memory_says_how_many_devices_it_takes() {
        // 0.9 · 80 GB less 9 GB are 63 GB a device.
        assert_eq!(pool("128xa100").fewest(&work()), Ok(2));
        assert_eq!(pool("h200").fewest(&work()), Ok(1));
        assert_eq!(pool("a100").fewest(&work()), Err(Misfit::Pool(2)));
        let mut long = work();
        long.memory.sequence = 100e9;
        assert_eq!(pool("128xa100").fewest(&long), Err(Misfit::Sequence));
    }
}
