//! `vpc data`: a look at the text and the items of a study, before anything is run and with nothing stored.

mod found;
mod items;
mod labels;
mod sample;
mod show;
mod tally;
mod texts;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, Subcommand, ValueHint};
use clap_complete::engine::ArgValueCompleter;
use vpc_compiler::plan::Plan;

use crate::command::{Format, StudyOptions};
use crate::complete;
use crate::exit::Status;
use crate::output::tell;
use crate::store::{Shape, Size};
use crate::study::compiled;

/// What can be looked at of data.
#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Print documents of a category, items of a dataset, or questions of a benchmark.
    Show(ShowOptions),
    /// Tell how much text carries each label, and how many items.
    Labels(LabelsOptions),
}

#[derive(Debug, Args)]
pub(crate) struct ShowOptions {
    /// The study, a `.vp` file.
    #[arg(add = ArgValueCompleter::new(complete::studies))]
    file: PathBuf,
    /// A category, a dataset or a benchmark that the study uses.
    #[arg(add = ArgValueCompleter::new(complete::data))]
    name: String,
    /// How many documents or items.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    count: u32,
    /// Take them by chance, each as likely as any other, and always the same for a seed; all of the source is
    /// read [default: the first ones].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Write the pictures of the items into this folder, a new or an empty one, as PNG files.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pictures: Option<PathBuf>,
    #[command(flatten)]
    shape: Shape,
}

#[derive(Debug, Args)]
pub(crate) struct LabelsOptions {
    /// The study, a `.vp` file.
    #[arg(add = ArgValueCompleter::new(complete::studies))]
    file: PathBuf,
    /// Categories and datasets that the study uses [default: all of them].
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(complete::data))]
    names: Vec<String>,
    /// What labels the text that has no labels of its own: `rules`, which go by words, phrases and patterns;
    /// or `endpoint:MODEL`, a model elsewhere, of so much text as `--first` says.
    #[arg(long, value_name = "LABELLER")]
    labeller: Option<Labelled>,
    /// Read so much text of each category, from its beginning, such as `10MB` [default: all].
    #[arg(long, value_name = "SIZE")]
    first: Option<Size>,
    #[command(flatten)]
    shape: Shape,
}

/// What labels segments of 1,024 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Labelled {
    /// Words, phrases and patterns. Rough: they understand nothing.
    Rules,
    /// A model elsewhere, by its name.
    Endpoint(String),
}

impl FromStr for Labelled {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "rules" => Ok(Self::Rules),
            Some(("endpoint", model)) if !model.is_empty() => Ok(Self::Endpoint(model.to_owned())),
            _ => Err(format!(
                "`{text}` is neither `rules` nor `endpoint:` with the name of a model after it"
            )),
        }
    }
}

pub(crate) fn data(command: &DataCommand) -> Status {
    let done = match command {
        DataCommand::Show(options) => show::show(options),
        DataCommand::Labels(options) => labels::labels(options),
    };
    done.err().unwrap_or(Status::Ok)
}

/// What the categories and datasets of a plan are called.
pub(crate) fn names(plan: &Plan) -> impl Iterator<Item = &str> {
    found::all(plan).map(|found| found.name)
}

/// Compiles a study; its problems are told as the answer is written.
fn planned(file: &Path, shape: &Shape) -> Result<Plan, Status> {
    let format = if shape.is_json() {
        Format::Json
    } else {
        Format::Human
    };
    let file = file.to_owned();
    compiled(&StudyOptions { file, format })
}

/// Tells why data cannot be read.
fn failed(name: &str, error: impl std::fmt::Display) -> Status {
    tell(format_args!("error: {name}: {error}"));
    Status::Problems
}
