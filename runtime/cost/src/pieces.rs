//! The work of a plan as a graph of pieces. Most jobs are one; a training run on a trunk is two, what
//! it computes of the trunk and the rest, since others on the trunk wait for the first alone.

use std::collections::BTreeMap;

use vpc_compiler::plan::{Job, Key, KeyMap, Plan, Task};

use crate::estimator::{Estimator, Facts};
use crate::work::Work;

/// Pieces, and what each waits for.
#[derive(Debug, Default)]
pub struct Pieces {
    /// What each takes.
    pub work: Vec<Work>,
    /// Place in the plan of the job it belongs to.
    pub job: Vec<usize>,
    /// How many pieces it waits for.
    pub(crate) waits: Vec<u32>,
    /// Where the pieces that wait for it begin in `users`; one more than there are pieces.
    first_user: Vec<u32>,
    users: Vec<u32>,
}

/// A run on a trunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct OnTrunk {
    /// The last step that it has in common with others.
    end: u64,
    /// The step that it goes on from.
    from: u64,
    /// Its place in the plan.
    at: usize,
}

/// How a run on a trunk is divided.
#[derive(Debug, Clone, Copy)]
struct Divided {
    /// The step at which its own work begins.
    begin: u64,
    /// Steps of the trunk that it computes itself.
    own: u64,
    /// The run, by place, whose part of the trunk it waits for.
    after: Option<usize>,
}

impl Pieces {
    /// Cuts the work of a plan that is to do.
    pub fn of(plan: &Plan, facts: &Facts) -> Self {
        let divided = divided(plan, facts);
        let estimator = Estimator::new(plan, facts);
        let mut pieces = Self::default();
        let mut edges: Vec<(u32, u32)> = Vec::new();
        // The last piece of each job to do, by key; the trunk's part of each run, by place.
        let mut last: KeyMap<u32> = KeyMap::default();
        let mut on_trunk: BTreeMap<usize, u32> = BTreeMap::new();
        let mut waiting: Vec<(usize, u32)> = Vec::new();
        for (at, job) in plan.jobs.iter().enumerate() {
            let Some(Some(from)) = facts.from.get(at) else {
                continue;
            };
            let parts = divided.get(&at);
            let work = estimator.work(job, parts.map_or(*from, |parts| parts.begin));
            let own = parts.map_or(0, |parts| parts.own.min(work.steps));
            let first = if own > 0 {
                let (trunk, rest) = work.split(own);
                let first = pieces.add(at, trunk);
                on_trunk.insert(at, first);
                let second = pieces.add(at, rest);
                edges.push((first, second));
                last.insert(job.key, second);
                first
            } else {
                let only = pieces.add(at, work);
                last.insert(job.key, only);
                only
            };
            let needed = job.inputs.iter().filter_map(|input| last.get(input.key));
            edges.extend(needed.map(|needed| (*needed, first)));
            let after = parts.and_then(|parts| parts.after);
            waiting.extend(after.map(|run| (run, first)));
        }
        let trunks = waiting.into_iter();
        edges.extend(trunks.filter_map(|(run, piece)| Some((*on_trunk.get(&run)?, piece))));
        pieces.connect(&edges);
        pieces
    }

    fn add(&mut self, job: usize, work: Work) -> u32 {
        self.work.push(work);
        self.job.push(job);
        (self.work.len() - 1) as u32
    }

    /// Files who waits for whom.
    fn connect(&mut self, edges: &[(u32, u32)]) {
        let count = self.work.len();
        self.waits = vec![0; count];
        let mut first = vec![0_u32; count + 1];
        for (from, to) in edges {
            self.waits[*to as usize] += 1;
            first[*from as usize + 1] += 1;
        }
        for at in 0..count {
            first[at + 1] += first[at];
        }
        let mut next = first.clone();
        self.users = vec![0; edges.len()];
        for (from, to) in edges {
            let place = &mut next[*from as usize];
            self.users[*place as usize] = *to;
            *place += 1;
        }
        self.first_user = first;
    }

    /// The pieces that wait for one.
    pub(crate) fn users(&self, piece: usize) -> impl Iterator<Item = usize> + '_ {
        let (first, end) = (self.first_user[piece], self.first_user[piece + 1]);
        self.users[first as usize..end as usize]
            .iter()
            .map(|user| *user as usize)
    }

    /// Pieces in an order in which each comes after those it waits for.
    pub(crate) fn in_order(&self) -> Vec<usize> {
        let mut waits = self.waits.clone();
        let mut order: Vec<usize> = (0..waits.len()).filter(|at| waits[*at] == 0).collect();
        let mut next = 0;
        while let Some(&piece) = order.get(next) {
            next += 1;
            for user in self.users(piece) {
                waits[user] -= 1;
                if waits[user] == 0 {
                    order.push(user);
                }
            }
        }
        order
    }
}

/// How the runs on trunks are divided, by their places: the run that leaves a trunk first computes it
/// up to there, the next one goes on, as the engine does it.
fn divided(plan: &Plan, facts: &Facts) -> BTreeMap<usize, Divided> {
    let build = plan.build.as_deref();
    let mut trunks: BTreeMap<Key, Vec<OnTrunk>> = BTreeMap::new();
    for (at, (job, from)) in plan.jobs.iter().zip(&facts.from).enumerate() {
        let (Some(from), Some(trunk)) =
            (*from, is_trained(job).then(|| job.trunk(build)).flatten())
        else {
            continue;
        };
        let end = trunk.end;
        trunks
            .entry(trunk.key)
            .or_default()
            .push(OnTrunk { end, from, at });
    }
    let mut divided = BTreeMap::new();
    for runs in trunks.values_mut() {
        runs.sort_unstable();
        let (mut covered, mut after) = (0, None);
        for OnTrunk { end, from, at } in runs.iter().copied() {
            let begin = from.max(covered.min(end));
            let own = end.saturating_sub(begin);
            divided.insert(at, Divided { begin, own, after });
            if own > 0 {
                (covered, after) = (end, Some(at));
            }
        }
    }
    divided
}

fn is_trained(job: &Job) -> bool {
    matches!(job.task, Task::Pretrain(_))
}

#[cfg(test)]
impl Pieces {
    /// Pieces of jobs of their own.
    pub(crate) fn from_parts(work: Vec<Work>, edges: &[(u32, u32)]) -> Self {
        let mut pieces = Self::default();
        for (job, work) in work.into_iter().enumerate() {
            pieces.add(job, work);
        }
        pieces.connect(edges);
        pieces
    }
}
