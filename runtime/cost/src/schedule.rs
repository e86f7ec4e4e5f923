//! When pieces of work run on a machine: list scheduling, as the engine does it.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeSet, BinaryHeap};

use crate::forecast::Schedule;
use crate::machine::{Company, Machine};
use crate::pieces::Pieces;
use crate::threads::threads_for;

/// Seconds, in order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Seconds(pub(crate) f64);

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
pub(crate) struct Clock<'p> {
    pieces: &'p Pieces,
    now: f64,
    running: BinaryHeap<Reverse<(Seconds, usize)>>,
    waits: Vec<u32>,
    pub(crate) free: u64,
    /// Bytes in memory.
    held: f64,
    pub(crate) schedule: Schedule,
}

impl<'p> Clock<'p> {
    pub(crate) fn new(pieces: &'p Pieces, free: u64) -> Self {
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

    pub(crate) fn begin(&mut self, piece: usize, width: u64, seconds: f64) {
        self.free -= width;
        self.schedule.widths[piece] = width;
        self.schedule.seconds[piece] = seconds;
        self.running
            .push(Reverse((Seconds(self.now + seconds), piece)));
    }

    /// Goes on to the next end; returns the piece that ended. None where nothing runs.
    pub(crate) fn next(&mut self) -> Option<usize> {
        let Reverse((Seconds(end), piece)) = self.running.pop()?;
        self.now = end;
        self.schedule.wall = end;
        self.free += self.schedule.widths[piece];
        Some(piece)
    }

    /// The pieces that need not wait any more now that one ended.
    pub(crate) fn released(&mut self, ended: usize) -> Vec<usize> {
        let users = self.pieces.users(ended);
        let waits = &mut self.waits;
        users
            .filter(|user| {
                waits[*user] -= 1;
                waits[*user] == 0
            })
            .collect()
    }

    pub(crate) fn ready(&self) -> impl Iterator<Item = usize> + use<'p> {
        let waits = self.pieces.waits.iter().enumerate();
        waits.filter(|(_, waits)| **waits == 0).map(|(at, _)| at)
    }
}

/// The engine's own rule: ready jobs in the plan's order, each on its part of the free threads.
pub(crate) fn on_machine(pieces: &Pieces, machine: &Machine) -> Schedule {
    let mut clock = Clock::new(pieces, machine.threads.max(1));
    let mut ready: BTreeSet<usize> = clock.ready().collect();
    loop {
        while clock.free > 0
            && let Some(piece) = ready.first().copied()
        {
            let flops = |piece: &usize| pieces.work[*piece].flops;
            let threads = threads_for(clock.free, flops(&piece), ready.iter().map(flops));
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

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
