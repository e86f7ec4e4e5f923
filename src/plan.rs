//! `vpc plan`: what a run would do. Changes nothing.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use serde_json::json;
use vpc_compiler::plan::{Experiment, Job, KeyMap, Plan, Task};
use vpc_engine::{
    Advice, Missed, Reasons, State, Survey, Training, advice, reasons, survey, training,
    unsupported,
};
use vpc_store::{Damage, Store, StoreError};

use crate::command::PlanOptions;
use crate::exit::Status;
use crate::locked::missing;
use crate::output::{counted, grouped, rounded, say, say_json, tell};
use crate::show::stem;
use crate::study::{planned, selected};
use crate::{changes, roots};

/// More jobs than this are listed only when asked for.
const LISTED: usize = 40;

/// More sizes of a run than this are counted, not listed.
const LISTED_MODELS: usize = 8;

pub(crate) fn plan(options: &PlanOptions) -> Status {
    let planned = match planned(&options.study, &options.kept) {
        Ok(planned) => planned,
        Err(status) => return status,
    };
    let plan = match selected(&planned.plan, &options.only.only) {
        Ok(plan) => plan,
        Err(status) => return status,
    };
    let looked = look(&plan, &options.study.file, &planned.folder);
    let (survey, reasons, damage) = match looked {
        Ok(looked) => looked,
        Err(error) => {
            tell(format_args!("error: {error}"));
            return Status::of(&error);
        }
    };
    for found in damage {
        tell(format_args!(
            "warning: {} is damaged ({}); a run will compute it again",
            found.path.display(),
            found.problem
        ));
    }
    for drift in planned.locked.drift(&plan) {
        tell(format_args!("warning: {drift}"));
    }
    for path in missing(&plan, |at| survey.states[at].is_to_do()) {
        tell(format_args!(
            "warning: `{path}` is not here; `vp.lock` knows what it holds, and a run needs it"
        ));
    }
    if options.json {
        say_json(as_json(&plan, &survey, &reasons));
    } else {
        say(as_text(&plan, &survey, &reasons, options.jobs));
    }
    // A plan of a million jobs takes longer to take apart than the process has left to live.
    std::mem::forget(survey);
    std::mem::forget(plan);
    std::mem::forget(planned);
    Status::Ok
}

/// What lies in the store for a plan, and why the rest does not; changes nothing.
fn look(
    plan: &Plan,
    file: &Path,
    folder: &Path,
) -> Result<(Survey, Reasons, Vec<Damage>), StoreError> {
    let store = Store::peek(folder)?;
    let survey = survey(plan, store.as_ref())?;
    let Some(store) = store else {
        return Ok((survey, Reasons::default(), Vec::new()));
    };
    let reasons = reasons(plan, &survey, &store, &roots::place(file, folder))?;
    Ok((survey, reasons, store.damage()))
}

