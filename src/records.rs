//! Answers to the questions of a benchmark: read out of the store, and written for other programs.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use vpc_engine::{JobError, answers};
use vpc_measure::record::{FILE, Record, RecordError, to_csv, to_jsonl, to_parquet};
use vpc_store::{Manifest, Store};

use crate::command::Form;
use crate::compare::name;
use crate::exit::Status;
use crate::output::{counted, say_bytes, tell};
use crate::show::failed;

/// The file in which earlier versions filed answers.
const EARLIER: &str = "answers.jsonl";

/// The records of a job that answered a benchmark.
pub(crate) fn of(store: &Store, job: &Manifest) -> Result<Vec<Record>, Status> {
    refuse_earlier(job)?;
    answers(store, job).map_err(|error| match error {
        JobError::Store(error) => failed(&error),
        error => {
            tell(format_args!("error: `{}`: {error}", name(job)));
            Status::Damaged
        }
    })
}

/// Tells of answers that an earlier version filed, which is read by that version alone.
pub(crate) fn refuse_earlier(job: &Manifest) -> Result<(), Status> {
    if job.files.contains_key(FILE) || !job.files.contains_key(EARLIER) {
        return Ok(());
    }
    tell(format_args!(
        "error: the answers of `{}` were filed by an earlier version, as `{EARLIER}`; run its study again, or \
         take them as they are with `vpc show {} --file {EARLIER}`",
        name(job),
        job.key.short()
    ));
    Err(Status::Problems)
}

/// Writes the answers of a job into a new file, or to standard output for `-`.
pub(crate) fn write(store: &Store, job: &Manifest, form: Form, path: &Path) -> Result<(), Status> {
    if !job.files.contains_key(FILE) {
        refuse_earlier(job)?;
        tell(format_args!(
            "error: `{}` is a `{}` job, which has no answers of its own",
            name(job),
            job.kind
        ));
        tell("help: name the answers to one benchmark, such as `study/able.sums[seed=1]`");
        return Err(Status::Problems);
    }
    let records = of(store, job)?;
    let bytes = written(&records, form).map_err(|error| {
        tell(format_args!("error: nothing was exported: {error}"));
        Status::Problems
    })?;
    if path == Path::new("-") {
        say_bytes(&bytes);
        return Ok(());
    }
    write_new(path, &bytes).map_err(|error| unwritten(path, &error))?;
    tell(format_args!(
        "{}: {}, {}",
        path.display(),
        name(job),
        counted(records.len(), "answer")
    ));
    Ok(())
}

fn written(records: &[Record], form: Form) -> Result<Vec<u8>, RecordError> {
    match form {
        Form::Csv => to_csv(records),
        Form::Parquet => to_parquet(records),
        Form::Jsonl | Form::Hf | Form::Llava => to_jsonl(records),
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::File::create_new(path)?.write_all(bytes)
}

fn unwritten(path: &Path, error: &io::Error) -> Status {
    let path = path.display();
    if error.kind() == io::ErrorKind::AlreadyExists {
        tell(format_args!(
            "error: nothing was exported: `{path}` is there already; name a new file"
        ));
        return Status::Use;
    }
    tell(format_args!("error: cannot write `{path}`: {error}"));
    Status::Environment
}
