//! What the jobs of a plan add up to, by kind.

use vpc_compiler::plan::Plan;
use vpc_engine::{State, Survey, training};

/// What a kind of job adds up to.
#[derive(Default)]
pub(super) struct Total {
    pub(super) jobs: usize,
    pub(super) cached: usize,
    pub(super) to_do: usize,
    pub(super) not_needed: usize,
    /// Training tokens to do.
    pub(super) tokens: u64,
    /// Training tokens that trunks save.
    pub(super) saved: u64,
}

pub(super) fn totals(plan: &Plan, survey: &Survey) -> Vec<(&'static str, Total)> {
    let mut totals: Vec<(&'static str, Total)> = Vec::new();
    for (job, state) in plan.jobs.iter().zip(&survey.states) {
        let kind = job.task.kind();
        let at = totals
            .iter()
            .position(|known| known.0 == kind)
            .unwrap_or_else(|| {
                totals.push((kind, Total::default()));
                totals.len() - 1
            });
        let total = &mut totals[at].1;
        total.jobs += 1;
        match state {
            State::Cached => total.cached += 1,
            State::NotNeeded => total.not_needed += 1,
            State::ToDo(_) | State::Again(_) => {
                total.to_do += 1;
            }
        }
    }
    let training = training(plan, survey);
    if let Some((_, total)) = totals.iter_mut().find(|total| total.0 == "pretrain") {
        (total.tokens, total.saved) = (training.to_do, training.saved);
    }
    totals
}
