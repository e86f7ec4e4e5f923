//! `vpc export`: a finished model as a folder that others load, or answers as a file.

use vpc_engine::{ExportError, export as write, export_llava};

use crate::command::{ExportOptions, Form};
use crate::exit::Status;
use crate::output::{counted, grouped, tell};
use crate::records;
use crate::show::{failed, kept, looked};

/// Numbers of one file of weights, unless told otherwise.
const SHARD: u64 = 5_000_000_000;

pub(crate) fn export(options: &ExportOptions) -> Status {
    exported(options).err().unwrap_or(Status::Ok)
}

fn exported(options: &ExportOptions) -> Result<(), Status> {
    if options.to != Form::Hf && options.shard_size.is_some() {
        tell("error: `--shard-size` goes with `--to hf`; all else is in one file, so leave it out");
        return Err(Status::Use);
    }
    let store = looked(options.store.as_ref())?;
    let job = kept(&store, &options.job)?;
    let shard = options.shard_size.as_ref().map_or(SHARD, |size| size.bytes);
    let written = match options.to {
        Form::Hf => write(&store, &job, &options.path, shard),
        Form::Llava => export_llava(&store, &job, &options.path),
        form => return records::write(&store, &job, form, &options.path),
    };
    match written {
        Ok(done) => {
            let name = job.labels.first().map_or("", String::as_str);
            tell(format_args!(
                "{}: {name}, {} parameters, in {}",
                options.path.display(),
                grouped(done.parameters),
                counted(done.files.len(), "file")
            ));
            if done.left_sight {
                tell(
                    "note: this is its language model alone; `--to llava` writes it with its encoder and \
                     projector",
                );
            }
            Ok(())
        }
        Err(ExportError::Store(error)) => Err(failed(&error)),
        Err(error) => {
            tell(format_args!("error: nothing was exported: {error}"));
            Err(Status::Problems)
        }
    }
}
