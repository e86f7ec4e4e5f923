//! The categories and datasets of a study by name.

use vpc_compiler::plan::{CorpusTask, DatasetTask, Job, Plan, Task};

use crate::exit::Status;
use crate::output::tell;

/// A category or a dataset that a study uses.
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

/// The one with a name; where there is none, those there are are told.
pub(super) fn one<'p>(plan: &'p Plan, name: &str) -> Result<Found<'p>, Status> {
    let is_it = |found: &Found<'_>| {
        let labels = &found.job.labels;
        found.name == name || labels.iter().any(|label| **label == *name)
    };
    all(plan).find(is_it).ok_or_else(|| {
        tell(format_args!(
            "error: the study uses no category or dataset `{name}`"
        ));
        let names: Vec<String> = all(plan).map(|one| format!("`{}`", one.name)).collect();
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
