//! When jobs run: dependency order, several side by side, each failure contained in its cone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use vpc_compiler::plan::{Job, Key, KeyMap, Plan, Task};
use vpc_cost::{Estimator, Facts, threads_for};
use vpc_store::{Ended, Manifest, Store, StoreError};

use crate::elsewhere::Elsewhere;
use crate::error::JobError;
use crate::event::{Event, Observer};
use crate::gpus::Gpus;
use crate::jobs::Bench;
use crate::log::Log;
use crate::options::{Options, Stop};
use crate::outcome::{Failure, Outcome};
use crate::past::earlier_keys;
use crate::steps::Steps;
use crate::survey::{State, survey};
use crate::trunks::Trunks;
use crate::work::{Done, work};

/// How long to wait before looking again at a job that another process computes.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

/// How often damage found on the way is healed by recomputing, before it is reported.
const HEALINGS: usize = 3;

/// Runs what a plan needs and the store lacks.
///
/// Damage found on the way is put aside by the store, and what it held is computed again.
pub fn run(
    plan: &Plan,
    store: &Store,
    options: &Options,
    stop: &Stop,
    observer: &dyn Observer,
) -> Result<Outcome, StoreError> {
    vpc_train::keep_freed_memory();
    let mut log = Log::begin(store, options)?;
    let mut outcome = Outcome::default();
    let (elsewhere, gpus) = (
        Elsewhere::default(),
        Gpus::of(options.device, options.data_parallel, &options.gpus),
    );
    for healings_left in (0..=HEALINGS).rev() {
        let made = std::mem::take(&mut outcome.made);
        let reused = std::mem::take(&mut outcome.reused);
        let heals = healings_left > 0;
        let run = Begun {
            plan,
            store,
            options,
            stop,
            observer,
            elsewhere: &elsewhere,
            gpus: &gpus,
        };
        let once = run_once(run, heals, &mut log);
        outcome = match once {
            Ok(outcome) => outcome,
            Err(error) => {
                log.end(observer);
                return Err(error);
            }
        };
        outcome.cached = outcome.cached.saturating_sub(made.len() + reused.len());
        outcome.made.extend(made);
        outcome.reused.extend(reused);
        if outcome.stopped || !outcome.failed.iter().any(|failure| failure.damage) {
            break;
        }
    }
    log.end(observer);
    Ok(outcome)
}

/// What all passes of a run have in common.
#[derive(Clone, Copy)]
struct Begun<'r> {
    plan: &'r Plan,
    store: &'r Store,
    options: &'r Options,
    stop: &'r Stop,
    observer: &'r dyn Observer,
    elsewhere: &'r Elsewhere,
    gpus: &'r Gpus,
}

fn run_once(begun: Begun<'_>, heals: bool, log: &mut Log) -> Result<Outcome, StoreError> {
    let Begun {
        plan,
        store,
        options,
        stop,
        observer,
        elsewhere,
        gpus,
    } = begun;
    let survey = survey(plan, Some(store))?;
    log.found(plan, &survey);
    let mut run = Run {
        plan,
        store,
        options,
        stop,
        observer,
        elsewhere,
        gpus,
        heals,
        graph: plan.graph(),
        states: survey.states.iter().map(Stage::of).collect(),
        manifests: survey.manifests,
        outcome: Outcome::default(),
        refused: false,
        waited: BTreeSet::new(),
        threads_free: options.threads.max(1),
        log,
        flops: flops(plan),
        trunks: Trunks::of(plan),
        places: plan.places(),
    };
    run.outcome.cached = run
        .states
        .iter()
        .filter(|stage| **stage == Stage::Done)
        .count();
    std::thread::scope(|scope| run.go(scope));
    Ok(run.outcome)
}

fn flops(plan: &Plan) -> Vec<f64> {
    let facts = Facts::default();
    let estimator = Estimator::new(plan, &facts);
    let flops = |job| estimator.work(job, 0).flops;
    plan.jobs.iter().map(flops).collect()
}

/// Where a job stands during a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Idle,
    Wanted,
    /// Another process computes it; look again after this moment.
    Elsewhere(Instant),
    Running(usize),
    Done,
    Failed,
}

impl Stage {
    fn of(state: &State) -> Self {
        match state {
            State::Cached => Self::Done,
            State::ToDo(_) | State::Again(_) => Self::Wanted,
            State::NotNeeded => Self::Idle,
        }
    }
}

