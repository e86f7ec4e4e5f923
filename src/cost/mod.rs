//! What a plan takes before it runs: looked up for this machine, or for a pool of devices.

mod budget;
mod calibration;
mod json;
mod replica;
mod text;

pub(crate) use budget::is_over_budget;
pub(crate) use calibration::{Calibration, gpu_speeds, here, write};
pub(crate) use json::as_json;
pub(crate) use text::{figures, gigaflops, heading, hours, summary, warnings};

use vpc_compiler::plan::{KeyMap, Plan, Task};
use vpc_cost::{Company, Estimator, Facts, Forecast, Machine, Pieces, Place, Pool, forecast};
use vpc_engine::{State, Survey};

use replica::{Replica, replicas};

/// A plan that would keep this machine busy for longer is meant for a pool.
const PATIENCE: f64 = 30.0 * 86_400.0;

/// Trunks and several threads may make of a sum of work so much less of wall clock; a plan of more
/// than that need not be looked at closely.
const AT_MOST_SAVED: f64 = 100.0;

/// What a plan takes.
#[derive(Debug)]
pub(crate) enum Costs {
    /// It is to do on this machine, or on a pool.
    Known(Box<Known>),
    /// It is too much for this machine.
    ForAPool,
}

/// What a plan takes at a place.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) place: Place,
    pub(crate) forecast: Forecast,
    /// What its trainings take of the devices of a pool, or of the GPUs of this machine.
    pub(crate) replicas: Vec<Replica>,
}

impl Costs {
    /// Looks up what a plan takes on a pool, or on this machine where none is given. `whole` wants an
    /// answer however long this machine would take.
    pub(crate) fn of(plan: &Plan, survey: &Survey, pool: Option<Pool>, whole: bool) -> Self {
        let facts = facts(plan, survey);
        let place = pool.map_or_else(|| Place::Machine(here()), Place::Pool);
        if let Place::Machine(machine) = &place
            && !whole
            && is_hopeless(plan, &facts, machine)
        {
            return Self::ForAPool;
        }
        let mut forecast = forecast(&Pieces::of(plan, &facts), &place);
        let is_too_much = match &place {
            Place::Machine(machine) => {
                let largest = forecast
                    .jobs
                    .iter()
                    .map(|job| job.memory)
                    .fold(0.0, f64::max);
                let is_too_large = machine.memory.is_some_and(|there| largest > there as f64);
                forecast.wall > PATIENCE || (is_too_large && forecast.wall > PATIENCE / 30.0)
            }
            Place::Pool(_) => false,
        };
        if is_too_much && !whole {
            return Self::ForAPool;
        }
        let replicas = replicas(plan, &place, &mut forecast);
        Self::Known(Box::new(Known {
            place,
            forecast,
            replicas,
        }))
    }

    /// What is known of a place.
    pub(crate) fn known(&self) -> Option<&Known> {
        match self {
            Self::Known(known) => Some(known),
            Self::ForAPool => None,
        }
    }
}

/// What the store knows beside the plan.
pub(crate) fn facts(plan: &Plan, survey: &Survey) -> Facts {
    let from = survey.states.iter().map(|state| match state {
        State::ToDo(step) | State::Again(step) => Some(step.unwrap_or(0)),
        State::Cached | State::NotNeeded => None,
    });
    let finished = plan.jobs.iter().zip(&survey.manifests);
    let counted = finished.filter_map(|(job, manifest)| {
        let manifest = manifest
            .as_deref()
            .filter(|_| matches!(job.task, Task::Tokens))?;
        let tokens = manifest.metrics.get("held_out")?.get("tokens")?.as_u64()?;
        Some((job.key, tokens))
    });
    Facts {
        from: from.collect(),
        held_out: counted.collect::<KeyMap<u64>>(),
    }
}

/// Whether the work of a plan is far beyond this machine, told without laying it all out.
fn is_hopeless(plan: &Plan, facts: &Facts, machine: &Machine) -> bool {
    let estimator = Estimator::new(plan, facts);
    let mut left = PATIENCE * AT_MOST_SAVED;
    for (job, from) in plan.jobs.iter().zip(&facts.from) {
        if let Some(from) = from {
            let work = estimator.work(job, *from);
            left -= machine.seconds(&work, machine.threads, Company::Alone);
            if left < 0.0 {
                return true;
            }
        }
    }
    false
}