fn as_json(plan: &Plan, survey: &Survey, reasons: &Reasons) -> serde_json::Value {
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
    json!({
        "schema": plan.schema,
        "plan": plan,
        "states": states,
        "changes": changes,
        "totals": totals,
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

/// The `pretrain` jobs of a plan by key.
type Jobs<'p> = KeyMap<&'p Job>;

/// What a kind of job adds up to.
#[derive(Default)]
struct Total {
    jobs: usize,
    cached: usize,
    to_do: usize,
    not_needed: usize,
    /// Training tokens to do.
    tokens: u64,
    /// Training tokens that trunks save.
    saved: u64,
}

fn totals(plan: &Plan, survey: &Survey) -> Vec<(&'static str, Total)> {
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

fn as_text(plan: &Plan, survey: &Survey, reasons: &Reasons, all: bool) -> String {
    if plan.jobs.is_empty() {
        return "nothing to do: the study has no experiment with jobs".to_owned();
    }
    let trained = plan
        .jobs
        .iter()
        .filter(|job| matches!(job.task, Task::Pretrain(_)));
    let jobs: Jobs<'_> = trained.map(|job| (job.key, job)).collect();
    let mut parts = Vec::new();
    for experiment in &plan.experiments {
        parts.push(experiment_text(&jobs, experiment));
    }
    let totals = totals(plan, survey);
    parts.push(kinds_text(&totals));
    if all || plan.jobs.len() <= LISTED {
        parts.push(jobs_text(plan, survey, reasons));
    } else {
        parts.push(format!("{} jobs; `--jobs` lists them\n", plan.jobs.len()));
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
        to_do => format!(
            "to do: {}{}, {} training tokens{}; {} cached",
            counted(to_do, "job"),
            match reasons.iter().count() {
                0 => String::new(),
                changed => format!(" ({changed} of them because of changes)"),
            },
            rounded(tokens),
            match saved {
                0 => String::new(),
                saved => format!(" ({} saved by shared trunks)", rounded(saved)),
            },
            survey.cached()
        ),
    });
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

/// The axes of an experiment, its jobs, and the models they train.
fn experiment_text(jobs_by_key: &Jobs<'_>, experiment: &Experiment) -> String {
    let mut text = format!("experiment {}", experiment.name);
    if !experiment.doc.is_empty() {
        text += &format!(": {}", experiment.doc);
    }
    text.push('\n');
    for axis in &experiment.axes {
        text += &format!("  vary {}: {}\n", axis.name, axis.values.join(", "));
    }
    let mut jobs: Vec<(&str, usize)> = Vec::new();
    for run in &experiment.runs {
        match jobs.iter_mut().find(|job| *job.0 == *run.job) {
            Some(job) => job.1 += 1,
            None => jobs.push((&run.job, 1)),
        }
    }
    for (name, count) in jobs {
        let times = if count == 1 {
            "once".to_owned()
        } else {
            format!("{count} times")
        };
        text += &format!(
            "  {name}: {times}{}\n",
            models_text(jobs_by_key, experiment, name)
        );
    }
    text
}

/// Parameters, tokens and steps of a `pretrain` job, once for each different model.
fn models_text(jobs: &Jobs<'_>, experiment: &Experiment, job: &str) -> String {
    let mut seen = BTreeSet::new();
    let mut texts = Vec::new();
    for run in experiment.runs.iter().filter(|run| *run.job == *job) {
        if let Some(Task::Pretrain(task)) = jobs.get(run.key).map(|job| &job.task) {
            let size = (task.model.parameters(), task.tokens, task.steps);
            let per_step = task.batch * task.model.context;
            if seen.insert((size, per_step)) {
                texts.push(format!(
                    "\n    {} parameters on {} tokens ({} step{} of {})",
                    rounded(size.0),
                    rounded(task.tokens),
                    grouped(task.steps),
                    if task.steps == 1 { "" } else { "s" },
                    grouped(per_step),
                ));
            }
        }
    }
    if let Some(more) = texts
        .len()
        .checked_sub(LISTED_MODELS)
        .filter(|&more| more > 1)
    {
        texts.truncate(LISTED_MODELS);
        texts.push(format!("\n    and {more} more"));
    }
    texts.concat()
}

fn kinds_text(totals: &[(&'static str, Total)]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header([
        "kind",
        "jobs",
        "cached",
        "to do",
        "not needed",
        "tokens to do",
    ]);
    for (kind, total) in totals {
        let tokens = if total.tokens == 0 {
            "–".to_owned()
        } else {
            rounded(total.tokens)
        };
        table.add_row([
            (*kind).to_owned(),
            total.jobs.to_string(),
            total.cached.to_string(),
            total.to_do.to_string(),
            total.not_needed.to_string(),
            tokens,
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("{table}\n")
}

fn jobs_text(plan: &Plan, survey: &Survey, reasons: &Reasons) -> String {
    let mut text = String::new();
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
        let more = match job.labels.len() {
            0 | 1 => String::new(),
            n => format!("  (and {} more)", n - 1),
        };
        text += &format!("{mark} {}  {}{more}{note}\n", job.key.short(), job.name());
    }
    text
}
