//! `vpc adopt`: files what was made elsewhere as the result of a job.

use vpc_compiler::plan::{Job, Plan};
use vpc_engine::{AdoptError, adopt as file};
use vpc_store::Store;

use crate::command::AdoptOptions;
use crate::exit::Status;
use crate::output::{counted, grouped, tell};
use crate::study::{Planned, planned};
use crate::{build, roots};

pub(crate) fn adopt(options: &AdoptOptions) -> Status {
    let planned = match planned(&options.study, &options.kept) {
        Ok(planned) => planned,
        Err(status) => return status,
    };
    let Some(job) = named(&planned.plan, &options.job) else {
        tell(format_args!(
            "error: no job of the study is called `{}`",
            options.job
        ));
        tell("help: name one job as `vpc plan FILE --jobs` lists it");
        return Status::Use;
    };
    match work(&planned, job, options) {
        Ok(()) => Status::Ok,
        Err(AdoptError::Store(error)) => {
            tell(format_args!("error: {error}"));
            Status::of(&error)
        }
        Err(error) => {
            tell(format_args!("error: nothing was adopted: {error}"));
            Status::Problems
        }
    }
}

fn named<'p>(plan: &'p Plan, name: &str) -> Option<&'p Job> {
    let mut jobs = plan.jobs.iter();
    jobs.find(|job| job.labels.iter().any(|label| **label == *name))
}

fn work(planned: &Planned, job: &Job, options: &AdoptOptions) -> Result<(), AdoptError> {
    let store = Store::open(&planned.folder)?;
    let study = roots::record(&planned.plan, &options.study.file, &planned.folder);
    let _running = store.begin_run(&study)?;
    if let Some(there) = store.find(job.key)? {
        let how = if there.is_adopted() {
            "adopted"
        } else {
            "computed"
        };
        tell(format_args!(
            "{} is there already, {how}; nothing was changed",
            job.name()
        ));
        return Ok(());
    }
    let place = roots::place(&options.study.file, &planned.folder);
    let adopted = vpc_engine::Adopted {
        from: &options.from,
        note: options.note.as_deref(),
        build: build::name(),
        study: &place,
    };
    let filed = file(&planned.plan, job, &store, &adopted)?;
    let manifest = &filed.manifest;
    if manifest.files.contains_key("config.json") && !filed.is_compared {
        tell(
            "warning: there is no `config.json` with it: heads and position base could not be compared",
        );
    }
    for (kind, tensors) in &filed.widened {
        tell(format_args!(
            "note: {} of {kind} became F32, without loss",
            counted(*tensors, "tensor")
        ));
    }
    tell(format_args!(
        "adopted {} as {}, {} bytes",
        job.name(),
        job.key.short(),
        grouped(manifest.bytes())
    ));
    Ok(())
}
