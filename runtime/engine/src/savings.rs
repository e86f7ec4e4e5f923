//! What training a plan takes, what shared trunks save of it, and what they could.

use std::collections::{BTreeMap, BTreeSet};

use vpc_compiler::plan::{Job, Key, Plan, PretrainTask, ScheduleShape, Task};

use crate::survey::{State, Survey};

/// The training that a plan has to do, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Training {
    /// What is really trained.
    pub to_do: u64,
    /// What would be trained besides, did no run share its trunk with others of the plan.
    pub saved: u64,
}

/// Runs that differ in nothing but their budgets, and do not share a trunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// Their places in the plan.
    pub runs: Vec<usize>,
    /// The tokens they train on.
    pub asked: u64,
    /// The tokens they would train on with a trunk in common and a decay of a tenth of each.
    pub would: u64,
    /// Why they have none.
    pub missed: Missed,
}

/// Why runs have no trunk in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missed {
    /// Their rate falls from the beginning.
    Schedule,
    /// They warm up over different numbers of steps.
    WarmUp,
}

/// Counts the training that a plan has to do.
pub fn training(plan: &Plan, survey: &Survey) -> Training {
    let build = plan.build.as_deref();
    let mut training = Training::default();
    // Runs of each trunk: the step at which they leave it, where they begin, and tokens of a step.
    let mut trunks: BTreeMap<Key, Vec<(u64, u64, u64)>> = BTreeMap::new();
    for (job, state) in plan.jobs.iter().zip(&survey.states) {
        let (Task::Pretrain(task), State::ToDo(start) | State::Again(start)) = (&job.task, state)
        else {
            continue;
        };
        let (from, per_step) = (start.unwrap_or(0), task.batch * task.model.context);
        training.to_do += task.steps.saturating_sub(from) * per_step;
        if let Some(trunk) = job.trunk(build) {
            let runs = trunks.entry(trunk.key).or_default();
            runs.push((trunk.end, from, per_step));
        }
    }
    for runs in trunks.values_mut() {
        runs.sort_unstable();
        let mut covered = 0;
        for (end, from, per_step) in runs {
            let again = covered.min(*end).saturating_sub(*from);
            training.saved += again * *per_step;
            covered = covered.max(*end);
        }
    }
    training.to_do -= training.saved;
    training
}

/// Finds runs to do that could share a trunk and do not, where that would save something.
pub fn advice(plan: &Plan, survey: &Survey) -> Vec<Advice> {
    let jobs = plan.jobs.iter().zip(&survey.states).enumerate();
    let to_do = jobs.filter(|(_, (_, state))| state.is_to_do());
    let mut groups: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    for (at, (job, _)) in to_do {
        // Initial weights belong to every schedule.
        if matches!(&job.task, Task::Pretrain(task) if task.steps > 0)
            && let Some(key) = job.kindred()
        {
            groups.entry(key).or_default().push(at);
        }
    }
    let mut groups: Vec<Vec<usize>> = groups.into_values().filter(|runs| runs.len() > 1).collect();
    groups.sort();
    let advice = groups.into_iter().filter_map(|runs| advised(plan, runs));
    let mut merged: Vec<(String, Advice)> = Vec::new();
    // Told once for all runs of a block, whatever else they are repeated over.
    for one in advice {
        let first = one.runs.first().and_then(|at| plan.jobs.get(*at));
        let name = first.map_or("", Job::name).split('[').next();
        let name = name.unwrap_or_default().to_owned();
        match merged
            .iter_mut()
            .find(|known| known.0 == name && known.1.missed == one.missed)
        {
            Some((_, known)) => {
                known.runs.extend(one.runs);
                known.asked += one.asked;
                known.would += one.would;
            }
            None => merged.push((name, one)),
        }
    }
    merged.into_iter().map(|(_, advice)| advice).collect()
}

fn advised(plan: &Plan, runs: Vec<usize>) -> Option<Advice> {
    let tasks = runs
        .iter()
        .filter_map(|at| match &plan.jobs.get(*at)?.task {
            Task::Pretrain(task) => Some(&**task),
            _ => None,
        });
    let tasks: Vec<&PretrainTask> = tasks.collect();
    let shared = |task: &&PretrainTask| {
        matches!(
            task.schedule.shape,
            ScheduleShape::Wsd | ScheduleShape::Constant
        )
    };
    let missed = if !tasks.iter().any(shared) {
        Missed::Schedule
    } else if tasks.iter().all(shared) {
        Missed::WarmUp
    } else {
        return None;
    };
    let warmups = tasks.iter().map(|task| task.schedule.warmup);
    let warmups: BTreeSet<u64> = warmups.collect();
    if missed == Missed::WarmUp && warmups.len() < 2 {
        return None;
    }
    let budgets = tasks.iter().map(|task| task.tokens);
    let budgets: BTreeSet<u64> = budgets.collect();
    let asked: u64 = budgets.iter().sum();
    let longest = budgets.last()?;
    let would = longest / 10 * 9 + asked / 10;
    (budgets.len() > 1 && would < asked).then_some(Advice {
        runs,
        asked,
        would,
        missed,
    })
}
