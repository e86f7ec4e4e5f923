//! The text that a run reads: which, in which tokens, and how often.

use std::cmp::Reverse;

use smallvec::SmallVec;

use super::runs::{Runs, set};
use super::values::{Id, Row, shortened};
use crate::plan::{Fraction, Job, Jobs, Key, PretrainTask, Task, percent, short};
use crate::schema::Trait;

impl Runs<'_> {
    /// Which text in which shares; returns the tokenizer.
    pub(super) fn data(&mut self, job: &Job, task: &PretrainTask, row: &mut Row) -> Id {
        let mut tokenizer = 0;
        let mut parts: SmallVec<[(u64, u64, u64); 8]> = SmallVec::new();
        for (key, share) in job.inputs_as("tokens").zip(&task.shares) {
            let Some((corpus, by)) = self.tokens(key) else {
                continue;
            };
            tokenizer = by;
            let (n, d) = share.parts();
            parts.push((corpus, n, d));
        }
        // Jobs list their inputs by key, which depends on the tokenizer.
        parts.sort_unstable();
        let flat: SmallVec<[u64; 24]> = parts.iter().flat_map(|&(c, n, d)| [c, n, d]).collect();
        let jobs = self.jobs;
        let text = || {
            let mut parts = parts.clone();
            parts.sort_by_key(|&(_, n, d)| Reverse((u128::from(n) << 32) / u128::from(d).max(1)));
            let part = |&(corpus, n, d): &(u64, u64, u64)| {
                let share = Fraction::new(n, d).map(percent);
                format!("{} {}", share.unwrap_or_default(), name(jobs, corpus))
            };
            let texts: Vec<String> = parts.iter().map(part).collect();
            shortened(&texts.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let id = self.values.id(Trait::Data, &flat, text);
        set(row, Trait::Data, id);
        tokenizer
    }

    /// The corpus behind a `tokens` job, by its place, and the tokenizer.
    pub(super) fn tokens(&mut self, key: Key) -> Option<(u64, Id)> {
        let (_, job) = self.jobs.find(key)?;
        let (corpus, _) = self.jobs.find(job.inputs_as("corpus").next()?)?;
        let (at, tokenizer) = self.jobs.find(job.inputs_as("tokenizer").next()?)?;
        let jobs = self.jobs;
        let text = || match &tokenizer.task {
            Task::Tokenizer(task) => {
                let size = short(task.vocabulary());
                format!("{} of {size}", name(jobs, at as u64))
            }
            _ => String::new(),
        };
        let id = self.values.id(Trait::Tokenizer, &[at as u64], text);
        Some((corpus as u64, id))
    }

    /// Text that is read more than once, and how often. A tenth more or less is no difference.
    pub(super) fn repetition(&mut self, job: &Job, task: &PretrainTask) -> Id {
        let mut parts: SmallVec<[(u64, Id); 4]> = SmallVec::new();
        let mut unknown = false;
        for demand in task.demands(job.inputs_as("tokens"), self.supply) {
            let Some((n, d)) = demand.epochs().map(Fraction::parts) else {
                unknown = true;
                continue;
            };
            let thousandths = u128::from(n) * 1000 / u128::from(d).max(1);
            let thousandths = u64::try_from(thousandths).unwrap_or(u64::MAX);
            if thousandths > 1100
                && let Some((corpus, _)) = self.tokens(demand.job)
            {
                let v = &mut self.values;
                let new = || v.add(times(thousandths));
                let known = self.lengths.repeats.entry(corpus).or_default();
                parts.push((corpus, known.id(thousandths, thousandths, new)));
            }
        }
        self.in_the_dark |= unknown;
        if unknown && parts.is_empty() {
            return 0;
        }
        parts.sort_unstable();
        let flat: SmallVec<[u64; 8]> = parts.iter().flat_map(|&(c, id)| [c, id.into()]).collect();
        let texts = parts.iter().map(|&(corpus, id)| {
            let times = self.values.text(id);
            format!("{} {times} times", name(self.jobs, corpus))
        });
        let texts: Vec<String> = texts.collect();
        self.values
            .id(Trait::Repetition, &flat, || match texts.as_slice() {
                [] => "nothing twice".to_owned(),
                texts => shortened(&texts.iter().map(String::as_str).collect::<Vec<_>>()),
            })
    }
}

/// How often, to a tenth.
fn times(thousandths: u64) -> String {
    let tenths = thousandths.saturating_add(50) / 100;
    match (tenths / 10, tenths % 10) {
        (whole, 0) => whole.to_string(),
        (whole, part) => format!("{whole}.{part}"),
    }
}

/// What stands after the `/` of a shared job's name.
pub(super) fn name(jobs: &Jobs, at: u64) -> &str {
    let job = usize::try_from(at).ok().and_then(|at| jobs.at(at));
    let label = job.map_or("", Job::name);
    label.split_once('/').map_or(label, |parts| parts.1)
}
