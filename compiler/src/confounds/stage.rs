//! One stage of an adaptation, as a value for each trait.

use std::sync::Arc;

use smallvec::SmallVec;

use super::lengths::Run;
use super::runs::{Runs, set};
use super::text::name;
use super::values::Row;
use crate::plan::{Choice, DatasetFrom, Job, Key, Modules, Sight, StageTask, Task, decimal, short};
use crate::schema::Trait;

impl Runs<'_> {
    /// Returns the set-up that a stage makes of the one before it.
    pub(super) fn stage(
        &mut self,
        before: usize,
        job: &Job,
        task: &Arc<StageTask>,
    ) -> Option<usize> {
        // Jobs that share their work share their items and encoder too.
        if let Some(known) = self.stages.known.get(&id_of(task, before)) {
            return Some(*known);
        }
        let mut row = [0; Trait::COUNT];
        let (dataset, _) = self.jobs.find(job.inputs_as("items").next()?)?;
        let (which, shown) = self.which(dataset);
        let v = &mut self.values;
        // Items told in other words are other items.
        let words = task.template.as_deref().unwrap_or_default();
        let parts: SmallVec<[u64; 8]> = std::iter::once(which)
            .chain(words.bytes().map(u64::from))
            .collect();
        let text = || match &task.template {
            None => shown,
            Some(template) => format!("{shown} told as {template:?}"),
        };
        set(
            &mut row,
            Trait::Datasets,
            v.id(Trait::Datasets, &parts, text),
        );
        let seed = v.id(Trait::Seed, &[task.seed], || task.seed.to_string());
        set(&mut row, Trait::Seed, seed);
        let count = |count: u64| move || short(count);
        let id = v.id(Trait::Items, &[task.items, task.epochs], count(task.items));
        set(&mut row, Trait::Items, id);
        set(
            &mut row,
            Trait::Steps,
            v.id(Trait::Steps, &[task.steps], count(task.steps)),
        );
        let Modules {
            encoder,
            projector,
            model,
        } = task.train;
        let parts = [encoder, projector, model].map(u64::from);
        let trained = v.id(Trait::Trainable, &parts, || trained(task.train));
        set(&mut row, Trait::Trainable, trained);
        let (n, d) = task.rate.parts();
        set(
            &mut row,
            Trait::Rate,
            v.id(Trait::Rate, &[n, d], || decimal(task.rate)),
        );
        let text = || format!("{} items a step", short(task.batch));
        set(
            &mut row,
            Trait::Batch,
            v.id(Trait::Batch, &[task.batch, 0], text),
        );
        let run = Run {
            schedule: task.schedule.clone(),
            steps: task.steps,
            per_step: task.batch,
        };
        set(&mut row, Trait::Schedule, self.lengths.schedule(run, v));
        let (n, d) = task.weight_decay.parts();
        let text = || format!("weight decay {}", decimal(task.weight_decay));
        set(
            &mut row,
            Trait::Optimizer,
            v.id(Trait::Optimizer, &[n, d], text),
        );
        let text = || {
            if task.sight.is_some() {
                "shown"
            } else {
                "withheld"
            }
            .to_owned()
        };
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
        let (at, looked) = self.eyes(job)?;
        let layer = sight.layer.or(looked).unwrap_or_default();
        let (jobs, v) = (self.jobs, &mut self.values);
        let text = || match layer {
            0 => name(jobs, at as u64).to_owned(),
            layer => format!("{}, layer {layer} from the end", name(jobs, at as u64)),
        };
        set(
            row,
            Trait::Encoder,
            v.id(Trait::Encoder, &[at as u64, layer], text),
        );
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

    /// The encoder that a stage sees with, and the layer where features tell it: what a frozen one sees was
    /// looked up; one that a stage before has trained belongs to the model.
    fn eyes(&self, job: &Job) -> Option<(usize, Option<u64>)> {
        let mut job = job;
        loop {
            if let Some(key) = job.inputs_as("encoder").next() {
                return Some((self.jobs.find(key)?.0, None));
            }
            if let Some(key) = job.inputs_as("features").next() {
                let (_, features) = self.jobs.find(key)?;
                let (at, _) = self.jobs.find(features.inputs_as("encoder").next()?)?;
                let layer = match &features.task {
                    Task::Features(task) => Some(task.layer),
                    _ => None,
                };
                return Some((at, layer));
            }
            (_, job) = self.jobs.find(job.inputs_as("model").next()?)?;
        }
    }

    /// Which items there are, whatever their number: a sample of a dataset counts as all of it.
    fn which(&self, dataset: usize) -> (u64, String) {
        let mut at = dataset;
        // As many steps as there are jobs at most: inputs come before their users.
        while let Some(from) = self.sampled(at) {
            at = from;
        }
        let shown = name(self.jobs, at as u64).to_owned();
        (at as u64, shown)
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
    let parts: Vec<&str> = parts
        .iter()
        .filter(|part| part.0)
        .map(|part| part.1)
        .collect();
    parts.join(" and ")
}
