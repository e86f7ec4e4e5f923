//! Whether a plan that comes from outside is one that this program would make.

use std::collections::BTreeSet;

use super::{Job, Key, Plan, SCHEMA};

/// Why a plan cannot be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsound {
    /// Its form is of another version.
    #[error("its form is version {0}, and this program knows version {SCHEMA}")]
    Schema(u32),
    /// A job's key is not that of its work.
    #[error("`{0}` has another key than this program gives it")]
    Key(String),
    /// A job stands before something that it needs, or needs what is not there.
    #[error("`{0}` needs a job that does not stand before it")]
    Order(String),
    /// A run of an experiment is no job of the plan.
    #[error("`{0}` is none of its jobs")]
    Run(String),
}

impl Plan {
    /// Checks that every key is that of the work it stands for, that inputs come before their users,
    /// and that experiments speak of jobs that are there.
    pub fn check_sound(&self) -> Result<(), Unsound> {
        if self.schema != SCHEMA {
            return Err(Unsound::Schema(self.schema));
        }
        let name = |job: &Job| job.name().to_owned();
        let mut known: BTreeSet<Key> = BTreeSet::new();
        for job in &self.jobs {
            if job.computed_key(self.build.as_deref()) != job.key {
                return Err(Unsound::Key(name(job)));
            }
            if !job.inputs.iter().all(|input| known.contains(&input.key)) {
                return Err(Unsound::Order(name(job)));
            }
            known.insert(job.key);
        }
        for run in self.experiments.iter().flat_map(|one| &one.runs) {
            let items = run.items.iter().flat_map(|item| &item.keys);
            if !items.chain([&run.key]).all(|key| known.contains(key)) {
                return Err(Unsound::Run(run.label.to_string()));
            }
        }
        Ok(())
    }
}

impl Job {
    /// Returns the key that the job's work and inputs have.
    fn computed_key(&self, build: Option<&str>) -> Key {
        let inputs = self.inputs.iter();
        let inputs: Vec<(&str, Key)> = inputs.map(|input| (&*input.role, input.key)).collect();
        let (kind, version) = (self.task.kind(), self.task.version());
        self.task.record().key(kind, version, build, &inputs)
    }
}
