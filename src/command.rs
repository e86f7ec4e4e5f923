//! The command line: commands and their options.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter};
use vpc_compiler::plan::Selection;
use vpc_cost::Pool;
use vpc_engine::Device;

use crate::complete;
use crate::data::DataCommand;
use crate::store::{Shape, Size, StoreCommand};

/// Controlled pre-training studies: described in `.vp` files, planned, run, reported.
#[derive(Debug, Parser)]
#[command(
    name = "vpc",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
pub(crate) struct Vpc {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check a study without planning anything.
    Check(CheckOptions),
    /// Show what a run would do. Changes nothing.
    Plan(PlanOptions),
    /// Run what a study needs and the store does not have yet.
    Run(RunOptions),
    /// Draw the graph of a study's jobs.
    Graph(GraphOptions),
    /// Show a finished job: what it computed, from what, with which results.
    Show(ShowOptions),
    /// Compare the answers of two models, question by question.
    Compare(CompareOptions),
    /// Tell why a job of a study is cached, new, or to be done again.
    Why(WhyOptions),
    /// Write down what the data files of a study hold, so that a change is noticed.
    Lock(LockOptions),
    /// File a model or tokenizer made elsewhere as the result of a job.
    Adopt(AdoptOptions),
    /// Write a finished model into a folder that other programs load, or answers into a file.
    Export(ExportOptions),
    /// Ask a finished model a question, about a picture or without one.
    Ask(AskOptions),
    /// Tell what ran where, when, with what result and at what cost.
    Log(LogOptions),
    /// Look at the text and the items of a study, before anything is run.
    #[command(subcommand)]
    Data(DataCommand),
    /// Look after a store: its soundness, its room, and what may go.
    #[command(subcommand)]
    Store(StoreCommand),
    /// Measure how fast this machine trains, so that plans can tell how long they take.
    Calibrate(CalibrateOptions),
    /// Tell what this machine has to train with, and what is missing.
    Doctor(DoctorOptions),
    /// Bring `.vp` files into their one layout.
    Fmt(FmtOptions),
    /// Explain the code of a problem, such as `V0302`.
    Explain(ExplainOptions),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct StudyOptions {
    /// The study, a `.vp` file.
    #[arg(add = ArgValueCompleter::new(complete::studies))]
    pub(crate) file: PathBuf,
    /// How problems are written.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct KeptOptions {
    /// The store [default: `.vp` beside the study].
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) store: Option<PathBuf>,
    /// Bind every key to this build of the program: what another build computed does not count.
    #[arg(long)]
    pub(crate) strict_build: bool,
    /// Read data files anew, instead of trusting the digest of a file that seems untouched.
    #[arg(long)]
    pub(crate) rehash: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// With source lines and advice.
    Human,
    /// One line each: `path:line:column: error[code]: message`.
    Short,
    /// One JSON object each, `"schema": 1`.
    Json,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct OnlyOptions {
    /// Just these runs and what they need: `experiment`, `experiment/job` or
    /// `experiment/job[axis=value,…]`. Any of the axes will do, `*` stands for any text, and the
    /// option may be given several times.
    #[arg(long, value_name = "SELECTION", add = ArgValueCompleter::new(complete::selections))]
    pub(crate) only: Vec<Selection>,
}

#[derive(Debug, Args)]
pub(crate) struct CheckOptions {
    #[command(flatten)]
    pub(crate) study: StudyOptions,
}

#[derive(Debug, Args)]
pub(crate) struct PlanOptions {
    #[command(flatten)]
    pub(crate) study: StudyOptions,
    #[command(flatten)]
    pub(crate) kept: KeptOptions,
    /// Write the whole plan as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// List every job, with its key, all its names, and what it takes.
    #[arg(long)]
    pub(crate) jobs: bool,
    /// Tell what it takes on a pool of devices, such as `128xa100` or `h100`, instead of on this
    /// machine.
    #[arg(long, value_name = "POOL")]
    pub(crate) pool: Option<Pool>,
    /// The share of the devices' peak that training reaches [default: what is published of each].
    #[arg(long, value_name = "SHARE", requires = "pool", value_parser = share)]
    pub(crate) mfu: Option<f64>,
    /// Write the plan into this file (`.json`), for `vpc run` to do just what it says.
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// Tell by the exit status: 0 when nothing is to be done, 2 when something is, 1 for every
    /// mistake.
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
    #[command(flatten)]
    pub(crate) only: OnlyOptions,
}

impl PlanOptions {
    /// The pool that was asked for, at the utilisation that was told.
    pub(crate) fn pool(&self) -> Option<Pool> {
        let pool = self.pool?;
        Some(self.mfu.map_or(pool, |mfu| pool.at(mfu)))
    }
}

/// A share above nothing and at most the whole: `45%` or `0.45`.
fn share(text: &str) -> Result<f64, String> {
    let (number, unit) = match text.trim().strip_suffix('%') {
        Some(number) => (number, 100.0),
        None => (text, 1.0),
    };
    let share = number
        .trim()
        .parse::<f64>()
        .ok()
        .map(|number| number / unit);
    let share = share.filter(|share| *share > 0.0 && *share <= 1.0);
    share.ok_or_else(|| "write a share such as `45%`".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct CalibrateOptions {
    /// What to measure: `cpu`, `cuda` (a GPU of each kind) or `cuda:N`.
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    pub(crate) device: Device,
    /// How long to measure, in seconds: else 10, and 40 of a GPU. In less than 5, only small models are
    /// measured on the processor.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) seconds: Option<u32>,
    /// Write it as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct GraphOptions {
    /// The study, a `.vp` file.
    #[arg(add = ArgValueCompleter::new(complete::studies))]
    pub(crate) file: PathBuf,
    /// The language of the drawing.
    #[arg(long, value_enum, default_value_t = Drawing::Dot)]
    pub(crate) format: Drawing,
    /// One node for each job, instead of one for each declaration.
    #[arg(long)]
    pub(crate) jobs: bool,
    #[command(flatten)]
    pub(crate) only: OnlyOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Drawing {
    /// For Graphviz: `vpc graph FILE | dot -Tsvg > graph.svg`.
    Dot,
    /// For Markdown, in a block of the language `mermaid`.
    Mermaid,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct RunOptions {
    #[command(flatten)]
    pub(crate) study: StudyOptions,
    #[command(flatten)]
    pub(crate) kept: KeptOptions,
    /// Processor threads to use [default: all].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
    /// What trains, looks at pictures and evaluates: `auto` takes the NVIDIA GPUs that can be used, else the processor; `cpu`;
    /// `cuda` for GPUs alone, or `cuda:1` for the second one. Results of one precision count as the same on all.
    #[arg(long, value_name = "DEVICE", default_value_t)]
    pub(crate) device: Device,
    /// GPUs that each training takes at once, sharing out its batches among them. Needs NVIDIA's NCCL
    /// (`vpc doctor`).
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) data_parallel: u16,
    /// Do finished work again where an edit asks for it, instead of refusing.
    #[arg(long)]
    pub(crate) accept_changes: bool,
    /// Begin nothing new after a job failed [default: go on with jobs that do not need it].
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Longest time between two checkpoints of a training job, in seconds [default: 30, or longer
    /// where filing one costs more than a four-hundredth of that].
    #[arg(long, value_name = "SECONDS")]
    pub(crate) checkpoint_every: Option<u64>,
    /// Say nothing but results and problems.
    #[arg(long, short)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) only: OnlyOptions,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorOptions {
    /// Write it as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ShowOptions {
    /// A job: its name such as `study/base[seed=1]`, or the beginning of its key.
    #[arg(add = ArgValueCompleter::new(complete::jobs))]
    pub(crate) job: String,
    /// The store [default: the nearest `.vp`, here, above, or in the one folder below that has it].
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) store: Option<PathBuf>,
    /// Write it as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write one of its files instead, such as `curve.csv`.
    #[arg(long, value_name = "NAME", conflicts_with = "json")]
    pub(crate) file: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CompareOptions {
    /// A finished evaluation by a suite, or the answers to one of its benchmarks: its name such as
    /// `study/able[seed=1]` or `study/able.sums[seed=1]`, or the beginning of its key.
    #[arg(add = ArgValueCompleter::new(complete::jobs))]
    pub(crate) left: String,
    /// The one that it is compared with.
    #[arg(add = ArgValueCompleter::new(complete::jobs))]
    pub(crate) right: String,
    /// The store [default: the nearest `.vp`, here, above, or in the one folder below that has it].
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) store: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) shape: Shape,
}

#[derive(Debug, Args)]
pub(crate) struct WhyOptions {
    #[command(flatten)]
    pub(crate) study: StudyOptions,
    /// The jobs: a selection such as `study/base[seed=1]`, or the beginning of a key.
    #[arg(add = ArgValueCompleter::new(complete::selections))]
    pub(crate) job: String,
    #[command(flatten)]
    pub(crate) kept: KeptOptions,
    /// Write it as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LockOptions {
    #[command(flatten)]
    pub(crate) study: StudyOptions,
    #[command(flatten)]
    pub(crate) kept: KeptOptions,
    /// Read and encode the data first, so that documents and tokens are known of all of it.
    #[arg(long)]
    pub(crate) count: bool,
    /// Change nothing: end with status 1 where the file would change.
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AdoptOptions {
    #[command(flatten)]
    pub(crate) study: StudyOptions,
    /// The job: its name such as `study/base[seed=1]`.
    #[arg(add = ArgValueCompleter::new(complete::selections))]
    pub(crate) job: String,
    /// The folder: as Hugging Face's `transformers` writes one for a Llama model, or with a
    /// `tokenizer.json`.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) from: PathBuf,
    /// Where it comes from, in words, for the record.
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
    #[command(flatten)]
    pub(crate) kept: KeptOptions,
}

#[derive(Debug, Args)]
pub(crate) struct ExportOptions {
    /// A trained or adapted model, or a checkpoint: its name such as `study/base[seed=1]`, or the
    /// beginning of its key. Or the answers to a benchmark, such as `study/able.sums[seed=1]`.
    #[arg(add = ArgValueCompleter::new(complete::jobs))]
    pub(crate) job: String,
    /// The form: of models `hf` or `llava`, of answers the others.
    #[arg(long, value_enum, value_name = "FORM")]
    pub(crate) to: Form,
    /// What to write: of models a folder, new or empty; of answers a new file, or `-` for standard
    /// output.
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) path: PathBuf,
    /// Largest file of weights with `--to hf`, such as `500MB`; else `5GB`. What is larger is cut into
    /// shards.
    #[arg(long, value_name = "SIZE")]
    pub(crate) shard_size: Option<Size>,
    /// The store [default: the nearest `.vp`, here, above, or in the one folder below that has it].
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) store: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// Hugging Face's: `AutoModelForCausalLM.from_pretrained` and `AutoTokenizer` load it. Of a model that
    /// sees, its language model alone.
    Hf,
    /// A model that sees, whole: `LlavaForConditionalGeneration.from_pretrained` and `AutoProcessor` load
    /// it.
    Llava,
    /// Answers: one JSON object a line, with what is there of each.
    Jsonl,
    /// Answers: a line for each, for spreadsheets.
    Csv,
    /// Answers: a column for each field, for data frames.
    Parquet,
}

#[derive(Debug, Args)]
pub(crate) struct AskOptions {
    /// A trained or adapted model, or a checkpoint: its name such as `study/base[seed=1]`, or the
    /// beginning of its key.
    #[arg(add = ArgValueCompleter::new(complete::jobs))]
    pub(crate) job: String,
    /// The question; what the model's template puts around it is added.
    pub(crate) question: String,
    /// A picture that the question is about: PNG, JPEG or WebP.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) image: Option<PathBuf>,
    /// Answers to choose from, parted by commas, such as `red,green`: each is shown with its
    /// log-likelihood.
    #[arg(long, value_name = "OPTIONS", value_delimiter = ',')]
    pub(crate) options: Vec<String>,
    #[command(flatten)]
    pub(crate) shape: Shape,
    /// The store [default: the nearest `.vp`, here, above, or in the one folder below that has it].
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) store: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct LogOptions {
    /// The store [default: the nearest `.vp`, here, above, or in the one folder below that has it].
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) store: Option<PathBuf>,
    /// Show so many runs, the latest [default: 20].
    #[arg(long, value_name = "N")]
    pub(crate) last: Option<usize>,
    /// List the jobs of each run.
    #[arg(long)]
    pub(crate) jobs: bool,
    /// Write it as lines of JSON, with `"schema": 1`.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct FmtOptions {
    /// Files to change in place; `-` goes from standard input to standard output.
    #[arg(required = true, value_name = "FILE", add = ArgValueCompleter::new(complete::studies))]
    pub(crate) files: Vec<PathBuf>,
    /// Change nothing: show what would change, and end with status 1 where something would.
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainOptions {
    /// The code, as it stands in the message [default: list all].
    #[arg(add = ArgValueCandidates::new(complete::codes))]
    pub(crate) code: Option<String>,
}
