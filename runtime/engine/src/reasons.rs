//! Why finished work does not do for a plan: the nearest earlier job of each name, and what differs.

use std::collections::BTreeMap;
use std::rc::Rc;

use vpc_compiler::plan::{Change, Difference, Key, Plan, Task};
use vpc_store::{Store, StoreError};

use crate::past::{Ancestor, Past};
use crate::survey::{State, Survey};

/// Why the jobs to do are not there already, in the plan's order.
#[derive(Debug, Default)]
pub struct Reasons {
    /// One for each job to do that was done otherwise before; none for new jobs and all others.
    pub of: Vec<Option<Reason>>,
}

/// Why a job is to do although something was done under its name before.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// The nearest earlier job.
    pub earlier: Key,
    /// What differs in the job itself and in its inputs.
    pub change: Change,
    /// What the differences come from, the job's own first.
    pub causes: Vec<Cause>,
    /// What doing it again takes, in seconds: as long as before, in proportion to parameters and
    /// tokens of a training. None where it is not known how long that took.
    pub expected: Option<f64>,
    /// Whether the files of the earlier job are gone.
    pub is_evicted: bool,
}

/// A difference that others follow from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The job that differs in itself.
    pub job: String,
    /// How.
    pub what: Difference,
}

impl Cause {
    /// Says what differs, as seen from a job: others are named.
    pub fn words(&self, from: &str) -> String {
        match &self.what {
            Difference::File { .. } | Difference::Another(_) => self.what.to_string(),
            what if self.job == from => what.to_string(),
            // Without its axes: they are those of the job it is seen from, or none.
            what => format!("{}: {what}", stem(&self.job)),
        }
    }
}

/// Finds out why jobs are to do, from what the journal tells of a study.
///
/// `study` is its name there: see [`vpc_store::Begun::study`].
pub fn reasons(
    plan: &Plan,
    survey: &Survey,
    store: &Store,
    study: &str,
) -> Result<Reasons, StoreError> {
    if survey.to_do() == 0 {
        let of = vec![None; plan.jobs.len()];
        return Ok(Reasons { of });
    }
    let past = Past::read(plan, store, study)?;
    let mut finder = Finder {
        plan,
        past: &past,
        known: BTreeMap::new(),
    };
    let states = survey.states.iter().enumerate();
    let of = states.map(|(at, state)| match state {
        State::ToDo(_) => finder.reason(at),
        State::Cached | State::Again(_) | State::NotNeeded => Ok(None),
    });
    let of = of.collect::<Result<_, _>>()?;
    Ok(Reasons { of })
}

impl Reasons {
    /// Returns the reasons with the places of their jobs.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &Reason)> {
        let all = self.of.iter().enumerate();
        all.filter_map(|(at, reason)| Some((at, reason.as_ref()?)))
    }
}

struct Finder<'p> {
    plan: &'p Plan,
    past: &'p Past<'p>,
    /// Causes by the job's place and the earlier job.
    known: BTreeMap<(usize, Key), Vec<Cause>>,
}

impl Finder<'_> {
    fn reason(&mut self, at: usize) -> Result<Option<Reason>, StoreError> {
        let Some(job) = self.plan.jobs.get(at) else {
            return Ok(None);
        };
        let mut nearest: Option<(Change, Rc<Ancestor>)> = None;
        for ancestor in self.past.ancestors(job)? {
            let change = self.change(at, &ancestor)?;
            if nearest
                .as_ref()
                .is_none_or(|known| change.extent() < known.0.extent())
            {
                nearest = Some((change, ancestor));
            }
        }
        let Some((change, ancestor)) = nearest else {
            return Ok(None);
        };
        Ok(Some(Reason {
            earlier: ancestor.manifest.key,
            causes: self.causes(at, &ancestor)?,
            expected: expected(&ancestor, &job.task),
            is_evicted: ancestor.is_evicted,
            change,
        }))
    }

    fn change(&self, at: usize, ancestor: &Ancestor) -> Result<Change, StoreError> {
        let Some(job) = self.plan.jobs.get(at) else {
            return Ok(Change::default());
        };
        let (before, after) = (self.past.former(ancestor)?, self.past.present(job)?);
        Ok(Change::between(before.side(), after.side()))
    }

    /// Follows the inputs that are other jobs back to what differs in itself.
    fn causes(&mut self, at: usize, ancestor: &Ancestor) -> Result<Vec<Cause>, StoreError> {
        let id = (at, ancestor.manifest.key);
        if let Some(known) = self.known.get(&id) {
            return Ok(known.clone());
        }
        let change = self.change(at, ancestor)?;
        let name = self.plan.jobs.get(at).map_or("", |job| job.name());
        let own = change.own.into_iter().map(|what| Cause {
            job: name.to_owned(),
            what,
        });
        let mut causes: Vec<Cause> = own.collect();
        for replaced in change.inputs {
            // Of something else, what differs in it is no explanation.
            let is_same = stem(&replaced.before.name) == stem(&replaced.after.name);
            let before = if is_same {
                self.past.job(replaced.before.key)?
            } else {
                None
            };
            let found = match (self.past.place(replaced.after.key), before) {
                (Some(at), Some(before)) => self.causes(at, &before)?,
                _ => vec![Cause {
                    job: replaced.after.name.clone(),
                    what: Difference::Another(replaced.after.name),
                }],
            };
            for cause in found {
                if !causes.contains(&cause) {
                    causes.push(cause);
                }
            }
        }
        self.known.insert(id, causes.clone());
        Ok(causes)
    }
}

/// The name of a job without its axes.
fn stem(label: &str) -> &str {
    label.split('[').next().unwrap_or(label)
}

fn expected(ancestor: &Ancestor, task: &Task) -> Option<f64> {
    let seconds = ancestor.manifest.seconds()?;
    let size = |task: &Task| match task {
        Task::Pretrain(task) => Some(task.tokens as f64 * task.model.parameters() as f64),
        _ => None,
    };
    let ratio = match (size(&ancestor.task), size(task)) {
        (Some(before), Some(after)) if before > 0.0 => after / before,
        _ => 1.0,
    };
    Some(seconds * ratio)
}
