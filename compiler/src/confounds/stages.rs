//! Adaptations side by side: which stage of one is which of the other, and what differs in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use smallvec::SmallVec;

use super::lengths::Run;
use super::runs::{Runs, get, name, set};
use super::values::{Id, Row, Values};
use crate::plan::{Choice, DatasetFrom, Job, Key, Modules, Sight, StageTask, Task, decimal, short};
use crate::schema::Trait;

/// Traits that each stage has of its own.
const OF_STAGES: [Trait; 13] = [
    Trait::Encoder,
    Trait::Projector,
    Trait::VisualTokens,
    Trait::Datasets,
    Trait::Items,
    Trait::Trainable,
    Trait::Rate,
    Trait::Batch,
    Trait::Schedule,
    Trait::Optimizer,
    Trait::Images,
    Trait::Steps,
    Trait::Seed,
];

/// Stages seen, and set-ups as lists of stages.
#[derive(Default)]
pub(super) struct Stages {
    rows: Vec<Row>,
    by_row: BTreeMap<Row, usize>,
    lists: Vec<Vec<usize>>,
    by_list: BTreeMap<Vec<usize>, usize>,
    /// By the address of what a stage does and the set-up before it.
    known: BTreeMap<(usize, usize), usize>,
}

impl Stages {
    /// What nothing is known of.
    pub(super) const UNKNOWN: usize = usize::MAX;
    /// No adaptation.
    pub(super) const NONE: usize = usize::MAX - 1;

    fn list(&self, setup: usize) -> &[usize] {
        self.lists.get(setup).map_or(&[], Vec::as_slice)
    }

    fn after(&mut self, before: usize, row: Row) -> usize {
        let next = self.rows.len();
        let stage = *self.by_row.entry(row).or_insert(next);
        if stage == next {
            self.rows.push(row);
        }
        let mut list = self.list(before).to_vec();
        list.push(stage);
        let next = self.lists.len();
        let setup = *self.by_list.entry(list.clone()).or_insert(next);
        if setup == next {
            self.lists.push(list);
        }
        setup
    }

    /// Lays set-ups side by side; returns for each the values of its stages, as one per trait.
    ///
    /// The longest one gives the slots. A stage that a set-up lacks differs in that alone: its
    /// other values are taken to be those of the slot.
    pub(super) fn side_by_side(&self, setups: &[usize], values: &mut Values) -> Vec<Row> {
        let longest = setups.iter().map(|setup| self.list(*setup));
        let longest = longest.max_by_key(|list| list.len()).unwrap_or_default();
        let slots: Vec<Vec<Option<&Row>>> = setups
            .iter()
            .map(|setup| self.matched(self.list(*setup), longest))
            .collect();
        let mut rows = vec![[0; Trait::COUNT]; setups.len()];
        for of in OF_STAGES {
            let filler: Vec<Id> = (0..longest.len())
                .map(|slot| {
                    let mut all = slots.iter().filter_map(|own| own.get(slot).copied().flatten());
                    let found = all.find_map(|row| Some(get(row, of)).filter(|id| *id != 0));
                    found.unwrap_or_default()
                })
                .collect();
            for (own, row) in slots.iter().zip(&mut rows) {
                let own = own.iter().zip(&filler).map(|(stage, filler)| {
                    let id = stage.map(|stage| get(stage, of)).unwrap_or_default();
                    if id == 0 { *filler } else { id }
                });
                // A slot in which nobody has a value tells nothing.
                let ids: SmallVec<[Id; 4]> = own.filter(|id| *id != 0).collect();
                if !ids.is_empty() {
                    set(row, of, values.all(of, &ids));
                }
            }
        }
        for ((setup, own), row) in setups.iter().zip(&slots).zip(&mut rows) {
            if *setup == Self::UNKNOWN {
                *row = [0; Trait::COUNT];
                continue;
            }
            let there: SmallVec<[u64; 8]> = own.iter().map(|it| u64::from(it.is_some())).collect();
            let count = own.iter().flatten().count();
            let text = || match count {
                0 => "none".to_owned(),
                count => format!("{count}"),
            };
            set(row, Trait::Stages, values.id(Trait::Stages, &there, text));
        }
        rows
    }

    /// The stage in each slot, in order, so that least differs.
    fn matched(&self, own: &[usize], slots: &[usize]) -> Vec<Option<&Row>> {
        let row = |list: &[usize], at: usize| list.get(at).and_then(|stage| self.rows.get(*stage));
        // cost[i][j]: the least of matching the stages from i on with the slots from j on.
        let (n, m) = (own.len(), slots.len());
        let mut cost = vec![vec![usize::MAX; m + 1]; n + 1];
        if let Some(last) = cost.last_mut() {
            last.fill(0);
        }
        let at = |cost: &[Vec<usize>], i: usize, j: usize| {
            cost.get(i).and_then(|row| row.get(j)).copied().unwrap_or(usize::MAX)
        };
        let apart = |i, j| match (row(own, i), row(slots, j)) {
            (Some(own), Some(slot)) => differing(own, slot),
            _ => 0,
        };
        for i in (0..n).rev() {
            for j in (0..m).rev() {
                let taken = at(&cost, i + 1, j + 1).saturating_add(apart(i, j));
                let least = taken.min(at(&cost, i, j + 1));
                if let Some(place) = cost.get_mut(i).and_then(|row| row.get_mut(j)) {
                    *place = least;
                }
            }
        }
        let mut matched = vec![None; m];
        let mut i = 0;
        for (j, place) in matched.iter_mut().enumerate() {
            if i < n && at(&cost, i, j) == at(&cost, i + 1, j + 1).saturating_add(apart(i, j)) {
                *place = row(own, i);
                i += 1;
            }
        }
        matched
    }
}

