//! The names of a plan's jobs, taken apart.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Key, Plan};

/// A job under one of its names.
#[derive(Debug, Clone, Copy)]
pub struct Name<'p> {
    /// The whole name: `experiment/job[axis=value,…]`, or `tokens/web@bpe` of shared data.
    pub label: &'p str,
    /// What stands before the `/`: an experiment, or the kind of shared data.
    pub group: &'p str,
    /// What stands after it, without axes.
    pub job: &'p str,
    /// Axis and value; empty for shared data.
    pub point: &'p [(Arc<str>, Arc<str>)],
    /// The job that computes it.
    pub key: Key,
    /// Whether it is data that experiments share: a corpus, a tokenizer, tokens.
    pub shared: bool,
}

impl Plan {
    /// Returns the names of all jobs: shared data in the order of the jobs, then the runs in the
    /// order of the study. A job that is neither goes by its first label, after the others.
    pub fn names(&self) -> Vec<Name<'_>> {
        let runs = self.experiments.iter().flat_map(|experiment| {
            experiment.runs.iter().map(|run| Name {
                label: &run.label,
                group: &experiment.name,
                job: &run.job,
                point: &run.point,
                key: run.key,
                shared: false,
            })
        });
        let runs: Vec<Name<'_>> = runs.collect();
        let taken: BTreeSet<&str> = runs.iter().map(|run| run.label).collect();
        let shared = self.jobs.iter().flat_map(|job| {
            job.labels.iter().filter_map(|label| {
                let (group, name) = label.split_once('/')?;
                Some(Name {
                    label,
                    group,
                    job: name,
                    point: &[],
                    key: job.key,
                    shared: true,
                })
                .filter(|name| name.group == job.task.kind())
            })
        });
        let shared = shared.filter(|name| !taken.contains(name.label));
        let mut names: Vec<Name<'_>> = shared.chain(runs.iter().copied()).collect();
        let named: BTreeSet<Key> = names.iter().map(|name| name.key).collect();
        let others = self.jobs.iter().filter(|job| !named.contains(&job.key));
        names.extend(others.filter_map(|job| {
            let label = job.name();
            let (group, rest) = label.split_once('/')?;
            Some(Name {
                label,
                group,
                job: rest.split_once('[').map_or(rest, |parts| parts.0),
                point: &[],
                key: job.key,
                shared: false,
            })
        }));
        names
    }
}
