//! `vpc check`: problems only.

use crate::command::{CheckOptions, Format};
use crate::exit::Status;
use crate::output::{counted, tell};
use crate::study::compiled;

pub(crate) fn check(options: &CheckOptions) -> Status {
    match compiled(&options.study) {
        Ok(plan) => {
            if options.study.format != Format::Json {
                let experiments = counted(plan.experiments.len(), "experiment");
                let jobs = counted(plan.jobs.len(), "job");
                let file = options.study.file.display();
                tell(format_args!("{file}: no errors; {experiments}, {jobs}"));
            }
            // It takes longer to take apart than the process has left to live.
            std::mem::forget(plan);
            Status::Ok
        }
        Err(status) => status,
    }
}