struct Run<'r> {
    plan: &'r Plan,
    store: &'r Store,
    options: &'r Options,
    stop: &'r Stop,
    observer: &'r dyn Observer,
    elsewhere: &'r Elsewhere,
    gpus: &'r Gpus,
    /// Whether another pass follows where damage was found.
    heals: bool,
    graph: DiGraph<usize, ()>,
    states: Vec<Stage>,
    manifests: Vec<Option<Box<Manifest>>>,
    outcome: Outcome,
    /// Whether the store refused to be written.
    refused: bool,
    /// Jobs of other processes whose waiting was told.
    waited: BTreeSet<usize>,
    threads_free: usize,
    log: &'r mut Log,
    /// What each job takes from its beginning, to divide threads by.
    flops: Vec<f64>,
    trunks: Trunks,
    places: KeyMap<usize>,
}

/// What a worker sends back: the job's place in the plan, and what came of it.
type Report = (usize, Result<Done, JobError>);

impl<'r> Run<'r> {
    fn go<'s>(&mut self, scope: &'s Scope<'s, 'r>) {
        let (send, receive): (Sender<Report>, Receiver<Report>) = channel();
        loop {
            self.start_ready(scope, &send);
            if !self.is_running() && !self.is_waiting() {
                break;
            }
            match receive.recv_timeout(LOOK_AGAIN) {
                Ok((at, result)) => self.settle(at, result),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.outcome.left = self
            .states
            .iter()
            .filter(|stage| matches!(stage, Stage::Wanted | Stage::Elsewhere(_)))
            .count();
        self.outcome.stopped = self.stop.asked() && self.outcome.left > 0;
    }

    fn is_running(&self) -> bool {
        self.states
            .iter()
            .any(|stage| matches!(stage, Stage::Running(_)))
    }

    fn is_waiting(&self) -> bool {
        !self.is_closed()
            && self
                .states
                .iter()
                .any(|stage| matches!(stage, Stage::Elsewhere(_)))
    }

    /// Whether no further job may begin.
    ///
    /// Where the machine refuses (a full disk), the next job would work in vain as well.
    fn is_closed(&self) -> bool {
        let failed = &self.outcome.failed;
        self.stop.asked() || (!self.options.keep_going && !failed.is_empty()) || self.refused
    }

    fn start_ready<'s>(&mut self, scope: &'s Scope<'s, 'r>, send: &Sender<Report>) {
        let now = Instant::now();
        loop {
            if self.threads_free == 0 || self.is_closed() {
                return;
            }
            let ready = (0..self.states.len()).filter(|&at| self.is_ready(at, now));
            let ready = self.trunks.in_turn(ready.collect());
            let Some(&at) = ready.first() else { return };
            let flops = |at: &usize| self.flops[*at];
            let free = self.threads_free as u64;
            let threads = threads_for(free, flops(&at), ready.iter().map(flops)) as usize;
            self.start(at, threads, scope, send.clone());
        }
    }

    fn is_ready(&self, at: usize, now: Instant) -> bool {
        match self.states[at] {
            Stage::Wanted => {}
            Stage::Elsewhere(after) if after <= now => {}
            _ => return false,
        }
        let inputs = self
            .graph
            .neighbors_directed(NodeIndex::new(at), Direction::Incoming);
        inputs
            .into_iter()
            .all(|input| self.states[self.graph[input]] == Stage::Done)
    }

    fn start<'s>(
        &mut self,
        at: usize,
        threads: usize,
        scope: &'s Scope<'s, 'r>,
        send: Sender<Report>,
    ) {
        self.states[at] = Stage::Running(threads);
        self.threads_free -= threads;
        let job = &self.plan.jobs[at];
        let steps = Steps::of(job, self.plan.build.as_deref());
        let bench = Bench {
            plan: self.plan,
            store: self.store,
            options: self.options,
            stop: self.stop,
            observer: self.observer,
            job,
            inputs: self.inputs(job),
            wanted: self.wanted(at),
            threads,
            earlier: earlier_keys(self.log.earlier(), job),
            steps,
            points: self.trunks.points(at),
            trunk: self.trunks.begin(at),
            filing: AtomicU64::default(),
            elsewhere: self.elsewhere,
            gpus: self.gpus,
        };
        let reply = send.clone();
        let started = thread::Builder::new().spawn_scoped(scope, move || {
            let result = work(&bench);
            // The receiver lives as long as any worker; were it gone, nobody would be listening.
            let _ = send.send((at, result));
        });
        if let Err(error) = started {
            let _ = reply.send((at, Err(JobError::Worker(error))));
        }
    }

    fn inputs(&self, job: &Job) -> BTreeMap<Key, Manifest> {
        let manifest = |key: Key| {
            let at = *self.places.get(key)?;
            Some((key, self.manifests[at].as_deref()?.clone()))
        };
        job.inputs
            .iter()
            .filter_map(|input| manifest(input.key))
            .collect()
    }

    /// The steps at which jobs to do take checkpoints out of this one.
    fn wanted(&self, at: usize) -> BTreeSet<u64> {
        let users = self
            .graph
            .neighbors_directed(NodeIndex::new(at), Direction::Outgoing)
            .map(|user| self.graph[user]);
        users
            .filter(|&user| matches!(self.states[user], Stage::Wanted | Stage::Elsewhere(_)))
            .filter_map(|user| match self.plan.jobs[user].task {
                Task::Checkpoint { step } => Some(step),
                _ => None,
            })
            .collect()
    }

    fn settle(&mut self, at: usize, result: Result<Done, JobError>) {
        let job = &self.plan.jobs[at];
        if let Stage::Running(threads) = self.states[at] {
            self.threads_free += threads;
        }
        self.trunks.end(at);
        match result {
            Ok(Done::Made(manifest, took, filing)) => {
                self.states[at] = Stage::Done;
                self.log.done(job, &manifest, took, filing);
                self.manifests[at] = Some(manifest);
                self.outcome.made.push(job.key);
                self.observer.event(Event::Finished(job, took));
            }
            Ok(Done::Found(manifest, took)) => {
                self.states[at] = Stage::Done;
                self.log.ended(job, Ended::Found);
                self.manifests[at] = Some(manifest);
                self.outcome.made.push(job.key);
                self.observer.event(Event::Finished(job, took));
            }
            Ok(Done::Reused(manifest, earlier)) => {
                self.states[at] = Stage::Done;
                self.log.ended(job, Ended::Reused(earlier));
                self.manifests[at] = Some(manifest);
                self.outcome.reused.push(job.key);
                self.observer.event(Event::Reused(job));
            }
            Ok(Done::Elsewhere) => {
                self.states[at] = Stage::Elsewhere(Instant::now() + LOOK_AGAIN);
                if self.waited.insert(at) {
                    self.observer.event(Event::Waiting(job));
                }
            }
            Err(JobError::Stopped) => {
                self.log.ended(job, Ended::Stopped);
                self.states[at] = Stage::Wanted;
            }
            Err(error) => self.fail(at, &error),
        }
    }

    fn fail(&mut self, at: usize, error: &JobError) {
        let job = &self.plan.jobs[at];
        self.states[at] = Stage::Failed;
        self.refused |= error.is_for_all();
        let message = error.to_string();
        self.log.ended(job, Ended::Failed(message.clone()));
        let will_heal = self.heals && error.is_damage();
        if will_heal {
            self.observer.event(Event::Damaged(job));
        } else {
            self.observer.event(Event::Failed(job, &message));
        }
        self.outcome.failed.push(Failure {
            key: job.key,
            name: job.name().to_owned(),
            place: job.place.to_string(),
            message,
            environment: error.is_environment(),
            damage: error.is_damage(),
        });
        self.skip_cone(at, will_heal);
    }

    /// Gives up on everything that needs a failed job; in silence where the next pass takes it up.
    fn skip_cone(&mut self, at: usize, silent: bool) {
        let mut cone = BTreeSet::new();
        let mut open = vec![NodeIndex::new(at)];
        while let Some(node) = open.pop() {
            for user in self.graph.neighbors_directed(node, Direction::Outgoing) {
                let user_at = self.graph[user];
                if self.states[user_at] == Stage::Wanted {
                    self.states[user_at] = Stage::Failed;
                    cone.insert(user_at);
                    open.push(user);
                }
            }
        }
        // Told in the plan's order.
        for user_at in cone {
            let job = &self.plan.jobs[user_at];
            self.outcome.skipped.push(job.key);
            if !silent {
                self.observer.event(Event::Skipped(job));
            }
        }
    }
}
