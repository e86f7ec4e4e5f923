//! What `vpc run` refuses before it begins.

use vpc_compiler::plan::Plan;
use vpc_engine::{Outcome, Survey, reasons, survey, unsupported};
use vpc_store::{Store, StoreError};

use crate::command::RunOptions;
use crate::cost::over_budget;
use crate::locked::missing;
use crate::output::{counted, tell};
use crate::run::again;
use crate::study::{Planned, tell_problem};
use crate::{changes, roots};

/// Refuses before anything is begun or written: what cannot be run, data that is not as it is
/// locked, and finished work that an edit would have done again.
pub(crate) fn refusal(
    plan: &Plan,
    there: Option<&Store>,
    planned: &Planned,
    options: &RunOptions,
) -> Result<Option<Outcome>, StoreError> {
    let survey = survey(plan, there)?;
    if let Some(refused) = refused(plan, &survey) {
        return Ok(Some(refused));
    }
    let excess = over_budget(plan, &survey, None);
    for one in &excess {
        tell_problem(
            &one.problem(&planned.sources),
            &planned.sources,
            options.study.format,
        );
    }
    if !excess.is_empty() {
        tell("nothing was begun");
        return Ok(Some(left(survey.to_do())));
    }
    let file = options.study.file.display();
    let drift = planned.locked.drift(plan);
    if survey.to_do() > 0 && !drift.is_empty() {
        tell("error: nothing was begun: the data is not what the study was locked with");
        for drift in &drift {
            tell(format_args!("  {drift}"));
        }
        tell(format_args!(
            "help: bring the files back, or accept them as they are: `vpc lock {file}`"
        ));
        return Ok(Some(left(survey.to_do())));
    }
    let gone = missing(plan, |at| survey.states[at].is_to_do());
    if !gone.is_empty() {
        tell(format_args!(
            "error: nothing was begun: `{}` is not here, and a job to do reads it",
            gone.join("`, `")
        ));
        tell("help: put the data where the study names it; `vp.lock` knows what it must hold");
        return Ok(Some(left(gone.len())));
    }
    let Some(store) = there.filter(|_| !options.accept_changes) else {
        return Ok(None);
    };
    let place = roots::place(&options.study.file, &planned.folder);
    let reasons = reasons(plan, &survey, store, &place)?;
    let Some(summary) = changes::summary(plan, &reasons) else {
        return Ok(None);
    };
    let jobs = reasons.iter().count();
    tell(format_args!(
        "error: nothing was begun: finished work would be done again: {}, {}",
        counted(jobs, "job"),
        changes::total(&reasons),
    ));
    tell(summary.trim_end());
    tell(format_args!(
        "help: undo the edit, or do it again: `{}`; earlier results stay in the store",
        again(options, true)
    ));
    Ok(Some(left(jobs)))
}

/// What came of a run that was refused.
fn left(jobs: usize) -> Outcome {
    Outcome {
        left: jobs,
        ..Outcome::default()
    }
}

/// Refuses a plan with jobs that this version cannot run, before anything is begun.
pub(crate) fn refused(plan: &Plan, survey: &Survey) -> Option<Outcome> {
    let jobs = unsupported(plan, survey);
    let first = jobs.first()?;
    tell(format_args!(
        "error: nothing was begun: {} {} ({} in all; `vpc plan` tells more)",
        first.job.name(),
        first.why,
        counted(jobs.len(), "such job"),
    ));
    Some(left(jobs.len()))
}
