//! What a run would do, without doing it.

use std::collections::{BTreeMap, BTreeSet};

use vpc_compiler::plan::{Job, Key, Plan, Task};
use vpc_store::{Manifest, Store, StoreError};

use crate::steps::Steps;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Finished and in the store.
    Cached,
    /// To be computed; a checkpoint at this step is there to go on from.
    ToDo(Option<u64>),
    /// Finished, and to be computed again for a checkpoint that it did not keep; another one, at
    /// this step, is there to go on from.
    Again(Option<u64>),
    /// Not in the store, and not needed: all that is made of it is there.
    NotNeeded,
}

/// Where every job of a plan stands, in the plan's order.
#[derive(Debug)]
pub struct Survey {
    /// One state for each job.
    pub states: Vec<State>,
    /// The finished jobs' manifests.
    pub manifests: Vec<Option<Box<Manifest>>>,
}

/// Surveys a plan against a store, or against nothing where there is no store yet.
///
/// Demand-driven: a job is needed when nothing is made of it, or when something made of it is
/// missing. So a finished evaluation does not ask for its model. A finished run is needed again
/// when a checkpoint is to be taken out of it that it did not keep.
pub fn survey(plan: &Plan, store: Option<&Store>) -> Result<Survey, StoreError> {
    let Some(store) = store else {
        // Nothing is there, so all is needed.
        return Ok(Survey {
            states: vec![State::ToDo(None); plan.jobs.len()],
            manifests: vec![None; plan.jobs.len()],
        });
    };
    let mut manifests = Vec::with_capacity(plan.jobs.len());
    for job in &plan.jobs {
        manifests.push(store.find(job.key)?.map(Box::new));
    }
    let places = plan.places();
    let mark_inputs = |job: &Job, needed: &mut [bool], mark: bool| {
        let inputs = job.inputs.iter();
        for &input in inputs.filter_map(|input| places.get(input.key)) {
            needed[input] = mark;
        }
    };
    // What nothing is made of is needed for itself.
    let mut needed = vec![true; plan.jobs.len()];
    for job in &plan.jobs {
        mark_inputs(job, &mut needed, false);
    }
    let build = plan.build.as_deref();
    let mut wanted: BTreeMap<Key, BTreeSet<u64>> = BTreeMap::new();
    let mut states = vec![State::NotNeeded; plan.jobs.len()];
    // Users come before what they need.
    for (at, job) in plan.jobs.iter().enumerate().rev() {
        let steps = wanted.remove(&job.key).unwrap_or_default();
        let found = || Found::new(store, job, build, &steps);
        let state = match manifests[at] {
            Some(_) if steps.is_empty() => State::Cached,
            Some(_) => match found()? {
                found if found.lacking.is_some() => State::Again(found.start),
                _ => State::Cached,
            },
            None if needed[at] => State::ToDo(found()?.start),
            None => State::NotNeeded,
        };
        if state.is_to_do() {
            mark_inputs(job, &mut needed, true);
            if let Task::Checkpoint { step } = job.task {
                for run in job.inputs_as("model") {
                    wanted.entry(run).or_default().insert(step);
                }
            }
        }
        states[at] = state;
    }
    Ok(Survey { states, manifests })
}

/// The checkpoints of a job, as far as its state depends on them.
struct Found {
    /// The first one that is wanted and not there.
    lacking: Option<u64>,
    /// The one from which the job would go on.
    start: Option<u64>,
}

impl Found {
    fn new(
        store: &Store,
        job: &Job,
        build: Option<&str>,
        wanted: &BTreeSet<u64>,
    ) -> Result<Self, StoreError> {
        if !matches!(job.task, Task::Pretrain(_)) {
            let (lacking, start) = (None, None);
            return Ok(Self { lacking, start });
        }
        let steps = Steps::of(job, build);
        let lacking = first_lacking(store, &steps, wanted)?;
        let start = steps.newest(store, lacking.unwrap_or(u64::MAX))?;
        Ok(Self { lacking, start })
    }
}

/// Finds the first of the steps after which a checkpoint is wanted of a run and not there.
///
/// The run can go on from this step at the latest.
pub(crate) fn first_lacking(
    store: &Store,
    steps: &Steps,
    wanted: &BTreeSet<u64>,
) -> Result<Option<u64>, StoreError> {
    for step in wanted {
        if steps.at(store, *step)?.is_none() {
            return Ok(Some(*step));
        }
    }
    Ok(None)
}

impl State {
    /// Returns whether the job is to be computed.
    pub const fn is_to_do(&self) -> bool {
        matches!(self, Self::ToDo(_) | Self::Again(_))
    }
}

impl Survey {
    /// Returns how many jobs are to be computed.
    pub fn to_do(&self) -> usize {
        self.states.iter().filter(|state| state.is_to_do()).count()
    }

    /// Returns how many jobs are finished.
    pub fn cached(&self) -> usize {
        self.states
            .iter()
            .filter(|state| **state == State::Cached)
            .count()
    }
}
