//! When pieces of work run on a pool, and on how many devices each.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::forecast::{Schedule, longest_after};
use crate::pieces::Pieces;
use crate::pool::Pool;
use crate::schedule::{Clock, Seconds};

/// Ready pieces looked at, one after the other, for one that fits beside those that run.
const LOOKED_AT: usize = 16;

/// Parts of the devices it is to have with which a piece begins, rather than wait for all.
const ENOUGH: (u64, u64) = (3, 4);

/// Parts of the bound within which every chain is planned to end. With much less than all of it, jobs
/// are wide and short and leave few gaps; with all of it or more, whole devices and what does not fit
/// side by side cost less.
const PARTS: [f64; 5] = [0.5, 1.0, 1.25, 0.25, 0.1];

/// More pieces than this are scheduled once, for the first of these parts.
const MANY: usize = 10_000;

/// How many devices a piece is to have.
#[derive(Debug, Clone, Copy, Default)]
struct Width {
    fewest: u64,
    wanted: u64,
    most: u64,
}

/// How many devices each piece gets is settled first; then pieces begin in the order of the longest
/// chain that they begin.
///
/// No schedule is shorter than the bound: all device time shared out, or the longest chain with each
/// job on as many devices as it can use. A piece is to have the fewest devices with which no chain
/// through it exceeds the bound, or a few parts of it, whichever turns out shortest.
pub(crate) fn on_pool(pieces: &Pieces, pool: &Pool, fastest: &[f64]) -> Schedule {
    let after = longest_after(pieces, fastest);
    let before = longest_before(pieces, fastest);
    let paid = pieces.work.iter().filter(|work| work.is_on_devices());
    let paid: f64 = paid.map(|work| pool.seconds(work, 1)).sum();
    let bound = after
        .iter()
        .copied()
        .fold(paid / pool.count as f64, f64::max);
    let tried = if pieces.work.len() > MANY {
        1
    } else {
        PARTS.len()
    };
    let schedules = PARTS.iter().take(tried).map(|part| {
        let chains = before
            .iter()
            .zip(&after)
            .map(|(before, after)| before + after);
        let widths = pieces.work.iter().zip(chains).map(|(work, chain)| {
            if !work.is_on_devices() {
                return Width::default();
            }
            let most = pool.most(work);
            let fewest = pool.fewest(work).unwrap_or(most).min(most);
            let share = chain / (bound * part).max(f64::MIN_POSITIVE);
            let wanted = ((most as f64 * share) as u64).clamp(fewest, most);
            Width {
                fewest,
                wanted,
                most,
            }
        });
        list(pieces, pool, &after, &widths.collect::<Vec<_>>())
    });
    let shortest = schedules.min_by(|a, b| a.wall.total_cmp(&b.wall));
    shortest.unwrap_or_default()
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

fn list(pieces: &Pieces, pool: &Pool, after: &[f64], widths: &[Width]) -> Schedule {
    let mut clock = Clock::new(pieces, pool.count);
    let rank = |piece: usize| (Seconds(after[piece]), Reverse(piece));
    let mut ready: BinaryHeap<(Seconds, Reverse<usize>)> = clock.ready().map(rank).collect();
    // Devices that all ready pieces together are to have.
    let mut wanted: u64 = clock.ready().map(|piece| widths[piece].wanted).sum();
    let mut put_off = Vec::new();
    loop {
        while put_off.len() < LOOKED_AT
            && let Some((_, Reverse(piece))) = ready.pop()
        {
            let Some(width) = widths[piece].now(clock.free, wanted) else {
                put_off.push(rank(piece));
                continue;
            };
            wanted -= widths[piece].wanted;
            let work = &pieces.work[piece];
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
        wanted += released
            .iter()
            .map(|piece| widths[*piece].wanted)
            .sum::<u64>();
        ready.extend(released.into_iter().map(rank));
    }
}

impl Width {
    /// The devices with which the piece begins now, of those that are free; none where it waits. What
    /// all that are ready together do not want is shared out among them.
    fn now(self, free: u64, wanted_by_all: u64) -> Option<u64> {
        let Self {
            fewest,
            wanted,
            most,
        } = self;
        if wanted <= free {
            let spare = wanted * free.max(wanted_by_all) / wanted_by_all.max(1);
            return Some(spare.clamp(wanted, most).min(free));
        }
        let (parts, of) = ENOUGH;
        let is_enough = free >= fewest && free * of >= wanted * parts;
        is_enough.then_some(free)
    }
}

#[cfg(test)]
#[path = "sharing_tests.rs"]
mod tests;
