//! The experiments of a plan in words.

use std::collections::BTreeSet;

use vpc_compiler::plan::{Experiment, Job, KeyMap, Task};

use crate::output::{grouped, rounded};

/// More sizes of a run than this are counted, not listed.
const LISTED_MODELS: usize = 8;

/// The `pretrain` jobs of a plan by key.
pub(super) type Jobs<'p> = KeyMap<&'p Job>;

/// The axes of an experiment, its jobs, and the models they train.
pub(super) fn experiment_text(jobs_by_key: &Jobs<'_>, experiment: &Experiment) -> String {
    let mut text = format!("experiment {}", experiment.name);
    if !experiment.doc.is_empty() {
        text += &format!(": {}", experiment.doc);
    }
    text.push('\n');
    for axis in &experiment.axes {
        text += &format!("  vary {}: {}\n", axis.name, axis.values.join(", "));
    }
    let mut jobs: Vec<(&str, usize)> = Vec::new();
    for run in &experiment.runs {
        match jobs.iter_mut().find(|job| *job.0 == *run.job) {
            Some(job) => job.1 += 1,
            None => jobs.push((&run.job, 1)),
        }
    }
    for (name, count) in jobs {
        let times = if count == 1 {
            "once".to_owned()
        } else {
            format!("{count} times")
        };
        text += &format!(
            "  {name}: {times}{}\n",
            models_text(jobs_by_key, experiment, name)
        );
    }
    text
}

/// Parameters, tokens and steps of a `pretrain` job, once for each different model.
fn models_text(jobs: &Jobs<'_>, experiment: &Experiment, job: &str) -> String {
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
