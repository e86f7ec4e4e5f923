//! `vpc check`: problems only.

use crate::command::{CheckOptions, Format};
use crate::exit::Status;
use crate::output::tell;
use crate::study::compiled;

pub(crate) fn check(options: &CheckOptions) -> Status {
    match compiled(&options.study) {
        Ok(plan) => {
            if options.study.format != Format::Json {
                let (experiments, jobs) = (plan.experiments.len(), plan.jobs.len());
                let file = options.study.file.display();
                tell(format_args!(
                    "{file}: no errors; {experiments} experiments, {jobs} jobs"
                ));
            }
            Status::Ok
        }
        Err(status) => status,
    }
}
