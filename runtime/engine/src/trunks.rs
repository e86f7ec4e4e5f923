//! Trunks during a run: who computes each, and who waits for it.

use std::collections::{BTreeMap, BTreeSet};

use vpc_compiler::plan::{Key, Plan, Trunk};

use crate::steps::{Held, Points};

/// The trunks of a plan, as a run goes on.
pub(crate) struct Trunks {
    /// The trunk of each job, where it has one.
    of: Vec<Option<Trunk>>,
    points: Points,
    /// The trunks of jobs under way.
    running: BTreeMap<usize, (Key, Held)>,
}

impl Trunks {
    pub(crate) fn of(plan: &Plan) -> Self {
        let build = plan.build.as_deref();
        Self {
            of: plan.jobs.iter().map(|job| job.trunk(build)).collect(),
            points: Points::of(plan),
            running: BTreeMap::new(),
        }
    }

    /// Returns the points of the trunk of a job.
    pub(crate) fn points(&self, at: usize) -> BTreeSet<u64> {
        let trunk = self.of.get(at).copied().flatten();
        trunk.map_or_else(BTreeSet::new, |trunk| self.points.on(trunk.key))
    }

    /// Notes that a job begins.
    pub(crate) fn begin(&mut self, at: usize) -> Held {
        let held = Held::default();
        if let Some(trunk) = self.of.get(at).copied().flatten() {
            self.running.insert(at, (trunk.key, held.clone()));
        }
        held
    }

    /// Notes that a job came to an end.
    pub(crate) fn end(&mut self, at: usize) {
        self.running.remove(&at);
    }

    /// Of jobs that are ready, those whose turn it is: of one trunk the run that leaves it first,
    /// and none while another run computes the trunk.
    pub(crate) fn in_turn(&self, ready: Vec<usize>) -> Vec<usize> {
        let taken = self.running.values().filter(|(_, held)| !held.is_free());
        let taken: BTreeSet<Key> = taken.map(|(trunk, _)| *trunk).collect();
        let mut first: BTreeMap<Key, (u64, usize)> = BTreeMap::new();
        for &at in &ready {
            if let Some(Some(trunk)) = self.of.get(at) {
                let known = first.entry(trunk.key).or_insert((trunk.end, at));
                *known = (*known).min((trunk.end, at));
            }
        }
        let in_turn = ready.into_iter().filter(|at| match self.of.get(*at) {
            Some(Some(trunk)) => {
                !taken.contains(&trunk.key)
                    && first.get(&trunk.key).is_some_and(|first| first.1 == *at)
            }
            _ => true,
        });
        in_turn.collect()
    }
}
