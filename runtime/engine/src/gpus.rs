//! The GPUs of a run: which training or evaluation holds how much of which.

mod many;

use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use vpc_device::DeviceError;
use vpc_device::cuda::available;

use crate::device::Device;
use crate::options::Stop;

/// How long to wait before looking again whether a stop was asked for.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

/// Bytes of a GPU that no training is promised: the driver's context, kernels, and what memory in
/// pieces loses.
const RESERVED: u64 = 1 << 30;

/// The GPUs that a run may use; looked for when the first training asks.
#[derive(Debug)]
pub(crate) struct Gpus {
    device: Device,
    /// GPUs that each training takes at once.
    each: usize,
    found: OnceLock<Result<Yard, String>>,
}

impl Gpus {
    /// Those that the person who runs a study allows, so many for each training.
    pub(crate) fn of(device: Device, each: usize) -> Self {
        Self {
            device,
            each,
            found: OnceLock::new(),
        }
    }

    /// What was allowed.
    pub(crate) fn device(&self) -> Device {
        self.device
    }

    /// GPUs that each training takes at once.
    pub(crate) fn each(&self) -> usize {
        self.each
    }

    /// The GPUs, at least one; or why trainings do not go there.
    pub(crate) fn yard(&self) -> Result<&Yard, &str> {
        let found = self.found.get_or_init(|| look(self.device));
        found.as_ref().map_err(String::as_str)
    }
}

fn look(device: Device) -> Result<Yard, String> {
    let only = match device {
        Device::Cpu => return Err("the study is run with `--device cpu`".to_owned()),
        Device::Auto | Device::Cuda(None) => None,
        Device::Cuda(Some(index)) => Some(index),
    };
    let there = available().map_err(|error: DeviceError| error.to_string())?;
    let lots = there
        .into_iter()
        .filter(|(index, _)| only.is_none_or(|only| only == *index))
        .map(|(index, info)| (index, (info.memory_bytes as u64).saturating_sub(RESERVED)));
    Ok(Yard::new(lots))
}

/// GPUs, and what was promised of their memory.
#[derive(Debug)]
pub(crate) struct Yard {
    lots: Mutex<Vec<Lot>>,
    freed: Condvar,
}

/// One GPU.
#[derive(Debug)]
struct Lot {
    /// As the driver counts.
    index: usize,
    /// Memory that may be promised.
    bytes: u64,
    /// Memory that is.
    promised: u64,
    /// Trainings that are there.
    trainings: usize,
}

/// A training's place on a GPU, until it is dropped.
#[derive(Debug)]
pub(crate) struct Lease<'y> {
    yard: &'y Yard,
    index: usize,
    bytes: u64,
}

/// Why there is no place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoPlace {
    /// It fits on none, even alone; the largest has so many bytes to give.
    TooLarge(u64),
    /// A stop was asked for meanwhile.
    Stopped,
}

impl Yard {
    /// GPUs by number, each with the bytes that may be promised.
    pub(crate) fn new(lots: impl IntoIterator<Item = (usize, u64)>) -> Self {
        let lots = lots.into_iter().map(|(index, bytes)| Lot {
            index,
            bytes,
            promised: 0,
            trainings: 0,
        });
        Self {
            lots: Mutex::new(lots.collect()),
            freed: Condvar::new(),
        }
    }

