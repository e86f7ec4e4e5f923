//! What this version can plan and cannot run yet.

use std::borrow::Cow;

use vpc_compiler::plan::{
    AnswersTask, CorpusTask, DatasetFrom, EncoderWeights, EvalTask, FileSpec, Format, ItemsSpec,
    Job, Operation, Plan, SourceSpec, Task, TokenizerTask,
};
use vpc_store::Manifest;

use crate::elsewhere::settings;
use crate::survey::Survey;

/// A job that is to be done and cannot be.
#[derive(Debug)]
pub struct Unsupported<'p> {
    /// The job.
    pub job: &'p Job,
    /// Why not, as what follows "it …".
    pub why: Cow<'static, str>,
}

/// Returns the jobs to do that this version cannot run, in the plan's order.
pub fn unsupported<'p>(plan: &'p Plan, survey: &Survey) -> Vec<Unsupported<'p>> {
    let found = survey.states.iter().zip(&survey.manifests);
    let to_do = plan.jobs.iter().zip(found);
    to_do
        .filter(|(_, (state, _))| state.is_to_do())
        .filter_map(|(job, (_, found))| {
            let is_adopted = found.as_deref().is_some_and(Manifest::is_adopted);
            let adopted = is_adopted.then_some(ADOPTED.into());
            let why = why_not(&job.task).or(adopted)?;
            Some(Unsupported { job, why })
        })
        .collect()
}

/// Why a finished job cannot be done again for a checkpoint that it did not keep.
const ADOPTED: &str = "was adopted, and has no checkpoint where one is needed: adopt that too";

/// Why a job cannot be run, where it cannot.
pub(crate) fn why_not(task: &Task) -> Option<Cow<'static, str>> {
    match task {
        Task::Corpus(task) => unreadable(task).map(Cow::Owned),
        Task::Tokenizer(task) => match &**task {
            TokenizerTask::Planned { what, .. } => {
                let why = format!("is only planned ({what}): give it a `tokenizer.json`");
                Some(why.into())
            }
            _ => None,
        },
        Task::Tokens
        | Task::Pretrain(_)
        | Task::Stage(_)
        | Task::Checkpoint { .. }
        | Task::Features(_)
        | Task::AlignScore(_)
        | Task::Eval(EvalTask::HeldOut { .. } | EvalTask::Benchmarks { .. }) => None,
        Task::Answers(task) => unanswerable(task),
        Task::Dataset(task) => match &task.from {
            DatasetFrom::Source(ItemsSpec::Planned { what, advice }) => {
                let usual = "give the dataset a source such as `items(\"….jsonl\")`";
                let advice = advice.get().as_deref().unwrap_or(usual);
                Some(format!("is only planned ({what}): {advice}").into())
            }
            _ => None,
        },
        Task::Encoder(task) => match &task.weights {
            EncoderWeights::Files(FileSpec::Planned { what }) => {
                let why = format!(
                    "is only planned ({what}): give the encoder a folder of `transformers`, `weights: \"…\"`"
                );
                Some(why.into())
            }
            _ => None,
        },
        Task::Judged { judge } => unasked(judge, "judge explanations"),
    }
}

/// Why questions cannot be answered, where they cannot.
fn unanswerable(task: &AnswersTask) -> Option<Cow<'static, str>> {
    if let ItemsSpec::Planned { what, advice } = &task.data {
        return Some(planned(what, advice).into());
    }
    if let Some(model) = &task.endpoint {
        return unasked(model, "answer");
    }
    let sees_text = task.images && task.format == Format::Perplexity;
    sees_text.then_some(
        "measures the perplexity of texts beside pictures, which this version can plan and not run yet"
            .into(),
    )
}

/// What becomes of a benchmark that is only planned, as what follows "it …".
pub(crate) fn planned(what: &str, advice: &Operation<Option<String>>) -> String {
    let usual = "give the benchmark a file, `data: \"….jsonl\"`";
    let advice = advice.get().as_deref().unwrap_or(usual);
    format!("is only planned ({what}): {advice}")
}

/// Why a model elsewhere cannot be asked, where it cannot.
fn unasked(model: &str, what: &str) -> Option<Cow<'static, str>> {
    let error = settings().err()?;
    Some(format!("lets `{model}` {what}, and {error}").into())
}

/// Why a category's text cannot be had, where it cannot.
fn unreadable(task: &CorpusTask) -> Option<String> {
    let without = match &task.source {
        SourceSpec::Planned { what } => {
            return Some(format!(
                "is only planned ({what}): give the category a source such as `text(\"…\")`"
            ));
        }
        _ if task.filter.is_all() => return None,
        SourceSpec::Jsonl {
            labels: Some(_), ..
        } => return None,
        SourceSpec::Jsonl {
            path, labels: None, ..
        } => {
            return Some(format!(
                "chooses text by label, and its source does not say where the labels are: name \
                 their field, `jsonl(\"{}\", …, labels: \"labels\")`",
                path.get()
            ));
        }
        SourceSpec::Text { .. } => "plain text",
        SourceSpec::World { .. } => "the world",
    };
    Some(format!(
        "chooses text by label, and {without} has no labels: give the category a source that has \
         them, `jsonl(\"…\", labels: \"labels\")`"
    ))
}