/// In how many traits two stages differ.
fn differing(one: &Row, other: &Row) -> usize {
    let pairs = one.iter().zip(other);
    pairs.filter(|(a, b)| **a != 0 && **b != 0 && a != b).count()
}

impl Runs<'_> {
    /// Returns the set-up that a stage makes of the one before it.
    pub(super) fn stage(&mut self, before: usize, job: &Job, task: &Arc<StageTask>) -> Option<usize> {
        // Jobs that share their work share their items and encoder too.
        if let Some(known) = self.stages.known.get(&id_of(task, before)) {
            return Some(*known);
        }
        let mut row = [0; Trait::COUNT];
        let (dataset, _) = self.jobs.find(job.inputs_as("items").next()?)?;
        let (which, shown) = self.which(dataset)?;
        let v = &mut self.values;
        set(&mut row, Trait::Datasets, v.id(Trait::Datasets, &[which], || shown));
        let seed = v.id(Trait::Seed, &[task.seed], || task.seed.to_string());
        set(&mut row, Trait::Seed, seed);
        let count = |count: u64| move || short(count);
        let id = v.id(Trait::Items, &[task.items, task.epochs], count(task.items));
        set(&mut row, Trait::Items, id);
        set(&mut row, Trait::Steps, v.id(Trait::Steps, &[task.steps], count(task.steps)));
        let Modules {
            encoder,
            projector,
            model,
        } = task.train;
        let parts = [encoder, projector, model].map(u64::from);
        let trained = v.id(Trait::Trainable, &parts, || trained(task.train));
        set(&mut row, Trait::Trainable, trained);
        let (n, d) = task.rate.parts();
        set(&mut row, Trait::Rate, v.id(Trait::Rate, &[n, d], || decimal(task.rate)));
        let text = || format!("{} items a step", short(task.batch));
        set(&mut row, Trait::Batch, v.id(Trait::Batch, &[task.batch, 0], text));
        let run = Run {
            schedule: task.schedule.clone(),
            steps: task.steps,
            per_step: task.batch,
        };
        set(&mut row, Trait::Schedule, self.lengths.schedule(run, v));
        let (n, d) = task.weight_decay.parts();
        let text = || format!("weight decay {}", decimal(task.weight_decay));
        set(&mut row, Trait::Optimizer, v.id(Trait::Optimizer, &[n, d], text));
        let text = || if task.sight.is_some() { "shown" } else { "withheld" }.to_owned();
        let images = v.id(Trait::Images, &[u64::from(task.sight.is_some())], text);
        set(&mut row, Trait::Images, images);
        if let Some(sight) = &task.sight {
            self.sight(job, sight, &mut row)?;
        }
        let setup = self.stages.after(before, row);
        self.stages.known.insert(id_of(task, before), setup);
        Some(setup)
    }

    fn sight(&mut self, job: &Job, sight: &Sight, row: &mut Row) -> Option<()> {
        let (at, _) = self.jobs.find(job.inputs_as("encoder").next()?)?;
        let (jobs, v) = (self.jobs, &mut self.values);
        let text = || name(jobs, at as u64).to_owned();
        set(row, Trait::Encoder, v.id(Trait::Encoder, &[at as u64], text));
        // A width left out is the language model's, and follows from it.
        let projector = &sight.projector;
        let width = projector.width.unwrap_or_default();
        let parts = [projector.layers, width, projector.activation as u64];
        let text = || format!("{} layers", projector.layers);
        set(row, Trait::Projector, v.id(Trait::Projector, &parts, text));
        let tokens = sight.visual_tokens;
        let id = v.id(Trait::VisualTokens, &[tokens], || short(tokens));
        set(row, Trait::VisualTokens, id);
        Some(())
    }

    /// Which items there are, whatever their number: a sample of a dataset counts as all of it.
    pub(super) fn which(&self, dataset: usize) -> Option<(u64, String)> {
        let mut at = dataset;
        // As many steps as there are jobs at most: inputs come before their users.
        while let Some(from) = self.sampled(at) {
            at = from;
        }
        let shown = name(self.jobs, at as u64).to_owned();
        Some((at as u64, shown))
    }

    /// What a dataset is a sample of.
    fn sampled(&self, at: usize) -> Option<usize> {
        let job = self.jobs.at(at)?;
        let Task::Dataset(task) = &job.task else {
            return None;
        };
        let DatasetFrom::Chosen(Choice::Sample(_)) = task.from else {
            return None;
        };
        let from: Key = job.inputs.first()?.key;
        Some(self.jobs.find(from)?.0)
    }
}

/// What a stage does, by address, after a set-up.
fn id_of(task: &Arc<StageTask>, before: usize) -> (usize, usize) {
    (Arc::as_ptr(task).addr(), before)
}

fn trained(train: Modules) -> String {
    let parts = [
        (train.encoder, "encoder"),
        (train.projector, "projector"),
        (train.model, "model"),
    ];
    let parts: Vec<&str> = parts.iter().filter(|part| part.0).map(|part| part.1).collect();
    parts.join(" and ")
}
