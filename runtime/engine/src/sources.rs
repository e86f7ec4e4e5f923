//! What jobs read, for whoever looks at it before anything is run.

use std::ops::ControlFlow;
use std::path::Path;

use vpc_compiler::plan::{
    self, AnswersTask, CorpusTask, DatasetFrom, DatasetTask, ItemsSpec, Operation, Task,
};
use vpc_data::image::Limits;
use vpc_data::items::{Choice, Item, ItemSource, read_items};
use vpc_data::questions::read_questions;
use vpc_data::{Filter, Source};

use crate::error::JobError;
use crate::jobs::{corpus, dataset, questions, sheet};
use crate::support::{planned, why_not};

/// Returns where the text of a corpus comes from, and which documents of it belong.
///
/// # Errors
/// [`JobError::Unsupported`] for a source that is only planned or lacks the labels that are asked for;
/// [`JobError::Style`].
pub fn text_source(task: &CorpusTask) -> Result<(Source, Filter), JobError> {
    if let Some(why) = why_not(&Task::Corpus(Box::new(task.clone()))) {
        return Err(JobError::Unsupported(why.into_owned()));
    }
    Ok((corpus::source(&task.source)?, corpus::filter(&task.filter)))
}

/// Returns where the items of a dataset come from; none where they are those of other datasets.
///
/// # Errors
/// [`JobError::Unsupported`] for a source that is only planned; [`JobError::Kind`].
pub fn item_source(task: &DatasetTask) -> Result<Option<ItemSource>, JobError> {
    if let Some(why) = why_not(&Task::Dataset(Box::new(task.clone()))) {
        return Err(JobError::Unsupported(why.into_owned()));
    }
    match &task.from {
        DatasetFrom::Source(source) => dataset::source(source, task.items).map(Some),
        DatasetFrom::Chosen(_) | DatasetFrom::Joined => Ok(None),
    }
}

/// Returns the questions of a benchmark as items, where it reads them itself and not from a dataset.
///
/// # Errors
/// [`JobError::Unsupported`] for what is only planned; [`JobError::Data`].
pub fn asked_items(task: &AnswersTask) -> Result<Vec<Item>, JobError> {
    let of_file = |path: &Operation<String>| -> Result<Vec<Item>, JobError> {
        let questions = read_questions(Path::new(path.get()), sheet::asking(task.format))?;
        Ok(questions.into_iter().map(questions::item).collect())
    };
    match &task.data {
        ItemsSpec::Planned { what, advice } => Err(JobError::Unsupported(planned(what, advice))),
        ItemsSpec::File { path, .. } => of_file(path),
        other => {
            let mut items = Vec::new();
            read_items(
                &dataset::source(other, task.items)?,
                &Limits::default(),
                &mut |item, _| {
                    items.push(item);
                    Ok(ControlFlow::Continue(()))
                },
            )?;
            Ok(items)
        }
    }
}

/// Returns a choice of items as the data crate makes it.
pub fn choice(choice: &plan::Choice) -> Choice {
    dataset::chosen(choice)
}
