//! `vpc plan`: what a run would do. Changes nothing.

mod experiments;
mod json;
mod text;
mod totals;

use std::path::Path;

use vpc_compiler::plan::Plan;
use vpc_engine::{Reasons, Survey, reasons, survey};
use vpc_store::{Damage, Store, StoreError};

use crate::command::PlanOptions;
use crate::exit::Status;
use crate::locked::missing;
use crate::output::{say, say_json, tell};
use crate::roots;
use crate::study::{planned, selected};
use json::as_json;
use text::as_text;

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
