//! The jobs of a plan in groups: those of one declaration stand in one line.

use std::collections::BTreeMap;

use vpc_compiler::plan::{Job, Plan, Task};
use vpc_engine::{Reasons, State, Survey};

use crate::output::{columns, rounded};
use crate::show::stem;

/// Jobs of one declaration.
#[derive(Default)]
struct Group<'p> {
    /// Its first job.
    name: &'p str,
    /// What all of them are called, where there are several.
    common: String,
    jobs: usize,
    new: usize,
    /// Of these, the ones that go on from a checkpoint.
    begun: usize,
    changed: usize,
    cached: usize,
    not_needed: usize,
    /// Tokens that its runs train on, before what trunks save.
    tokens: u64,
}

/// Columns that are there only where there is something to say in them.
#[derive(Clone, Copy)]
struct Rare {
    begun: bool,
    not_needed: bool,
}

impl Group<'_> {
    fn row(&self, rare: Rare) -> Vec<String> {
        let mark = match self {
            Self { changed: 1.., .. } => "~",
            Self { new: 1.., .. } => "+",
            Self { cached: 1.., .. } => "=",
            _ => "·",
        };
        let name = if self.jobs == 1 {
            self.name
        } else {
            &self.common
        };
        let count = |count: usize| match count {
            0 => "–".to_owned(),
            count => count.to_string(),
        };
        let mut row = vec![format!("{mark} {name}")];
        row.extend([self.jobs, self.new, self.changed, self.cached].map(count));
        row.extend(rare.begun.then(|| count(self.begun)));
        row.extend(rare.not_needed.then(|| count(self.not_needed)));
        row.push(match self.tokens {
            0 => "–".to_owned(),
            tokens => rounded(tokens),
        });
        row
    }
}

/// One line for each declaration, in the order of the plan.
pub(super) fn groups_text(plan: &Plan, survey: &Survey, reasons: &Reasons) -> String {
    let mut places: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (at, (job, state)) in plan.jobs.iter().zip(&survey.states).enumerate() {
        let family = family(job);
        let place = *places.entry((job.task.kind(), family)).or_insert_with(|| {
            groups.push(Group {
                name: job.name(),
                common: common(job.task.kind(), family),
                ..Group::default()
            });
            groups.len() - 1
        });
        let group = &mut groups[place];
        group.jobs += 1;
        match state {
            State::Cached => group.cached += 1,
            State::NotNeeded => group.not_needed += 1,
            State::ToDo(from) | State::Again(from) => {
                let is_changed = reasons.of.get(at).is_some_and(Option::is_some);
                let count = if is_changed {
                    &mut group.changed
                } else {
                    &mut group.new
                };
                *count += 1;
                group.begun += usize::from(from.is_some());
                if let Task::Pretrain(task) = &job.task {
                    let left = task.steps.saturating_sub(from.unwrap_or(0));
                    group.tokens += left * task.batch * task.model.context;
                }
            }
        }
    }
    let rare = Rare {
        begun: groups.iter().any(|group| group.begun > 0),
        not_needed: groups.iter().any(|group| group.not_needed > 0),
    };
    let mut header = vec!["", "jobs", "new", "changed", "cached"];
    header.extend(rare.begun.then_some("goes on"));
    header.extend(rare.not_needed.then_some("not needed"));
    header.push("tokens");
    let rows = groups.iter().map(|group| group.row(rare));
    columns(&header, rows.collect(), 1) + "\n"
}

/// What the names of the jobs of one declaration have in common.
fn family(job: &Job) -> &str {
    let name = stem(job.name());
    match &job.task {
        // Shared data: `corpus/code`, `tokens/code@bpe`, `dataset/pairs`.
        Task::Corpus(_) | Task::Dataset(_) | Task::Encoder(_) | Task::Tokenizer(_) => "",
        Task::Tokens | Task::Features(_) => name.find('@').map_or("", |at| &name[at..]),
        // Parts of an evaluation: `e/vqa.gqa`, `e/early.base@5000`.
        Task::Answers(_) | Task::Judged { .. } | Task::Checkpoint { .. } => {
            name.split('.').next().unwrap_or(name)
        }
        _ => name,
    }
}

/// What several jobs of a declaration are called.
fn common(kind: &str, family: &str) -> String {
    match kind {
        "answers" | "judged" | "checkpoint" => format!("{family}.*"),
        _ if family.is_empty() || family.starts_with('@') => format!("{kind}/*{family}"),
        _ => family.to_owned(),
    }
}
