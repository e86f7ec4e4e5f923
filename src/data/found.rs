//! The categories, datasets and benchmarks of a study by name.

use std::collections::BTreeSet;

use vpc_compiler::plan::{AnswersTask, CorpusTask, DatasetTask, Job, Plan, Task};

use crate::exit::Status;
use crate::output::tell;
use crate::show::stem;

/// A category, a dataset or a benchmark that a study uses.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'p> {
    /// What the study calls it.
    pub(super) name: &'p str,
    pub(super) job: &'p Job,
    pub(super) of: Of<'p>,
}

/// What is found.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of<'p> {
    Category(&'p CorpusTask),
    Dataset(&'p DatasetTask),
    /// Questions that are read where they are asked, and no dataset.
    Benchmark(&'p AnswersTask),
}

/// All categories and datasets of a plan, in its order; one that has several names, by each.
pub(super) fn all(plan: &Plan) -> impl Iterator<Item = Found<'_>> {
    plan.jobs.iter().flat_map(|job| {
        let of = match &job.task {
            Task::Corpus(task) => Some(Of::Category(task)),
            Task::Dataset(task) => Some(Of::Dataset(task)),
            _ => None,
        };
        let named = job.labels.iter().map(|label| plain(label));
        named.filter_map(move |name| of.map(|of| Found { name, job, of }))
    })
}

/// The benchmarks of a plan that read their questions themselves, each once.
pub(super) fn benchmarks(plan: &Plan) -> impl Iterator<Item = Found<'_>> {
    let mut known = BTreeSet::new();
    let jobs = plan.jobs.iter().filter_map(|job| match &job.task {
        Task::Answers(task) if job.inputs_as("items").next().is_none() => Some((job, &**task)),
        _ => None,
    });
    let named = jobs.flat_map(|(job, task)| {
        let labels = job.labels.iter().map(|label| stem(label));
        let names = labels.map(|stem| stem.rsplit_once('.').map_or(stem, |(_, name)| name));
        names.map(move |name| Found {
            name,
            job,
            of: Of::Benchmark(task),
        })
    });
    named.filter(move |found| known.insert(found.name))
}

/// The category or dataset with a name; where there is none, those there are are told.
pub(super) fn one<'p>(plan: &'p Plan, name: &str) -> Result<Found<'p>, Status> {
    named(all(plan), name, "category or dataset")
}

/// The same of all that can be shown: benchmarks too.
pub(super) fn one_to_show<'p>(plan: &'p Plan, name: &str) -> Result<Found<'p>, Status> {
    let shown = all(plan).chain(benchmarks(plan));
    named(shown, name, "category, dataset or benchmark")
}

fn named<'p>(
    among: impl Iterator<Item = Found<'p>>,
    name: &str,
    what: &str,
) -> Result<Found<'p>, Status> {
    let is_it = |found: &Found<'_>| {
        let labels = &found.job.labels;
        found.name == name || labels.iter().any(|label| **label == *name)
    };
    let among: Vec<Found<'_>> = among.collect();
    among.iter().find(|found| is_it(found)).copied().ok_or_else(|| {
        tell(format_args!("error: the study uses no {what} `{name}`"));
        let names: Vec<String> = among.iter().map(|one| format!("`{}`", one.name)).collect();
        match names.as_slice() {
            [] => tell(
                "help: it uses none: what is declared and in no experiment is not planned; train on it in one",
            ),
            names => tell(format_args!("help: it uses {}", names.join(", "))),
        }
        Status::Use
    })
}

/// The name of what a job reads, without the kind before it.
pub(super) fn plain(label: &str) -> &str {
    let kinds = ["corpus/", "dataset/"];
    let mut names = kinds.iter().filter_map(|kind| label.strip_prefix(kind));
    names.next().unwrap_or(label)
}
