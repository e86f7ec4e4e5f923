//! `vpc store`: looking after a store.

mod du;
mod export;
mod forget;
mod gc;
mod import;
mod pin;
mod size;
mod verify;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use clap_complete::engine::ArgValueCompleter;

use crate::command::{OnlyOptions, StudyOptions};
use crate::complete;
use crate::exit::Status;
pub(crate) use size::Size;

/// What can be done with a store.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Compare every byte of a store with what it should be, and set aside what is damaged.
    Verify(VerifyOptions),
    /// Say what takes up the room of a store.
    Du(DuOptions),
    /// Keep jobs whatever happens; without a job, list those that are kept so.
    Pin(PinOptions),
    /// Take pins back.
    Unpin(UnpinOptions),
    /// Show what may go, and what computing it again would take; remove it with `--yes`.
    Gc(GcOptions),
    /// Let go of a study: what only it needs may go from then on.
    Forget(ForgetOptions),
    /// Write a study with its results into one file, from which another machine can go on.
    Export(ExportOptions),
    /// Take in what `vpc store export` wrote.
    Import(ImportOptions),
}

#[derive(Debug, Args)]
pub(crate) struct Where {
    /// The store [default: the nearest `.vp`, here, above, or in the one folder below that has it].
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) store: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Shape {
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Writing::Human)]
    format: Writing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Writing {
    /// For people.
    Human,
    /// One JSON object, `"schema": 1`.
    Json,
}

impl Shape {
    pub(crate) fn is_json(&self) -> bool {
        self.format == Writing::Json
    }
}

#[derive(Debug, Args)]
pub(crate) struct VerifyOptions {
    #[command(flatten)]
    at: Where,
    /// Only look: what is damaged stays where it is.
    #[arg(long)]
    read_only: bool,
    #[command(flatten)]
    shape: Shape,
}

#[derive(Debug, Args)]
pub(crate) struct DuOptions {
    #[command(flatten)]
    at: Where,
    #[command(flatten)]
    shape: Shape,
}

#[derive(Debug, Args)]
pub(crate) struct PinOptions {
    /// Jobs: names such as `study/base[seed=1]`, or beginnings of keys.
    #[arg(value_name = "JOB", add = ArgValueCompleter::new(complete::jobs))]
    jobs: Vec<String>,
    /// Why they are kept, for whoever reads the list.
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
    #[command(flatten)]
    at: Where,
    #[command(flatten)]
    shape: Shape,
}

#[derive(Debug, Args)]
pub(crate) struct UnpinOptions {
    /// Jobs: names such as `study/base[seed=1]`, or beginnings of keys.
    #[arg(required = true, value_name = "JOB", add = ArgValueCompleter::new(complete::jobs))]
    jobs: Vec<String>,
    #[command(flatten)]
    at: Where,
}

#[derive(Debug, Args)]
pub(crate) struct GcOptions {
    #[command(flatten)]
    at: Where,
    /// Make the store this small, such as `10GB` or `500MiB`: what studies need and reports do not
    /// read goes too, cheapest first.
    #[arg(long, value_name = "SIZE")]
    to: Option<Size>,
    /// Remove it.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    shape: Shape,
}

#[derive(Debug, Args)]
pub(crate) struct ForgetOptions {
    /// The study, a `.vp` file, or its name where the file is gone.
    #[arg(add = ArgValueCompleter::new(complete::studies))]
    study: PathBuf,
    #[command(flatten)]
    at: Where,
}

#[derive(Debug, Args)]
pub(crate) struct ExportOptions {
    #[command(flatten)]
    study: StudyOptions,
    /// The file to write, a `.tar.zst`.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    to: PathBuf,
    /// Which files of jobs go along.
    #[arg(long, value_enum, default_value_t = With::Results)]
    with: With,
    /// The store [default: `.vp` beside the study].
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    store: Option<PathBuf>,
    #[command(flatten)]
    only: OnlyOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum With {
    /// What reports read; of all other jobs just their manifests.
    Results,
    /// Also the models, with their tokenizers.
    Models,
    /// Everything that is there, with the checkpoints.
    All,
}

#[derive(Debug, Args)]
pub(crate) struct ImportOptions {
    /// The file that `vpc store export` wrote.
    #[arg(value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// The folder to write the study's `.vp` files into; else they are not written.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    into: Option<PathBuf>,
    /// The store [default: `.vp` beside the study with `--into`, else the nearest `.vp`].
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    store: Option<PathBuf>,
    #[command(flatten)]
    shape: Shape,
}

pub(crate) fn store(command: &StoreCommand) -> Status {
    let done = match command {
        StoreCommand::Verify(options) => verify::verify(options),
        StoreCommand::Du(options) => du::du(options),
        StoreCommand::Pin(options) => pin::pin(options),
        StoreCommand::Unpin(options) => pin::unpin(options),
        StoreCommand::Gc(options) => gc::gc(options),
        StoreCommand::Forget(options) => forget::forget(options),
        StoreCommand::Export(options) => export::export(options),
        StoreCommand::Import(options) => import::import(options),
    };
    done.unwrap_or_else(|status| status)
}

/// What a command ends with; `Err` where it ends early.
type Ended = Result<Status, Status>;
