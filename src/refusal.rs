//! What `vpc run` refuses before it begins.

use std::collections::BTreeSet;

use vpc_compiler::plan::Plan;
use vpc_engine::{Outcome, Survey, reasons, survey, unsupported};
use vpc_store::{Store, StoreError};

use crate::command::RunOptions;
use crate::cost::is_over_budget;
use crate::locked::missing;
use crate::output::{counted, tell};
use crate::run::again;
use crate::saved::exceeded;
use crate::study::Planned;
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
    if is_over_budget(plan, &survey, None, planned, options.study.format) {
        tell("nothing was begun");
        return Ok(Some(left(survey.to_do())));
    }
    let announced = planned.announced.as_ref();
    if let Some(more) = announced.and_then(|announced| exceeded(plan, &survey, announced)) {
        return Ok(Some(left(more)));
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
    // What is to be done about one is seldom what helps the next.
    let mut told = BTreeSet::from([&*first.why]);
    for job in &jobs {
        if told.insert(&job.why) {
            tell(format_args!("  {} {}", job.job.name(), job.why));
        }
    }
    Some(left(jobs.len()))
}
