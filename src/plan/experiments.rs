//! The experiments of a plan in words.

use std::collections::BTreeSet;

use vpc_compiler::plan::{Experiment, Job, Key, KeyMap, Plan, Task};

use super::epochs::{Categories, epochs_text};
use crate::output::{grouped, rounded};

/// More sizes of a run than this are counted, not listed.
const LISTED_MODELS: usize = 8;

/// A plan with what is looked up in it.
pub(super) struct Looked<'p> {
    pub(super) plan: &'p Plan,
    /// Its `pretrain` jobs.
    pub(super) runs: KeyMap<&'p Job>,
    pub(super) categories: Categories<'p>,
}

impl<'p> Looked<'p> {
    pub(super) fn at(plan: &'p Plan) -> Self {
        let runs = plan.jobs.iter();
        let runs = runs.filter(|job| matches!(job.task, Task::Pretrain(_)));
        Self {
            plan,
            runs: runs.map(|job| (job.key, job)).collect(),
            categories: Categories::of(plan),
        }
    }
}

/// The axes of an experiment, its jobs, and the models they train.
pub(super) fn experiment_text(looked: &Looked<'_>, experiment: &Experiment) -> String {
    let mut text = format!("experiment {}", experiment.name);
    if !experiment.doc.is_empty() {
        text += &format!(": {}", experiment.doc);
    }
    text.push('\n');
    for axis in &experiment.axes {
        text += &format!("  vary {}: {}\n", axis.name, axis.values.join(", "));
    }
    let mut jobs: Vec<(&str, Vec<Key>)> = Vec::new();
    for run in &experiment.runs {
        match jobs.iter_mut().find(|job| *job.0 == *run.job) {
            Some(job) => job.1.push(run.key),
            None => jobs.push((&run.job, vec![run.key])),
        }
    }
    for (name, mut keys) in jobs {
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        let times = match count {
            1 => "once".to_owned(),
            _ if keys.len() == count => format!("{count} times"),
            // Arms that compute the same are one job.
            _ => format!("{count} times, {} of them different", keys.len()),
        };
        text += &format!(
            "  {name}: {times}{}\n",
            models_text(&looked.runs, experiment, name)
        );
        text += &epochs_text(looked, &keys);
    }
    text
}

/// Parameters, tokens and steps of a `pretrain` job, once for each different model.
fn models_text(jobs: &KeyMap<&Job>, experiment: &Experiment, job: &str) -> String {
    let mut seen = BTreeSet::new();
    let mut texts = Vec::new();
    for run in experiment.runs.iter().filter(|run| *run.job == *job) {
        if let Some(Task::Pretrain(task)) = jobs.get(run.key).map(|job| &job.task) {
            let size = (task.model.parameters(), task.tokens, task.steps);
            let per_step = task.batch * task.model.context;
            if seen.insert((size, per_step)) {
                texts.push(format!(
                    "\n    {} parameters on {} tokens ({} step{} of {})",
                    rounded(size.0),
                    rounded(task.tokens),
                    grouped(task.steps),
                    if task.steps == 1 { "" } else { "s" },
                    grouped(per_step),
                ));
            }
        }
    }
    if let Some(more) = texts
        .len()
        .checked_sub(LISTED_MODELS)
        .filter(|&more| more > 1)
    {
        texts.truncate(LISTED_MODELS);
        texts.push(format!("\n    and {more} more"));
    }
    texts.concat()
}
