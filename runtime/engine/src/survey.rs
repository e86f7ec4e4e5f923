//! What a run would do, without doing it.

use std::collections::BTreeSet;

use vpc_compiler::plan::{Key, Plan};
use vpc_store::{Manifest, Store, StoreError};

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Finished and in the store.
    Cached,
    /// To be computed; a checkpoint at this step is there to go on from.
    ToDo(Option<u64>),
    /// Not in the store, and not needed: all that is made of it is there.
    NotNeeded,
}

/// Where every job of a plan stands, in the plan's order.
#[derive(Debug)]
pub struct Survey {
    /// One state for each job.
    pub states: Vec<State>,
    /// The finished jobs' manifests.
    pub manifests: Vec<Option<Manifest>>,
}

/// Surveys a plan against a store, or against nothing where there is no store yet.
///
/// Demand-driven: a job is needed when nothing is made of it, or when something made of it is
/// missing. So a finished evaluation does not ask for its model.
pub fn survey(plan: &Plan, store: Option<&Store>) -> Result<Survey, StoreError> {
    let mut manifests = Vec::with_capacity(plan.jobs.len());
    for job in &plan.jobs {
        manifests.push(match store {
            Some(store) => store.find(job.key)?,
            None => None,
        });
    }
    let used: BTreeSet<Key> = plan
        .jobs
        .iter()
        .flat_map(|job| job.inputs.iter().map(|input| input.key))
        .collect();
    let mut needed: BTreeSet<Key> = plan
        .jobs
        .iter()
        .map(|job| job.key)
        .filter(|key| !used.contains(key))
        .collect();
    let mut states = vec![State::NotNeeded; plan.jobs.len()];
    for ((job, manifest), state) in plan.jobs.iter().zip(&manifests).zip(&mut states).rev() {
        *state = match manifest {
            Some(_) => State::Cached,
            None if needed.contains(&job.key) => {
                needed.extend(job.inputs.iter().map(|input| input.key));
                State::ToDo(checkpoint(store, job.key)?)
            }
            None => State::NotNeeded,
        };
    }
    Ok(Survey { states, manifests })
}

fn checkpoint(store: Option<&Store>, key: Key) -> Result<Option<u64>, StoreError> {
    let Some(store) = store else { return Ok(None) };
    let all = store.progress_all(key)?;
    Ok(all.last().map(|(step, _)| *step))
}

impl Survey {
    /// Returns how many jobs are to be computed.
    pub fn to_do(&self) -> usize {
        self.states
            .iter()
            .filter(|state| matches!(state, State::ToDo(_)))
            .count()
    }

    /// Returns how many jobs are finished.
    pub fn cached(&self) -> usize {
        self.states
            .iter()
            .filter(|state| **state == State::Cached)
            .count()
    }
}
