//! Where the checkpoints of a training run are kept: up to the step at which it leaves its trunk,
//! under the trunk's key, where every run on it finds them; after that, under its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vpc_compiler::plan::{Job, Key, Plan, Task, Trunk};
use vpc_store::{Lock, Manifest, Store, StoreError};

use crate::past::Ancestor;

/// The checkpoints of one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Steps {
    run: Key,
    pub(crate) trunk: Option<Trunk>,
}

impl Steps {
    /// The checkpoints of a job of a plan.
    pub(crate) fn of(job: &Job, build: Option<&str>) -> Self {
        Self {
            run: job.key,
            trunk: job.trunk(build),
        }
    }

    /// The checkpoints of an earlier job.
    pub(crate) fn of_earlier(manifest: &Manifest, task: &Task, build: Option<&str>) -> Self {
        let inputs = manifest.inputs.iter();
        let inputs: Vec<(&str, Key)> = inputs.map(|(role, key)| (role.as_str(), *key)).collect();
        Self {
            run: manifest.key,
            trunk: Trunk::of(task, &inputs, build),
        }
    }

    /// The key under which the checkpoint after a step is kept.
    pub(crate) fn place(&self, step: u64) -> Key {
        match self.trunk {
            Some(trunk) if step <= trunk.end => trunk.key,
            _ => self.run,
        }
    }

    /// Finds the checkpoint after a step, its files present by size.
    pub(crate) fn at(&self, store: &Store, step: u64) -> Result<Option<Manifest>, StoreError> {
        store.progress_at(self.place(step), step)
    }

    /// Finds the newest checkpoint up to a step that is intact in every byte.
    pub(crate) fn until(&self, store: &Store, last: u64) -> Result<Option<Manifest>, StoreError> {
        if let Some(own) = store.progress_until(self.run, last)? {
            return Ok(Some(own));
        }
        match self.trunk {
            Some(trunk) => store.progress_until(trunk.key, last.min(trunk.end)),
            None => Ok(None),
        }
    }

    /// Finds the step of the newest checkpoint up to a step, by what lies there.
    pub(crate) fn newest(&self, store: &Store, last: u64) -> Result<Option<u64>, StoreError> {
        let newest = |key, last| -> Result<Option<u64>, StoreError> {
            let all = store.progress_all(key)?.into_iter();
            Ok(all.map(|(step, _)| step).rfind(|step| *step <= last))
        };
        // A run's own checkpoints lie beyond its trunk.
        if let Some(own) = newest(self.run, last)? {
            return Ok(Some(own));
        }
        match self.trunk {
            Some(trunk) => newest(trunk.key, last.min(trunk.end)),
            None => Ok(None),
        }
    }

    /// Returns the trunk where a run that goes on from a step computes part of it.
    pub(crate) fn on_trunk(&self, from: u64) -> Option<Trunk> {
        self.trunk.filter(|trunk| from < trunk.end)
    }
}

/// Finds the checkpoints that a finished run has kept, in order of their steps.
pub fn kept(store: &Store, run: &Manifest) -> Result<Vec<(u64, Manifest)>, StoreError> {
    let mut all = store.progress_all(run.key)?;
    if let Some(former) = Ancestor::read(run.clone(), false)
        && let Task::Pretrain(task) = &former.task
    {
        let steps = Steps::of_earlier(run, &former.task, former.build.as_deref());
        for step in task.keep.get() {
            if all.iter().all(|(known, _)| known != step) {
                all.extend(steps.at(store, *step)?.map(|found| (*step, found)));
            }
        }
    }
    all.sort_by_key(|(step, _)| *step);
    Ok(all)
}

/// The steps of each trunk at which runs of a plan leave it, keep a checkpoint, or have one taken.
#[derive(Debug, Default)]
pub(crate) struct Points(BTreeMap<Key, BTreeSet<u64>>);

impl Points {
    /// Finds the points of all trunks of a plan.
    pub(crate) fn of(plan: &Plan) -> Self {
        let build = plan.build.as_deref();
        let mut points = Self::default();
        let mut taken: BTreeMap<Key, BTreeSet<u64>> = BTreeMap::new();
        // Users come after what they need.
        for job in plan.jobs.iter().rev() {
            if let Task::Checkpoint { step } = job.task {
                for run in job.inputs_as("model") {
                    taken.entry(run).or_default().insert(step);
                }
            }
            let (Task::Pretrain(task), Some(trunk)) = (&job.task, job.trunk(build)) else {
                continue;
            };
            let own = points.0.entry(trunk.key).or_default();
            own.insert(trunk.end);
            let kept = task.keep.get().iter();
            let kept = kept.chain(taken.get(&job.key).into_iter().flatten());
            own.extend(kept.filter(|step| **step <= trunk.end));
        }
        points
    }

    /// Returns the points of one trunk.
    pub(crate) fn on(&self, trunk: Key) -> BTreeSet<u64> {
        self.0.get(&trunk).cloned().unwrap_or_default()
    }
}

/// The trunk of a run under way. Others wait until it is let go, so that nothing is computed twice.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held(Arc<Mutex<Hold>>);

#[derive(Debug, Default)]
enum Hold {
    /// The run has not looked yet whether it must compute its trunk.
    #[default]
    Unknown,
    /// The run computes it.
    Taken(#[expect(dead_code, reason = "held until it is dropped")] Lock),
    /// It is there as far as the run follows it, or the run came to its end.
    Free,
}

impl Held {
    /// Takes hold.
    pub(crate) fn take(&self, lock: Lock) {
        *locked(&self.0) = Hold::Taken(lock);
    }

    /// Lets go.
    pub(crate) fn release(&self) {
        *locked(&self.0) = Hold::Free;
    }

    /// Whether this run computes the trunk.
    pub(crate) fn is_taken(&self) -> bool {
        matches!(*locked(&self.0), Hold::Taken(_))
    }

    /// Whether others may have the trunk.
    pub(crate) fn is_free(&self) -> bool {
        matches!(*locked(&self.0), Hold::Free)
    }
}

fn locked(hold: &Mutex<Hold>) -> MutexGuard<'_, Hold> {
    hold.lock().unwrap_or_else(PoisonError::into_inner)
}
