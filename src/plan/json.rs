//! A plan as JSON.

use std::collections::BTreeMap;

use serde_json::json;
use vpc_compiler::plan::{Plan, Task};
use vpc_engine::{Reasons, State, Survey};

use super::epochs::Categories;
use super::totals::totals;
use crate::changes;
use crate::cost::{self, Costs};

pub(super) fn as_json(
    plan: &Plan,
    survey: &Survey,
    reasons: &Reasons,
    costs: &Costs,
) -> serde_json::Value {
    let mut states: BTreeMap<String, String> = plan
        .jobs
        .iter()
        .zip(&survey.states)
        .map(|(job, state)| (job.key.to_string(), word(*state).to_owned()))
        .collect();
    let mut changes = BTreeMap::new();
    for (at, reason) in reasons.iter() {
        let key = plan.jobs[at].key.to_string();
        if let Some(state) = states
            .get_mut(&key)
            .filter(|state| matches!(state.as_str(), "new" | "begun"))
        {
            "changed".clone_into(state);
        }
        changes.insert(key, changes::as_json(plan.jobs[at].name(), reason));
    }
    let totals: Vec<_> = totals(plan, survey)
        .into_iter()
        .map(|(kind, total)| {
            json!({
                "kind": kind,
                "jobs": total.jobs,
                "cached": total.cached,
                "to_do": total.to_do,
                "tokens_to_do": total.tokens,
                "tokens_saved": total.saved,
            })
        })
        .collect();
    let runs = plan
        .jobs
        .iter()
        .filter(|job| matches!(job.task, Task::Pretrain(_)));
    let categories = Categories::of(plan);
    let demand: BTreeMap<String, serde_json::Value> = runs
        .map(|job| (job.key.to_string(), categories.demand(plan, job)))
        .collect();
    json!({
        "schema": plan.schema,
        "plan": plan,
        "states": states,
        "changes": changes,
        "demand": demand,
        "totals": totals,
        "costs": costs.known().map(|known| cost::as_json(plan, known)),
    })
}

fn word(state: State) -> &'static str {
    match state {
        State::Cached => "cached",
        State::ToDo(None) => "new",
        State::ToDo(Some(_)) => "begun",
        State::Again(_) => "again",
        State::NotNeeded => "not_needed",
    }
}
