//! When pieces of work run on a machine: list scheduling, as the engine does it.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

use crate::forecast::Schedule;
use crate::lots::Lots;
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
        self.hold(piece, width);
        self.start(piece, seconds);
    }

    /// Gives a piece what it runs on, which it holds while it waits for more.
    fn hold(&mut self, piece: usize, width: u64) {
        self.free -= width;
        self.schedule.widths[piece] = width;
    }

    /// Starts a piece that holds what it runs on.
    fn start(&mut self, piece: usize, seconds: f64) {
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

/// The GPUs of a machine, and who is there or waits for it.
struct Yard<'m> {
    machine: &'m Machine,
    lots: Lots,
    waiting: VecDeque<usize>,
    /// The GPU of each piece that is on one, and how many of its size may share it.
    places: BTreeMap<usize, (usize, u64)>,
}

impl<'m> Yard<'m> {
    fn of(machine: &'m Machine) -> Self {
        Self {
            machine,
            lots: Lots::of(machine.gpus.as_ref()),
            waiting: VecDeque::new(),
            places: BTreeMap::new(),
        }
    }

    /// Starts those that wait and for whom there is a place, the first first.
    fn lend(&mut self, clock: &mut Clock<'_>) {
        let gpus = self.machine.gpus.as_ref().map_or(1, |gpus| gpus.count);
        let all = (self.lots.trainings() + self.waiting.len()) as u64;
        for _ in 0..self.waiting.len() {
            let Some(piece) = self.waiting.pop_front() else {
                return;
            };
            let work = &clock.pieces.work[piece];
            let most = self.machine.trainings(work).unwrap_or(1);
            let Some(lot) = self.lots.lend(most) else {
                self.waiting.push_back(piece);
                continue;
            };
            let beside = all.div_ceil(gpus).clamp(1, most);
            self.places.insert(piece, (lot, most));
            let seconds = self.machine.on_gpu(work, beside).unwrap_or_default();
            clock.start(piece, seconds);
        }
    }

    fn take_back(&mut self, piece: usize) {
        if let Some((lot, most)) = self.places.remove(&piece) {
            self.lots.give_back(lot, most);
        }
    }
}

/// The engine's own rule: ready jobs in the plan's order, each on its part of the free threads; those for
/// a GPU wait with theirs until one has a place for them.
pub(crate) fn on_machine(pieces: &Pieces, machine: &Machine) -> Schedule {
    let mut clock = Clock::new(pieces, machine.threads.max(1));
    let mut ready: BTreeSet<usize> = clock.ready().collect();
    let mut yard = Yard::of(machine);
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
            if machine.on_gpu(work, 1).is_some() {
                clock.hold(piece, threads);
                yard.waiting.push_back(piece);
            } else {
                clock.begin(piece, threads, machine.seconds(work, threads, company));
            }
        }
        yard.lend(&mut clock);
        let Some(ended) = clock.next() else {
            return clock.schedule;
        };
        yard.take_back(ended);
        clock.held -= Machine::memory(&pieces.work[ended], clock.schedule.widths[ended]);
        let released = clock.released(ended);
        ready.extend(released);
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
