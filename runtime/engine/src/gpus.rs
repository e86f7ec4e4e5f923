//! The GPUs of a run: which training or evaluation holds how much of which.

mod many;

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use vpc_cost::{GpuSpeeds, GpuWork};
use vpc_device::DeviceError;
use vpc_device::cuda::available;

use crate::device::Device;
use crate::options::Stop;

/// How long to wait before looking again whether a stop was asked for.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

/// Bytes of a GPU that no training is promised: the driver's context, kernels, and what memory in
/// pieces loses.
pub(crate) const RESERVED: u64 = 1 << 30;

/// The GPUs that a run may use; looked for when the first training asks.
#[derive(Debug)]
pub(crate) struct Gpus {
    device: Device,
    /// GPUs that each training takes at once.
    each: usize,
    measured: BTreeMap<String, GpuSpeeds>,
    found: OnceLock<Result<Yard, String>>,
}

impl Gpus {
    /// Those that the person who runs a study allows, so many for each training.
    pub(crate) fn of(device: Device, each: usize, measured: &BTreeMap<String, GpuSpeeds>) -> Self {
        Self {
            device,
            each,
            measured: measured.clone(),
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
        let found = self.found.get_or_init(|| look(self.device, &self.measured));
        found.as_ref().map_err(String::as_str)
    }
}

fn look(device: Device, measured: &BTreeMap<String, GpuSpeeds>) -> Result<Yard, String> {
    let only = match device {
        Device::Cpu => return Err("the study is run with `--device cpu`".to_owned()),
        Device::Auto | Device::Cuda(None) => None,
        Device::Cuda(Some(index)) => Some(index),
    };
    let there = available().map_err(|error: DeviceError| error.to_string())?;
    let lots = there
        .into_iter()
        .filter(|(index, _)| only.is_none_or(|only| only == *index))
        .map(|(index, info)| Lot {
            speeds: measured.get(&info.name).cloned(),
            ..Lot::new(index, (info.memory_bytes as u64).saturating_sub(RESERVED))
        });
    Ok(Yard::of(lots))
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
    /// What was measured of its kind.
    speeds: Option<GpuSpeeds>,
    /// Of each training that is there, how many may share the GPU with it, itself included.
    shared: Vec<u64>,
}

impl Lot {
    fn new(index: usize, bytes: u64) -> Self {
        Self {
            index,
            bytes,
            promised: 0,
            speeds: None,
            shared: Vec::new(),
        }
    }

    /// How many trainings such as this may share it: as many as were measured to pay, else one.
    fn most(&self, work: GpuWork) -> u64 {
        let measured = self.speeds.as_ref();
        measured.map_or(1, |speeds| speeds.trainings(work))
    }

    /// Whether it has room for a job now: memory, and no training there that does better without it.
    fn has_room(&self, bytes: u64, work: Option<GpuWork>) -> bool {
        let is_welcome = work.is_none_or(|work| {
            let most = self.shared.iter().copied().fold(self.most(work), u64::min);
            self.shared.is_empty() || (self.shared.len() as u64) < most
        });
        is_welcome && self.bytes - self.promised >= bytes
    }

    /// What is kept of a job that goes there: how many may share the GPU with it, if it is a training.
    fn take(&mut self, bytes: u64, work: Option<GpuWork>) -> Option<u64> {
        let most = work.map(|work| self.most(work));
        self.promised += bytes;
        self.shared.extend(most);
        most
    }
}

/// A training's place on a GPU, until it is dropped.
#[derive(Debug)]
pub(crate) struct Lease<'y> {
    yard: &'y Yard,
    index: usize,
    bytes: u64,
    most: Option<u64>,
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
    /// GPUs by number, each with the bytes that may be promised, of which nothing was measured.
    #[cfg(test)]
    pub(crate) fn new(lots: impl IntoIterator<Item = (usize, u64)>) -> Self {
        Self::of(
            lots.into_iter()
                .map(|(index, bytes)| Lot::new(index, bytes)),
        )
    }

    fn of(lots: impl IntoIterator<Item = Lot>) -> Self {
        Self {
            lots: Mutex::new(lots.into_iter().collect()),
            freed: Condvar::new(),
        }
    }

