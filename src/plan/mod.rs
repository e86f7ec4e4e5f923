//! `vpc plan`: what a run would do. Changes nothing.

mod epochs;
mod experiments;
mod groups;
mod json;
mod text;
mod totals;

use std::path::Path;

use vpc_compiler::plan::Plan;
use vpc_engine::{Reasons, Survey, reasons, survey};
use vpc_store::{Damage, Store, StoreError};

use crate::command::PlanOptions;
use crate::cost::{Costs, is_over_budget, warnings};
use crate::exit::Status;
use crate::locked::missing;
use crate::output::{say, say_json, tell};
use crate::study::{planned, selected};
use crate::{roots, saved};
use json::as_json;
use text::as_text;

/// The option with which 2 says that something is to be done, and 1 every mistake.
pub(crate) const DETAILED: &str = "--detailed-exitcode";

pub(crate) fn plan(options: &PlanOptions) -> Status {
    match planned_and_told(options) {
        // With the detailed status, 2 has a meaning of its own.
        Status::Use if options.detailed_exitcode => Status::Problems,
        status => status,
    }
}

fn planned_and_told(options: &PlanOptions) -> Status {
    if let Some(path) = options
        .output
        .as_ref()
        .filter(|path| !saved::is_saved(path))
    {
        tell(format_args!(
            "error: the name of a saved plan ends with `.json`, and `{}` does not",
            path.display()
        ));
        return Status::Use;
    }
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
    let costs = Costs::of(&plan, &survey, options.pool(), options.json);
    let warnings = costs.known().map(|known| warnings(&plan, known));
    for warning in warnings.unwrap_or_default() {
        tell(format_args!("warning: {warning}"));
    }
    if options.json {
        say_json(as_json(&plan, &survey, &reasons, &costs));
    } else {
        say(as_text(&plan, &survey, &reasons, &costs, options.jobs));
    }
    let mut status = Status::Ok;
    if is_over_budget(
        &plan,
        &survey,
        options.pool(),
        &planned,
        options.study.format,
    ) {
        status = Status::Problems;
    } else if let Some(path) = &options.output {
        status = saved::write(path, options, &planned, &plan, &survey);
    }
    if options.detailed_exitcode && status == Status::Ok && survey.to_do() > 0 {
        status = Status::Changes;
    }
    std::mem::forget(costs);
    // A plan of a million jobs takes longer to take apart than the process has left to live.
    std::mem::forget(survey);
    std::mem::forget(plan);
    std::mem::forget(planned);
    status
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
