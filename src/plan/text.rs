//! A plan in words.

use std::borrow::Cow;

use vpc_compiler::plan::{Job, Plan};
use vpc_engine::{Advice, Missed, Reasons, State, Survey, Training, advice, training, unsupported};

use super::experiments::{Looked, experiment_text};
use super::groups::groups_text;
use crate::changes;
use crate::cost::{self, Costs, Known};
use crate::output::{counted, grouped, rounded};
use crate::show::stem;

pub(super) fn as_text(
    plan: &Plan,
    survey: &Survey,
    reasons: &Reasons,
    costs: &Costs,
    all: bool,
) -> String {
    if plan.jobs.is_empty() {
        return "nothing to do: the study has no experiment with jobs".to_owned();
    }
    let looked = Looked::at(plan);
    let mut parts = Vec::new();
    for experiment in &plan.experiments {
        parts.push(experiment_text(&looked, experiment));
    }
    parts.push(groups_text(plan, survey, reasons));
    if all {
        parts.push(jobs_text(plan, survey, reasons, costs.known()));
    }
    parts.extend(changes::summary(plan, reasons));
    let Training {
        to_do: tokens,
        saved,
    } = training(plan, survey);
    parts.extend(trunks_text(plan, survey));
    if let Some(note) = not_yet(plan, survey) {
        parts.push(note);
    }
    parts.push(match survey.to_do() {
        0 => format!("nothing to do; {} cached", counted(survey.cached(), "job")),
        to_do => {
            let changed = reasons.iter().count();
            format!(
                "to do: {}{}, {} training tokens{}; {} cached",
                counted(to_do, "job"),
                match changed {
                    0 => String::new(),
                    _ => format!(" (+ {} new, ~ {changed} changed)", to_do - changed),
                },
                rounded(tokens),
                match saved {
                    0 => String::new(),
                    saved => format!(" ({} saved by shared trunks)", rounded(saved)),
                },
                survey.cached()
            )
        }
    });
    parts.extend(cost::summary(costs).filter(|_| survey.to_do() > 0));
    parts.join("\n")
}

/// Says which budgets could share a trunk and do not.
fn trunks_text(plan: &Plan, survey: &Survey) -> Option<String> {
    let advice = advice(plan, survey).into_iter().map(|one| {
        let Advice {
            runs,
            asked,
            would,
            missed,
        } = one;
        let first = stem(plan.jobs[runs[0]].name());
        let way = match missed {
            Missed::Schedule => "with the schedule `wsd(…)` they would share a trunk",
            Missed::WarmUp => "with a warm-up in steps or tokens they would share a trunk",
        };
        format!(
            "{} of {first} differ in their budgets: {way}, and take {} tokens instead of {}\n",
            counted(runs.len(), "run"),
            rounded(would),
            rounded(asked),
        )
    });
    let text: String = advice.collect();
    (!text.is_empty()).then_some(text)
}

/// Says what a run would refuse: each reason once, with the first of its jobs.
fn not_yet(plan: &Plan, survey: &Survey) -> Option<String> {
    let mut reasons: Vec<(&str, &Job, u64)> = Vec::new();
    let jobs = unsupported(plan, survey);
    for one in &jobs {
        let reason = match &one.why {
            Cow::Borrowed(of_kind) => of_kind,
            // What stands in parentheses is of the one job.
            Cow::Owned(own) => own.find(" (").map_or(&**own, |at| &own[..at]),
        };
        match reasons.iter_mut().find(|known| known.0 == reason) {
            Some(known) => known.2 += 1,
            None => reasons.push((reason, one.job, 1)),
        }
    }
    if reasons.is_empty() {
        return None;
    }
    let mut text = "this can be planned and not run yet, since\n".to_owned();
    for (reason, first, count) in reasons {
        let first = first.name();
        let more = match count - 1 {
            0 => String::new(),
            more => format!(" (and {} more)", grouped(more)),
        };
        let reason = reason.split(", which this").next().unwrap_or(reason);
        text += &format!("  {first}{more} {reason}\n");
    }
    Some(text)
}

/// Longer names push their figures to the right.
const WIDEST_NAME: usize = 48;

fn jobs_text(plan: &Plan, survey: &Survey, reasons: &Reasons, costs: Option<&Known>) -> String {
    // What jobs take stands in columns behind their names.
    let names = plan.jobs.iter().map(|job| job.name().chars().count());
    let wide = costs.map_or(0, |_| names.max().unwrap_or(0).min(WIDEST_NAME));
    let mut text = costs.map_or_else(String::new, |_| cost::heading(wide));
    let mut figures = costs.map(|known| (known, known.forecast.jobs.iter().peekable()));
    for (at, (job, state)) in plan.jobs.iter().zip(&survey.states).enumerate() {
        let reason = reasons.of.get(at).and_then(Option::as_ref);
        let (mark, mut note) = match state {
            State::Cached => ("=", String::new()),
            State::ToDo(None) => ("+", String::new()),
            State::ToDo(Some(step)) => ("+", format!("  goes on from step {step}")),
            State::Again(None) => ("+", "  again, for a checkpoint".to_owned()),
            State::Again(Some(step)) => (
                "+",
                format!("  again, for a checkpoint; goes on from step {step}"),
            ),
            State::NotNeeded => ("·", "  not needed".to_owned()),
        };
        let mark = if reason.is_some() { "~" } else { mark };
        if let Some(reason) = reason {
            note.insert_str(0, &format!("  {}", changes::words(job.name(), reason)));
        }
        let said = format!("{}{note}", job.name());
        let cost = figures.as_mut().and_then(|(known, jobs)| {
            let cost = jobs.next_if(|cost| cost.job == at)?;
            Some(format!("{said:<wide$}{}", cost::figures(known, cost)))
        });
        let line = cost.unwrap_or(said);
        text += &format!("{mark} {}  {line}\n", job.key.short());
        for equal in job.labels.iter().skip(1) {
            text += &format!("                and {equal}\n");
        }
    }
    text
}
