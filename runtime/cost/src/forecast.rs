//! What a plan takes on a machine or on a pool: device time, critical path, wall clock.

use crate::devices::Misfit;
use crate::machine::{Company, Machine};
use crate::pieces::Pieces;
use crate::pool::Pool;
use crate::schedule::on_machine;
use crate::sharing::on_pool;
use crate::work::Work;

/// What jobs run on.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    /// The processor of this machine.
    Machine(Machine),
    /// Devices.
    Pool(Pool),
}

/// What a plan takes.
#[derive(Debug, Clone, Default)]
pub struct Forecast {
    /// Each job to do, in the plan's order.
    pub jobs: Vec<JobCost>,
    /// Model FLOPs in all.
    pub flops: f64,
    /// Seconds of devices, or of threads, in all.
    pub device_seconds: f64,
    /// Seconds of the longest chain of jobs, each on as much as it can use.
    pub critical_path: f64,
    /// Seconds from the first job to the last.
    pub wall: f64,
    /// Bytes that stay in the store.
    pub disk: f64,
    /// Most bytes in memory at once: of one device, or of the machine.
    pub memory: f64,
}

/// What one job takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JobCost {
    /// Its place in the plan.
    pub job: usize,
    /// Its work.
    pub work: Work,
    /// Devices that it is given, or threads; 0 where it needs no device.
    pub devices: u64,
    /// Seconds on these.
    pub seconds: f64,
    /// Seconds of one device, or thread, in all.
    pub device_seconds: f64,
    /// Bytes in memory: of each device, or of the machine.
    pub memory: f64,
    /// Why it has no place there, where it has none.
    pub misfit: Option<Misfit>,
}

/// When pieces run, and on what.
#[derive(Debug, Clone, Default)]
pub(crate) struct Schedule {
    /// Devices or threads of each piece.
    pub(crate) widths: Vec<u64>,
    /// Seconds of each piece.
    pub(crate) seconds: Vec<f64>,
    /// The end of the last.
    pub(crate) wall: f64,
    /// Most memory at once.
    pub(crate) memory: f64,
}

/// Forecasts what pieces of work take at a place.
pub fn forecast(pieces: &Pieces, place: &Place) -> Forecast {
    let (schedule, fastest): (Schedule, Vec<f64>) = match place {
        Place::Machine(machine) => {
            let all = machine.threads;
            let fastest = pieces.work.iter();
            let fastest = fastest.map(|work| machine.seconds(work, all, Company::Alone));
            (on_machine(pieces, machine), fastest.collect())
        }
        Place::Pool(pool) => {
            let fastest = pieces.work.iter().map(|work| on_most(pool, work));
            let fastest: Vec<f64> = fastest.collect();
            (on_pool(pieces, pool, &fastest), fastest)
        }
    };
    let after = longest_after(pieces, &fastest);
    let mut all = Forecast {
        critical_path: after.into_iter().fold(0.0, f64::max),
        wall: schedule.wall,
        memory: schedule.memory,
        ..Forecast::default()
    };
    for (at, work) in pieces.work.iter().enumerate() {
        all.add(JobCost::of(pieces.job[at], work, at, &schedule, place));
    }
    all
}

/// Seconds of a piece on as many devices as it can use; 0 where it needs none.
pub(crate) fn on_most(pool: &Pool, work: &Work) -> f64 {
    if work.is_on_devices() {
        pool.seconds(work, pool.most(work))
    } else {
        0.0
    }
}

/// Seconds from the beginning of each piece to the end of the longest chain that it begins.
pub(crate) fn longest_after(pieces: &Pieces, seconds: &[f64]) -> Vec<f64> {
    let mut after = seconds.to_vec();
    for piece in pieces.in_order().into_iter().rev() {
        let users = pieces.users(piece).map(|user| after[user]);
        after[piece] += users.fold(0.0, f64::max);
    }
    after
}

impl JobCost {
    fn of(job: usize, work: &Work, at: usize, schedule: &Schedule, place: &Place) -> Self {
        let (devices, seconds) = (schedule.widths[at], schedule.seconds[at]);
        let (memory, misfit) = match place {
            Place::Machine(_) => (Machine::memory(work, devices), None),
            Place::Pool(_) if devices == 0 => (0.0, None),
            Place::Pool(pool) => (Pool::memory(work, devices), pool.fewest(work).err()),
        };
        Self {
            job,
            work: *work,
            devices,
            seconds,
            device_seconds: seconds * devices as f64,
            memory,
            misfit,
        }
    }

    /// Whether it runs on a GPU of a machine.
    pub fn is_on_gpu(&self, machine: &Machine) -> bool {
        machine.trainings(&self.work).is_some()
    }

    /// Adds another piece of the same job, done after it.
    fn extend(&mut self, other: &Self) {
        self.work.flops += other.work.flops;
        self.work.steps += other.work.steps;
        self.work.disk += other.work.disk;
        self.devices = self.devices.max(other.devices);
        self.seconds += other.seconds;
        self.device_seconds += other.device_seconds;
        self.memory = self.memory.max(other.memory);
    }
}

impl Forecast {
    fn add(&mut self, cost: JobCost) {
        self.flops += cost.work.flops;
        self.disk += cost.work.disk;
        self.device_seconds += cost.device_seconds;
        // Pieces of a job follow each other.
        match self.jobs.last_mut().filter(|last| last.job == cost.job) {
            Some(last) => last.extend(&cost),
            None => self.jobs.push(cost),
        }
    }

    /// The jobs that take most device time, the first the most.
    pub fn largest(&self, count: usize) -> Vec<&JobCost> {
        let mut jobs: Vec<&JobCost> = self.jobs.iter().collect();
        jobs.sort_by(|a, b| b.device_seconds.total_cmp(&a.device_seconds));
        jobs.truncate(count);
        jobs
    }

    /// The first job that has no place there, with the reason.
    pub fn misfit(&self) -> Option<(&JobCost, Misfit)> {
        self.jobs.iter().find_map(|job| Some((job, job.misfit?)))
    }
}
