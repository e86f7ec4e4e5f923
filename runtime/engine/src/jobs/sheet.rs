//! The questions that a benchmark asks, from a file or from items.

use std::path::Path;

use vpc_compiler::plan::{AnswersTask, Format, ItemsSpec, Key};
use vpc_data::items::Item;
use vpc_data::questions::{Asking, Question, read_questions};

use super::Bench;
use super::corpus::check_digest;
use super::dataset::items;
use super::questions::of_items;
use super::sight::Looked;
use crate::error::JobError;

/// The questions of a benchmark, with the items that they are of, where there are any.
pub(super) struct Sheet {
    pub(super) questions: Vec<Question>,
    pub(super) items: Vec<Item>,
}

impl Sheet {
    pub(super) fn of(
        bench: &Bench<'_>,
        task: &AnswersTask,
        asking: Asking,
    ) -> Result<Self, JobError> {
        if let Some(key) = bench.job.inputs_as("items").next() {
            return Self::of_items(bench, key, asking);
        }
        let ItemsSpec::File { path, digest, .. } = &task.data else {
            return Err(JobError::InputGone(bench.job.name().to_owned()));
        };
        let questions = read_questions(Path::new(path.get()), asking)?;
        check_digest(path.get(), *digest)?;
        if questions.len() as u64 != task.items {
            return Err(JobError::Items {
                path: path.get().clone(),
                found: questions.len() as u64,
                planned: task.items,
            });
        }
        let items = Vec::new();
        Ok(Self { questions, items })
    }

    fn of_items(bench: &Bench<'_>, key: Key, asking: Asking) -> Result<Self, JobError> {
        let items = items(bench, key)?;
        let questions = of_items(&items, asking)?;
        Ok(Self { questions, items })
    }

    /// Features of the pictures of some questions; empty where none is shown.
    pub(super) fn features(
        &self,
        from: usize,
        count: usize,
        looked: &Looked<'_>,
    ) -> Result<Vec<Vec<f32>>, JobError> {
        let of = |at| match self.items.get(at) {
            Some(item) => looked.features(item),
            None => Ok(Vec::new()),
        };
        (from..from + count).map(of).collect()
    }
}

/// How the questions of a format are asked.
pub(super) const fn asking(format: Format) -> Asking {
    match format {
        Format::Choice => Asking::Choice,
        Format::Likelihood => Asking::Likelihood,
        Format::YesNo => Asking::YesNo,
        Format::ShortAnswer => Asking::ShortAnswer,
        Format::Perplexity => Asking::Perplexity,
    }
}
