//! What jobs read, for whoever looks at it before anything is run.

use vpc_compiler::plan::{self, CorpusTask, DatasetFrom, DatasetTask, Task};
use vpc_data::items::{Choice, ItemSource};
use vpc_data::{Filter, Source};

use crate::error::JobError;
use crate::jobs::{corpus, dataset};
use crate::support::why_not;

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

/// Returns a choice of items as the data crate makes it.
pub fn choice(choice: &plan::Choice) -> Choice {
    dataset::chosen(choice)
}
