//! The questions that a benchmark asks, from a file or from items.

use std::ops::ControlFlow;
use std::path::Path;

use vpc_compiler::plan::{AnswersTask, Format, ItemsSpec, Key};
use vpc_data::image::Limits;
use vpc_data::items::{Item, read_items};
use vpc_data::questions::{Asking, Question, read_questions};

use super::Bench;
use super::corpus::check_digest;
use super::dataset::{items, source};
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
        let questions = match &task.data {
            ItemsSpec::File { path, .. } => read_questions(Path::new(path.get()), asking)?,
            ItemsSpec::Published { .. } => of_items(&read(bench, task)?, asking)?,
            _ => return Err(JobError::InputGone(bench.job.name().to_owned())),
        };
        for (path, digest) in bench.job.task.data() {
            check_digest(path, digest)?;
        }
        if questions.len() as u64 != task.items {
            let path = bench.job.task.data().next();
            return Err(JobError::Items {
                path: path.map_or_else(String::new, |(path, _)| path.to_owned()),
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

/// Items of a source that are asked without their pictures.
fn read(bench: &Bench<'_>, task: &AnswersTask) -> Result<Vec<Item>, JobError> {
    let source = source(&task.data, task.items)?;
    let mut items = Vec::new();
    read_items(&source, &Limits::default(), &mut |item, _| {
        items.push(item);
        Ok(if bench.check_stop().is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        })
    })?;
    bench.check_stop()?;
    Ok(items)
}

/// How the questions of a format are asked.
pub(crate) const fn asking(format: Format) -> Asking {
    match format {
        Format::Choice => Asking::Choice,
        Format::Likelihood => Asking::Likelihood,
        Format::YesNo => Asking::YesNo,
        Format::ShortAnswer => Asking::ShortAnswer,
        Format::Perplexity => Asking::Perplexity,
    }
}
