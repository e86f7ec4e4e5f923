//! What a store knows of jobs that are not, or no longer, part of a plan.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use vpc_compiler::plan::{Job, Key, KeyMap, Needed, Plan, Side, Task};
use vpc_store::{Earlier, Manifest, Store, StoreError};

use crate::jobs::{BUILD, VERSION};

/// Earlier jobs under one name are compared up to this number, the latest first.
const COMPARED: usize = 16;

/// The past of a study: earlier jobs by name, and what is left of them.
pub(crate) struct Past<'p> {
    plan: &'p Plan,
    places: KeyMap<usize>,
    store: &'p Store,
    earlier: Earlier,
    known: RefCell<BTreeMap<Key, Option<Rc<Ancestor>>>>,
}

/// An earlier job, as its manifest or trace tells it.
#[derive(Debug)]
pub(crate) struct Ancestor {
    pub(crate) manifest: Manifest,
    /// Whether its files are gone.
    pub(crate) is_evicted: bool,
    pub(crate) task: Task,
    pub(crate) version: u32,
    pub(crate) build: Option<String>,
}

/// A job with its inputs by name.
pub(crate) struct Sided<'a> {
    task: &'a Task,
    version: u32,
    build: Option<&'a str>,
    inputs: Vec<Needed>,
}

/// The jobs that were there under the names of a job, the latest first, without itself.
pub(crate) fn earlier_keys(earlier: &Earlier, job: &Job) -> Vec<Key> {
    let mut keys = Vec::new();
    for key in job
        .labels
        .iter()
        .flat_map(|label| earlier.of(label).take(COMPARED))
    {
        if key != job.key && !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

impl Sided<'_> {
    pub(crate) fn side(&self) -> Side<'_> {
        Side {
            task: self.task,
            version: self.version,
            build: self.build,
            inputs: &self.inputs,
        }
    }
}

impl Ancestor {
    /// Finds what is left of a job; none where nothing is, or nothing that can be understood.
    pub(crate) fn load(store: &Store, key: Key) -> Result<Option<Self>, StoreError> {
        Ok(match store.find(key)? {
            Some(manifest) => Self::read(manifest, false),
            None => store
                .evicted(key)?
                .and_then(|trace| Self::read(trace, true)),
        })
    }

    /// Reads a manifest; none where a version of this program wrote it whose tasks are not known.
    pub(crate) fn read(manifest: Manifest, is_evicted: bool) -> Option<Self> {
        let task = serde_json::from_value(manifest.spec.clone()).ok()?;
        let version = manifest
            .spec
            .get(VERSION)
            .and_then(serde_json::Value::as_u64);
        let build = manifest.spec.get(BUILD).and_then(|it| it.as_str());
        Some(Self {
            is_evicted,
            task,
            version: version.map_or(1, |version| version as u32),
            build: build.map(str::to_owned),
            manifest,
        })
    }
}

impl<'p> Past<'p> {
    /// Reads what the journal tells of a study.
    pub(crate) fn read(plan: &'p Plan, store: &'p Store, study: &str) -> Result<Self, StoreError> {
        Ok(Self {
            plan,
            places: plan.places(),
            store,
            earlier: store.history()?.earlier(study),
            known: RefCell::default(),
        })
    }

    /// Returns the jobs that were there under the names of a job, the latest first, without itself.
    pub(crate) fn ancestors(&self, job: &Job) -> Result<Vec<Rc<Ancestor>>, StoreError> {
        let keys = earlier_keys(&self.earlier, job).into_iter();
        keys.filter_map(|key| self.job(key).transpose()).collect()
    }

    /// Returns what is left of a job.
    pub(crate) fn job(&self, key: Key) -> Result<Option<Rc<Ancestor>>, StoreError> {
        if let Some(known) = self.known.borrow().get(&key) {
            return Ok(known.clone());
        }
        let found = Ancestor::load(self.store, key)?.map(Rc::new);
        self.known.borrow_mut().insert(key, found.clone());
        Ok(found)
    }

    /// Returns the place of a job in the plan.
    pub(crate) fn place(&self, key: Key) -> Option<usize> {
        self.places.get(key).copied()
    }

    /// Returns a job of the plan as one side of a comparison.
    pub(crate) fn present<'a>(&self, job: &'a Job) -> Result<Sided<'a>, StoreError>
    where
        'p: 'a,
    {
        let inputs = job.inputs.iter();
        let inputs = inputs.map(|input| self.needed(&input.role, input.key));
        Ok(Sided {
            task: &job.task,
            version: job.task.version(),
            build: self.plan.build.as_deref(),
            inputs: inputs.collect::<Result<_, _>>()?,
        })
    }

    /// Returns an earlier job as one side of a comparison.
    pub(crate) fn former<'a>(&self, of: &'a Ancestor) -> Result<Sided<'a>, StoreError> {
        let inputs = of.manifest.inputs.iter();
        let inputs = inputs.map(|(role, key)| self.needed(role, *key));
        Ok(Sided {
            task: &of.task,
            version: of.version,
            build: of.build.as_deref(),
            inputs: inputs.collect::<Result<_, _>>()?,
        })
    }

    fn needed(&self, role: &str, key: Key) -> Result<Needed, StoreError> {
        Ok(Needed {
            role: role.to_owned(),
            key,
            name: self.name(key)?,
        })
    }

    /// Returns the name of a job: the plan's, else the one it was made under.
    fn name(&self, key: Key) -> Result<String, StoreError> {
        if let Some(job) = self.place(key).and_then(|at| self.plan.jobs.get(at)) {
            return Ok(job.name().to_owned());
        }
        let found = self.job(key)?;
        let label = found.and_then(|found| found.manifest.labels.first().cloned());
        Ok(label.unwrap_or_else(|| key.short()))
    }
}
