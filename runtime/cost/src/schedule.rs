//! When pieces of work run: list scheduling, on a machine as the engine does it, on a pool by the
//! longest chain.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeSet, BinaryHeap};

use crate::forecast::{Schedule, longest_after};
use crate::machine::{Company, Machine};
use crate::pieces::Pieces;
use crate::pool::Pool;

/// Ready pieces looked at, one after the other, for one that fits beside those that run.
const LOOKED_AT: usize = 64;

/// Seconds, in order.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Seconds(f64);

impl Eq for Seconds {}

impl Ord for Seconds {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Seconds {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What runs, as time goes on.
struct Clock<'p> {
    pieces: &'p Pieces,
    now: f64,
    running: BinaryHeap<Reverse<(Seconds, usize)>>,
    waits: Vec<u32>,
    free: u64,
    /// Bytes in memory.
    held: f64,
    schedule: Schedule,
}

impl<'p> Clock<'p> {
    fn new(pieces: &'p Pieces, free: u64) -> Self {
        let count = pieces.work.len();
        Self {
            pieces,
            now: 0.0,
            running: BinaryHeap::new(),
            waits: pieces.waits.clone(),
            free,
            held: 0.0,
            schedule: Schedule {
                widths: vec![0; count],
                seconds: vec![0.0; count],
                ..Schedule::default()
            },
        }
    }

    fn begin(&mut self, piece: usize, width: u64, seconds: f64) {
        self.free -= width;
        self.schedule.widths[piece] = width;
        self.schedule.seconds[piece] = seconds;
        self.running
            .push(Reverse((Seconds(self.now + seconds), piece)));
    }

    /// Goes on to the next end; returns the piece that ended. None where nothing runs.
    fn next(&mut self) -> Option<usize> {
        let Reverse((Seconds(end), piece)) = self.running.pop()?;
        self.now = end;
        self.schedule.wall = end;
        self.free += self.schedule.widths[piece];
        Some(piece)
    }

    /// The pieces that need not wait any more now that one ended.
    fn released(&mut self, ended: usize) -> Vec<usize> {
        let users = self.pieces.users(ended);
        let waits = &mut self.waits;
        users
            .filter(|user| {
                waits[*user] -= 1;
                waits[*user] == 0
            })
            .collect()
    }

    fn ready(&self) -> impl Iterator<Item = usize> + use<'p> {
        let waits = self.pieces.waits.iter().enumerate();
        waits.filter(|(_, waits)| **waits == 0).map(|(at, _)| at)
    }
}

/// The engine's own rule: ready jobs in the plan's order, each on its share of the free threads.
pub(crate) fn on_machine(pieces: &Pieces, machine: &Machine) -> Schedule {
    let mut clock = Clock::new(pieces, machine.threads.max(1));
    let mut ready: BTreeSet<usize> = clock.ready().collect();
    loop {
        while clock.free > 0
            && let Some(piece) = ready.first().copied()
        {
            let threads = (clock.free / ready.len() as u64).max(1);
            let is_alone = clock.running.is_empty() && ready.len() == 1;
            let company = if is_alone {
                Company::Alone
            } else {
                Company::Beside
            };
            ready.remove(&piece);
            let work = &pieces.work[piece];
            clock.held += Machine::memory(work, threads);
            clock.schedule.memory = clock.schedule.memory.max(clock.held);
            clock.begin(piece, threads, machine.seconds(work, threads, company));
        }
        let Some(ended) = clock.next() else {
            return clock.schedule;
        };
        clock.held -= Machine::memory(&pieces.work[ended], clock.schedule.widths[ended]);
        let released = clock.released(ended);
        ready.extend(released);
    }
}

/// On a pool: how many devices each piece gets is settled first, then pieces run in the order of the
/// longest chain that they begin.
///
/// No schedule is shorter than the bound: all device time shared out, or the longest chain with each
/// job on as many devices as it can use. A piece gets the fewest devices with which no chain through
/// it exceeds the bound. That is seldom a whole number; both roundings are tried.
pub(crate) fn on_pool(pieces: &Pieces, pool: &Pool, fastest: &[f64]) -> Schedule {
    let after = longest_after(pieces, fastest);
    let before = longest_before(pieces, fastest);
    let paid = pieces.work.iter().map(|work| pool.seconds(work, 1));
    let shared: f64 = paid.sum::<f64>() / pool.count as f64;
    let bound = after.iter().copied().fold(shared, f64::max);
    let with = |round: fn(f64) -> f64| {
        let widths = pieces.work.iter().enumerate().map(|(at, work)| {
            if !work.is_on_devices() {
                return 0;
            }
            let chain = before[at] + after[at];
            let most = pool.most(work);
            let fewest = pool.fewest(work).unwrap_or(most);
            let wanted = round(most as f64 * chain / bound.max(f64::MIN_POSITIVE));
            (wanted as u64).clamp(fewest.min(most), most)
        });
        list(pieces, pool, &after, &widths.collect::<Vec<_>>())
    };
    let (down, up) = (with(f64::floor), with(f64::ceil));
    if down.wall <= up.wall { down } else { up }
}

/// Seconds of the longest chain that ends where each piece begins.
fn longest_before(pieces: &Pieces, seconds: &[f64]) -> Vec<f64> {
    let mut before = vec![0.0_f64; seconds.len()];
    for piece in pieces.in_order() {
        let end = before[piece] + seconds[piece];
        for user in pieces.users(piece) {
            before[user] = before[user].max(end);
        }
    }
    before
}

fn list(pieces: &Pieces, pool: &Pool, after: &[f64], widths: &[u64]) -> Schedule {
    let mut clock = Clock::new(pieces, pool.count);
    let rank = |piece: usize| (Seconds(after[piece]), Reverse(piece));
    let mut ready: BinaryHeap<(Seconds, Reverse<usize>)> = clock.ready().map(rank).collect();
    let mut put_off = Vec::new();
    loop {
        while put_off.len() < LOOKED_AT
            && let Some((_, Reverse(piece))) = ready.pop()
        {
            let (work, width) = (&pieces.work[piece], widths[piece]);
            if width > clock.free {
                put_off.push(rank(piece));
                continue;
            }
            let seconds = if width == 0 {
                0.0
            } else {
                pool.seconds(work, width)
            };
            clock.begin(piece, width, seconds);
            if width > 0 {
                let memory = Pool::memory(work, width);
                clock.schedule.memory = clock.schedule.memory.max(memory);
            }
        }
        ready.extend(put_off.drain(..));
        let Some(ended) = clock.next() else {
            return clock.schedule;
        };
        let released = clock.released(ended);
        ready.extend(released.into_iter().map(rank));
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
