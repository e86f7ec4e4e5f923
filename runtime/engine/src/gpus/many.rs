//! Places on several GPUs at once, for one training.

use std::sync::PoisonError;

use vpc_cost::GpuWork;

use super::{LOOK_AGAIN, Lease, Lot, NoPlace, Yard};
use crate::options::Stop;

impl Yard {
    /// Places of so many bytes on `count` GPUs, in the order of their numbers: on those with the fewest
    /// trainings among those with room. Fewer GPUs than `count`, at least 1, have no room at all.
    ///
    /// All or none are lent, so that no two trainings wait for what the other one holds. Where too few have
    /// room now but enough would if they were empty, waits.
    pub(crate) fn lend_many(
        &self,
        count: usize,
        bytes: u64,
        work: GpuWork,
        stop: &Stop,
    ) -> Result<Vec<Lease<'_>>, NoPlace> {
        let mut lots = self.lots();
        let mut sizes: Vec<u64> = lots.iter().map(|lot| lot.bytes).collect();
        sizes.sort_unstable_by(|one, other| other.cmp(one));
        // The smallest of the largest that are so many.
        let least = sizes.get(count - 1).copied().unwrap_or(0);
        if bytes > least {
            return Err(NoPlace::TooLarge(least));
        }
        loop {
            let mut with_room: Vec<&mut Lot> = lots
                .iter_mut()
                .filter(|lot| lot.has_room(bytes, Some(work)))
                .collect();
            if with_room.len() >= count {
                with_room.sort_by_key(|lot| lot.shared.len());
                with_room.truncate(count);
                with_room.sort_by_key(|lot| lot.index);
                let lend = |lot: &mut Lot| Lease {
                    yard: self,
                    index: lot.index,
                    bytes,
                    most: lot.take(bytes, Some(work)),
                };
                return Ok(with_room.into_iter().map(lend).collect());
            }
            if stop.asked() {
                return Err(NoPlace::Stopped);
            }
            let waited = self.freed.wait_timeout(lots, LOOK_AGAIN);
            lots = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::super::tests::{SMALL, shared};
    use super::*;

    fn places(leases: &[Lease<'_>]) -> Vec<usize> {
        leases.iter().map(Lease::index).collect()
    }

    #[test]
    fn a_training_has_a_place_on_each_of_several() {
        let (yard, stop) = (shared([(0, 10), (1, 10), (3, 4), (5, 10)]), Stop::default());
        let lend = |count, bytes| yard.lend_many(count, bytes, SMALL, &stop).expect("places");
        let first = lend(2, 6);
        assert_eq!(places(&first), [0, 1]);
        // The third is too small, and of the others one alone has room.
        let one = yard.lend(4, Some(SMALL), &stop).expect("a place");
        assert_eq!(one.index(), 3);
        let second = lend(3, 4);
        assert_eq!(places(&second), [0, 1, 5]);
        drop((first, one, second));
        assert_eq!(places(&lend(3, 10)), [0, 1, 5]);
        assert_eq!(places(&lend(1, 1)), [0]);
        assert!(yard.lots().iter().all(|lot| lot.promised == 0));
    }

    #[test]
    fn what_cannot_be_had_is_refused_at_once() {
        let (yard, stop) = (shared([(0, 10), (1, 8), (2, 4)]), Stop::default());
        let refused = |count, bytes| yard.lend_many(count, bytes, SMALL, &stop).err();
        assert_eq!(refused(4, 1), Some(NoPlace::TooLarge(0)));
        assert_eq!(refused(2, 9), Some(NoPlace::TooLarge(8)));
        assert_eq!(refused(3, 5), Some(NoPlace::TooLarge(4)));
        assert_eq!(refused(3, 4), None);
    }

    #[test]
    fn nothing_is_held_while_waiting() {
        let (yard, stop) = (shared([(0, 10), (1, 10)]), Stop::default());
        let held = yard.lend(10, Some(SMALL), &stop).expect("a place");
        assert_eq!(held.index(), 0);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                yard.lend_many(2, 6, SMALL, &stop)
                    .map(|leases| places(&leases))
            });
            thread::sleep(Duration::from_millis(30));
            // The other GPU is free for others meanwhile.
            assert!(yard.lend(10, Some(SMALL), &stop).is_ok());
            drop(held);
            assert_eq!(waiting.join().expect("a thread"), Ok(vec![0, 1]));
        });
        let held = yard.lend(10, Some(SMALL), &stop).expect("a place");
        thread::scope(|scope| {
            let waiting = scope.spawn(|| yard.lend_many(2, 6, SMALL, &stop).err());
            stop.ask();
            assert_eq!(waiting.join().expect("a thread"), Some(NoPlace::Stopped));
        });
        drop(held);
    }

    #[test]
    fn many_that_want_several_all_come_to_their_turn() {
        let (yard, stop) = (shared([(0, 10), (1, 7), (2, 10)]), Stop::default());
        let held = [AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0)];
        let begun = Instant::now();
        thread::scope(|scope| {
            for thread in 0..8_u64 {
                let (yard, stop, held) = (&yard, &stop, &held);
                scope.spawn(move || {
                    for turn in 0..30 {
                        let count = 1 + (thread + turn) as usize % 3;
                        let bytes = 1 + (thread * 7 + turn * 3) % 7;
                        let leases = yard.lend_many(count, bytes, SMALL, stop).expect("places");
                        assert_eq!(leases.len(), count);
                        for index in places(&leases) {
                            let sum = held[index].fetch_add(bytes, Ordering::SeqCst) + bytes;
                            assert!(sum <= [10, 7, 10][index], "{sum} bytes on {index}");
                        }
                        thread::yield_now();
                        for index in places(&leases) {
                            held[index].fetch_sub(bytes, Ordering::SeqCst);
                        }
                        drop(leases);
                    }
                });
            }
        });
        assert!(begun.elapsed() < Duration::from_mins(1));
        assert!(
            yard.lots()
                .iter()
                .all(|lot| lot.promised == 0 && lot.shared.is_empty())
        );
    }
}
