//! Jobs, and the builder that files equal ones once.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::{SmallVec, smallvec};

use super::{Key, KeyMap, Operation, Task, Work};

/// One unit of work and of caching.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// What it computes, as a key.
    pub key: Key,
    /// Readable names; the first one is used in messages.
    pub labels: SmallVec<[Arc<str>; 1]>,
    /// Where it is declared: `path:line:column`.
    pub place: Arc<str>,
    /// The work.
    #[serde(flatten)]
    pub task: Task,
    /// What it needs, by role and in order.
    pub inputs: SmallVec<[Input; 1]>,
}

/// An input of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// What the input is to the job, such as `tokens` or `model`.
    pub role: Cow<'static, str>,
    /// The job that makes it.
    pub key: Key,
}

/// Jobs in an order in which inputs come before their users.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    list: Vec<Job>,
    by_key: KeyMap<usize>,
    /// The build that the jobs are bound to, where they are.
    build: Option<String>,
    /// Room to write canonical forms in.
    bytes: Vec<u8>,
}

impl Job {
    /// Returns the name used in messages.
    pub fn name(&self) -> &str {
        self.labels.first().map_or("", |label| label)
    }

    /// Returns all names, to be kept beyond the plan.
    pub fn names(&self) -> Vec<String> {
        self.labels.iter().map(ToString::to_string).collect()
    }

    /// Returns the keys of the inputs with a role, in order.
    pub fn inputs_as<'a>(&'a self, role: &'a str) -> impl Iterator<Item = Key> + 'a {
        self.inputs
            .iter()
            .filter(move |input| input.role == role)
            .map(|input| input.key)
    }
}

impl Jobs {
    /// Begins without jobs; those to come are bound to a build, where one is given.
    pub(crate) fn bound_to(build: Option<&str>) -> Self {
        Self {
            build: build.map(str::to_owned),
            ..Self::default()
        }
    }

    /// Adds a job, or a label to the equal job already there; returns its key.
    pub(crate) fn add(
        &mut self,
        label: Arc<str>,
        place: Arc<str>,
        work: impl Into<Work>,
        inputs: &[(&'static str, Key)],
    ) -> Key {
        let work = work.into();
        let key = work.key(&mut self.bytes, inputs, self.build.as_deref());
        let task = work.task;
        if let Some(job) = self.by_key.get(key).and_then(|&at| self.list.get_mut(at)) {
            if !job.labels.contains(&label) {
                job.labels.push(label);
            }
            job.merge(task);
            return key;
        }
        let inputs = inputs
            .iter()
            .map(|&(role, key)| Input {
                role: Cow::Borrowed(role),
                key,
            })
            .collect();
        self.by_key.insert(key, self.list.len());
        self.list.push(Job {
            key,
            labels: smallvec![label],
            place,
            task,
            inputs,
        });
        key
    }

    /// Keeps a checkpoint of a `pretrain` job after a step.
    pub(crate) fn keep(&mut self, key: Key, step: u64) {
        let job = self.by_key.get(key).and_then(|&at| self.list.get_mut(at));
        if let Some(Task::Pretrain(task)) = job.map(|job| &mut job.task) {
            task.keep.unite(Operation::new(vec![step]));
        }
    }

    /// Returns the name of a job, as it is used in messages.
    pub(crate) fn name(&self, key: Key) -> &str {
        let job = self.by_key.get(key).and_then(|&at| self.list.get(at));
        job.map_or("", Job::name)
    }

    /// Returns the job with a key, and its place.
    pub(crate) fn find(&self, key: Key) -> Option<(usize, &Job)> {
        let at = *self.by_key.get(key)?;
        Some((at, self.list.get(at)?))
    }

    /// How many jobs there are.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns the job at a place.
    pub(crate) fn at(&self, at: usize) -> Option<&Job> {
        self.list.get(at)
    }

    /// Makes room for so many more jobs.
    pub(crate) fn reserve(&mut self, more: usize) {
        self.list.reserve(more);
    }

    pub(crate) fn into_list(self) -> Vec<Job> {
        self.list
    }
}

impl Job {
    /// Unites the operation fields of an equal job.
    fn merge(&mut self, other: Task) {
        if let (Task::Pretrain(mine), Task::Pretrain(other)) = (&mut self.task, other) {
            mine.keep.unite(other.keep);
            mine.max_epochs.tighten(&other.max_epochs);
            mine.recompute.or(&other.recompute);
        }
    }
}