    /// A place for a job of so many bytes: on the GPU with the fewest trainings among those with room, then with
    /// the least promised, the first of equals. Where none has room now but one would if it were empty, waits.
    ///
    /// As many trainings of a `work` each share a GPU as all that are there allow, by what was measured of their
    /// sizes. What is no pre-training shares with all, as far as memory goes.
    pub(crate) fn lend(
        &self,
        bytes: u64,
        work: Option<GpuWork>,
        stop: &Stop,
    ) -> Result<Lease<'_>, NoPlace> {
        let mut lots = self.lots();
        loop {
            let largest = lots.iter().map(|lot| lot.bytes).max().unwrap_or(0);
            if bytes > largest {
                return Err(NoPlace::TooLarge(largest));
            }
            let with_room = lots.iter_mut().filter(|lot| lot.has_room(bytes, work));
            if let Some(lot) = with_room.min_by_key(|lot| (lot.shared.len(), lot.promised)) {
                return Ok(Lease {
                    yard: self,
                    index: lot.index,
                    bytes,
                    most: lot.take(bytes, work),
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
            let is_its = |most: &u64| Some(*most) == self.most;
            if let Some(at) = lot.shared.iter().position(is_its) {
                lot.shared.swap_remove(at);
            }
        }
        self.yard.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;

    use vpc_cost::GpuPoint;

    use super::*;

    pub(super) const SMALL: GpuWork = GpuWork {
        is_bf16: false,
        flops_per_step: 1e6,
    };
    const LARGE: GpuWork = GpuWork {
        is_bf16: false,
        flops_per_step: 1e12,
    };

    /// GPUs that eight small trainings share, or two large ones.
    pub(super) fn shared(lots: impl IntoIterator<Item = (usize, u64)>) -> Yard {
        let point = |flops_per_step, rates: &[f64]| GpuPoint {
            flops_per_step,
            tokens_per_step: 1,
            tokens_per_second: rates.to_vec(),
        };
        let line = vec![
            point(1e6, &[1.0, 2.0, 4.0, 8.0]),
            point(1e12, &[1.0, 1.5, 1.51]),
        ];
        let speeds = GpuSpeeds {
            at: 0,
            f32: line.clone(),
            bf16: line,
        };
        Yard::of(lots.into_iter().map(|(index, bytes)| Lot {
            speeds: Some(speeds.clone()),
            ..Lot::new(index, bytes)
        }))
    }

    fn places<const N: usize>(leases: &[Lease<'_>; N]) -> [usize; N] {
        std::array::from_fn(|at| leases[at].index())
    }

    #[test]
    fn trainings_are_spread() {
        let (yard, stop) = (shared([(0, 10), (2, 10), (3, 4)]), Stop::default());
        let lend = |bytes| yard.lend(bytes, Some(SMALL), &stop).expect("a place");
        let leases = [lend(3), lend(3), lend(3), lend(6), lend(3)];
        // The third GPU is too small for the fourth training, and full for the last.
        assert_eq!(places(&leases), [0, 2, 3, 0, 2]);
        drop(leases);
        assert_eq!(places(&[lend(10), lend(10), lend(1)]), [0, 2, 3]);
    }

    #[test]
    fn as_many_share_a_gpu_as_was_measured_to_pay() {
        let (yard, stop) = (shared([(0, 100), (1, 100)]), Stop::default());
        let lend = |work| yard.lend(1, Some(work), &stop).expect("a place");
        let large = [lend(LARGE), lend(LARGE), lend(LARGE)];
        assert_eq!(places(&large), [0, 1, 0]);
        // The second GPU has a large one, which one other may join, however small.
        let small = lend(SMALL);
        assert_eq!(small.index(), 1);
        stop.ask();
        assert_eq!(
            yard.lend(1, Some(SMALL), &stop).err(),
            Some(NoPlace::Stopped)
        );
        drop(large);
        let rest: Vec<_> = (0..15).map(|_| lend(SMALL)).collect();
        assert_eq!(
            yard.lend(1, Some(SMALL), &stop).err(),
            Some(NoPlace::Stopped)
        );
        drop((small, rest));
    }

    #[test]
    fn without_a_measurement_a_training_has_a_gpu_for_itself() {
        let (yard, stop) = (Yard::new([(0, 100), (1, 100)]), Stop::default());
        let held = [(); 2].map(|()| yard.lend(1, Some(SMALL), &stop).expect("a place"));
        assert_eq!(places(&held), [0, 1]);
        stop.ask();
        assert_eq!(
            yard.lend(1, Some(SMALL), &stop).err(),
            Some(NoPlace::Stopped)
        );
        drop(held);
        assert!(yard.lend(1, Some(SMALL), &stop).is_ok());
    }

    #[test]
    fn what_is_no_training_shares_as_far_as_memory_goes() {
        let (yard, stop) = (Yard::new([(0, 10)]), Stop::default());
        let training = yard.lend(4, Some(LARGE), &stop).expect("a place");
        let readings = [(); 2].map(|()| yard.lend(3, None, &stop).expect("a place"));
        stop.ask();
        assert_eq!(yard.lend(3, None, &stop).err(), Some(NoPlace::Stopped));
        drop(training);
        // Nor does a training wait for them.
        assert!(yard.lend(4, Some(LARGE), &stop).is_ok());
        drop(readings);
        assert!(yard.lend(10, None, &stop).is_ok());
    }

    #[test]
    fn what_fits_nowhere_is_refused_at_once() {
        let (yard, stop) = (shared([(0, 10), (1, 8)]), Stop::default());
        assert_eq!(
            yard.lend(11, Some(SMALL), &stop).err(),
            Some(NoPlace::TooLarge(10))
        );
        assert_eq!(
            shared([]).lend(1, Some(SMALL), &stop).err(),
            Some(NoPlace::TooLarge(0))
        );
    }

    #[test]
    fn a_stop_ends_the_wait() {
        let (yard, stop) = (shared([(0, 10)]), Stop::default());
        let held = yard.lend(10, Some(SMALL), &stop).expect("a place");
        thread::scope(|scope| {
            let waiting = scope.spawn(|| yard.lend(5, Some(SMALL), &stop).err());
            stop.ask();
            assert_eq!(waiting.join().expect("a thread"), Some(NoPlace::Stopped));
        });
        drop(held);
        // With room there is nothing to wait for.
        assert!(yard.lend(10, Some(SMALL), &stop).is_ok());
    }

    #[test]
    fn never_more_is_promised_than_there_is() {
        let (yard, stop) = (shared([(0, 10), (1, 7)]), Stop::default());
        let held = [AtomicU64::new(0), AtomicU64::new(0)];
        thread::scope(|scope| {
            for thread in 0..8_u64 {
                let (yard, stop, held) = (&yard, &stop, &held);
                scope.spawn(move || {
                    for turn in 0..50 {
                        let bytes = 1 + (thread * 7 + turn * 3) % 10;
                        let lease = yard.lend(bytes, Some(SMALL), stop).expect("a place");
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
                .all(|lot| lot.promised == 0 && lot.shared.is_empty())
        );
    }

    #[test]
    fn the_processor_is_no_gpu() {
        let gpus = Gpus::of(Device::Cpu, 1, &BTreeMap::new());
        assert!(gpus.yard().expect_err("no GPU").contains("--device cpu"));
    }
}
