//! Trunks: what training runs of several budgets have in common.
//!
//! Until its rate begins to fall, a run with the schedule `wsd` (or `constant`, whose rate never
//! falls) does not depend on how long it is: the stream of sequences does not, and neither does the
//! rate. So all such runs that differ in budget, decay and floor alone are one run up to there, and
//! a checkpoint of it is worth the same to each of them. A trunk has no end and is no job; it is a
//! place where checkpoints are kept.

use serde::{Deserialize, Serialize};

use super::{Job, Key, PretrainTask, ScheduleShape, Task};

/// The kind that trunks have in their keys.
const KIND: &str = "trunk";

/// The part of a run that is the same for every budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trunk {
    /// What is computed, whatever the budget.
    pub key: Key,
    /// The step at which the run leaves it: the last one that all have in common.
    pub end: u64,
}

impl Trunk {
    /// Returns the trunk of a run, where it has one.
    pub fn of(task: &Task, inputs: &[(&str, Key)], build: Option<&str>) -> Option<Self> {
        let Task::Pretrain(run) = task else {
            return None;
        };
        let end = run.shared_steps();
        let key = || run.trunk_record().key(KIND, task.version(), build, inputs);
        (end > 0).then(|| Self { key: key(), end })
    }
}

impl Job {
    /// Returns the trunk of a training run, where it has one.
    pub fn trunk(&self, build: Option<&str>) -> Option<Trunk> {
        if !matches!(self.task, Task::Pretrain(_)) {
            return None;
        }
        let inputs = self.inputs.iter();
        let inputs: Vec<(&str, Key)> = inputs.map(|input| (&*input.role, input.key)).collect();
        Trunk::of(&self.task, &inputs, build)
    }
}

impl Job {
    /// Returns what training runs have in common that differ in length and schedule alone.
    pub fn kindred(&self) -> Option<Key> {
        let Task::Pretrain(run) = &self.task else {
            return None;
        };
        let inputs = self.inputs.iter();
        let inputs: Vec<(&str, Key)> = inputs.map(|input| (&*input.role, input.key)).collect();
        let common = run.common();
        Some(common.key("kindred", self.task.version(), None, &inputs))
    }
}

impl PretrainTask {
    /// Returns the steps that do not depend on the length of the run.
    pub fn shared_steps(&self) -> u64 {
        let schedule = &self.schedule;
        match schedule.shape {
            ScheduleShape::Constant => self.steps,
            ScheduleShape::Wsd => {
                let stable = self.steps.saturating_sub(schedule.decay);
                stable.max(schedule.warmup).min(self.steps)
            }
            ScheduleShape::Cosine | ScheduleShape::Linear => 0,
        }
    }
}
