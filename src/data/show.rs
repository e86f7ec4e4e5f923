//! `vpc data show`: samples of a category, a dataset or a benchmark.

use serde_json::{Value, json};

use super::found::{Of, one_to_show};
use super::{ShowOptions, items, planned, texts};
use crate::exit::Status;
use crate::output::{say, say_json, tell};

/// What a sample is on the screen, and for programs.
pub(super) struct Shown {
    pub(super) text: String,
    pub(super) json: Value,
}

pub(super) fn show(options: &ShowOptions) -> Result<(), Status> {
    let plan = planned(&options.file, &options.shape)?;
    let found = one_to_show(&plan, &options.name)?;
    let (kind, from, samples) = match found.of {
        Of::Category(_) if options.pictures.is_some() => {
            tell(format_args!(
                "error: `{}` is a category, and text has no pictures; leave out `--pictures`",
                found.name
            ));
            return Err(Status::Use);
        }
        Of::Category(task) => {
            let (from, samples) = texts::sampled(&found, task, options)?;
            ("category", from, samples)
        }
        Of::Dataset(task) => {
            let (from, samples) = items::sampled(&plan, &found, task, options)?;
            ("dataset", from, samples)
        }
        Of::Benchmark(_) if options.pictures.is_some() => {
            tell(format_args!(
                "error: `{}` is asked without pictures; leave out `--pictures`",
                found.name
            ));
            return Err(Status::Use);
        }
        Of::Benchmark(task) => {
            let (from, samples) = items::asked(&found, task, options)?;
            ("benchmark", from, samples)
        }
    };
    if options.shape.is_json() {
        let samples: Vec<Value> = samples.into_iter().map(|sample| sample.json).collect();
        say_json(json!({
            "schema": 1,
            "study": plan.study,
            "name": found.name,
            "kind": kind,
            "from": from,
            "seed": options.seed,
            "samples": samples,
        }));
        return Ok(());
    }
    say(format_args!("{}: {kind} of {from}", found.name));
    for sample in samples {
        say(format_args!("\n{}", sample.text));
    }
    Ok(())
}