    /// A place for a training of so many bytes: on the GPU with the fewest trainings among those with
    /// room, the first of equals. Where none has room now but one would if it were empty, waits.
    pub(crate) fn lend(&self, bytes: u64, stop: &Stop) -> Result<Lease<'_>, NoPlace> {
        let mut lots = self.lots();
        loop {
            let largest = lots.iter().map(|lot| lot.bytes).max().unwrap_or(0);
            if bytes > largest {
                return Err(NoPlace::TooLarge(largest));
            }
            let with_room = lots
                .iter_mut()
                .filter(|lot| lot.bytes - lot.promised >= bytes);
            if let Some(lot) = with_room.min_by_key(|lot| lot.trainings) {
                lot.promised += bytes;
                lot.trainings += 1;
                return Ok(Lease {
                    yard: self,
                    index: lot.index,
                    bytes,
                });
            }
            if stop.asked() {
                return Err(NoPlace::Stopped);
            }
            let waited = self.freed.wait_timeout(lots, LOOK_AGAIN);
            lots = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// How many GPUs there are.
    pub(crate) fn count(&self) -> usize {
        self.lots().len()
    }

    fn lots(&self) -> MutexGuard<'_, Vec<Lot>> {
        // Numbers alone are guarded, which a panic elsewhere leaves whole.
        self.lots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease<'_> {
    /// The GPU's number, as the driver counts.
    pub(crate) fn index(&self) -> usize {
        self.index
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut lots = self.yard.lots();
        if let Some(lot) = lots.iter_mut().find(|lot| lot.index == self.index) {
            lot.promised -= self.bytes;
            lot.trainings -= 1;
        }
        self.yard.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;

    use super::*;

    fn places<const N: usize>(leases: &[Lease<'_>; N]) -> [usize; N] {
        std::array::from_fn(|at| leases[at].index())
    }

    #[test]
    fn trainings_are_spread() {
        let (yard, stop) = (Yard::new([(0, 10), (2, 10), (3, 4)]), Stop::default());
        let lend = |bytes| yard.lend(bytes, &stop).expect("a place");
        let leases = [lend(3), lend(3), lend(3), lend(6), lend(3)];
        // The third GPU is too small for the fourth training, and full for the last.
        assert_eq!(places(&leases), [0, 2, 3, 0, 2]);
        drop(leases);
        assert_eq!(places(&[lend(10), lend(10), lend(1)]), [0, 2, 3]);
    }

    #[test]
    fn what_fits_nowhere_is_refused_at_once() {
        let (yard, stop) = (Yard::new([(0, 10), (1, 8)]), Stop::default());
        assert_eq!(yard.lend(11, &stop).err(), Some(NoPlace::TooLarge(10)));
        assert_eq!(
            Yard::new([]).lend(1, &stop).err(),
            Some(NoPlace::TooLarge(0))
        );
    }

    #[test]
    fn a_stop_ends_the_wait() {
        let (yard, stop) = (Yard::new([(0, 10)]), Stop::default());
        let held = yard.lend(10, &stop).expect("a place");
        thread::scope(|scope| {
            let waiting = scope.spawn(|| yard.lend(5, &stop).err());
            stop.ask();
            assert_eq!(waiting.join().expect("a thread"), Some(NoPlace::Stopped));
        });
        drop(held);
        // With room there is nothing to wait for.
        assert!(yard.lend(10, &stop).is_ok());
    }

    #[test]
    fn never_more_is_promised_than_there_is() {
        let (yard, stop) = (Yard::new([(0, 10), (1, 7)]), Stop::default());
        let held = [AtomicU64::new(0), AtomicU64::new(0)];
        thread::scope(|scope| {
            for thread in 0..8_u64 {
                let (yard, stop, held) = (&yard, &stop, &held);
                scope.spawn(move || {
                    for turn in 0..50 {
                        let bytes = 1 + (thread * 7 + turn * 3) % 10;
                        let lease = yard.lend(bytes, stop).expect("a place");
                        let index = lease.index();
                        let sum = held[index].fetch_add(bytes, Ordering::SeqCst) + bytes;
                        assert!(sum <= [10, 7][index], "{sum} bytes on {index}");
                        thread::yield_now();
                        held[index].fetch_sub(bytes, Ordering::SeqCst);
                        drop(lease);
                    }
                });
            }
        });
        assert!(
            yard.lots()
                .iter()
                .all(|lot| lot.promised == 0 && lot.trainings == 0)
        );
    }

    #[test]
    fn the_processor_is_no_gpu() {
        let gpus = Gpus::of(Device::Cpu, 1);
        assert!(gpus.yard().expect_err("no GPU").contains("--device cpu"));
    }
}
