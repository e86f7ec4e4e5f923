//! What a plan takes of one kind of device, whatever the pool.

use crate::device::Device;
use crate::pieces::Pieces;
use crate::pool::{MOST, Pool};

/// Seconds of one device that each job takes, in the plan's order: on as few devices as hold it.
/// Jobs that need no device are left out.
pub fn device_seconds(pieces: &Pieces, device: &Device) -> Vec<(usize, f64)> {
    let pool = Pool::of(MOST, *device);
    let mut jobs: Vec<(usize, f64)> = Vec::new();
    for (job, work) in pieces.job.iter().zip(&pieces.work) {
        if !work.is_on_devices() {
            continue;
        }
        let fewest = pool.fewest(work).unwrap_or(1);
        let seconds = pool.device_seconds(work, fewest);
        // Pieces of a job follow each other.
        match jobs.last_mut().filter(|last| last.0 == *job) {
            Some(last) => last.1 += seconds,
            None => jobs.push((*job, seconds)),
        }
    }
    jobs
}
