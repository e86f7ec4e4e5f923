//! `vpc export`: a finished model as a folder that others load.

use vpc_engine::{ExportError, export as write};

use crate::command::{ExportOptions, Form};
use crate::exit::Status;
use crate::output::{counted, grouped, tell};
use crate::show::{as_text, failed, find, looked, only};

/// Numbers of one file of weights, unless told otherwise.
const SHARD: u64 = 5_000_000_000;

pub(crate) fn export(options: &ExportOptions) -> Status {
    exported(options).err().unwrap_or(Status::Ok)
}

fn exported(options: &ExportOptions) -> Result<(), Status> {
    let Form::Hf = options.to;
    let store = looked(options.store.as_ref())?;
    let found = find(&store, &options.job).map_err(|error| failed(&error))?;
    let job = only(&options.job, &found)?;
    if job.is_evicted {
        let cost = store.cost_again(&job.manifest);
        let cost = as_text(&cost.map_err(|error| failed(&error))?);
        tell(format_args!(
            "error: `{}` was evicted, so its files are gone; computing it again would take {cost}",
            options.job
        ));
        tell("help: run its study again");
        return Err(Status::Problems);
    }
    let shard = options.shard_size.as_ref().map_or(SHARD, |size| size.bytes);
    match write(&store, &job.manifest, &options.folder, shard) {
        Ok(done) => {
            let name = job.manifest.labels.first().map_or("", String::as_str);
            tell(format_args!(
                "{}: {name}, {} parameters, in {}",
                options.folder.display(),
                grouped(done.parameters),
                counted(done.files.len(), "file")
            ));
            Ok(())
        }
        Err(ExportError::Store(error)) => Err(failed(&error)),
        Err(error) => {
            tell(format_args!("error: nothing was exported: {error}"));
            Err(Status::Problems)
        }
    }
}
