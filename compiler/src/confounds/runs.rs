//! What a model is made of: its chain of jobs, read once.

use std::collections::BTreeMap;
use std::rc::Rc;

use smallvec::SmallVec;

use super::lengths::{Lengths, Run};
use super::stages::{SideBySide, Stages};
use super::values::{Id, Row, Values};
use crate::plan::{
    Job, Jobs, Key, PretrainTask, ScheduleShape, ScheduleSpec, Supply, Task, decimal, percent,
    short,
};
use crate::schema::Trait;

/// Traits of models, by the job that makes them.
pub(super) struct Runs<'j> {
    pub(super) jobs: &'j Jobs,
    pub(super) values: Values,
    pub(super) lengths: Lengths,
    pub(super) stages: Stages,
    pub(super) supply: &'j BTreeMap<Key, Supply>,
    /// Rows of models and of what measures them, by number.
    rows: Vec<Row>,
    /// Models by the place of their job.
    models: Vec<Option<Model>>,
    endpoints: BTreeMap<Id, Model>,
    /// Rows of what measures, by their content and by what they are read from.
    measures: BTreeMap<Row, u32>,
    /// Set-ups laid side by side, by what they are.
    pub(super) side_by_side: BTreeMap<SmallVec<[usize; 8]>, Rc<SideBySide>>,
    pub(super) asked: BTreeMap<SmallVec<[usize; 24]>, u32>,
    /// Whether there is a run of which it is not known how much text it has.
    pub(super) in_the_dark: bool,
}

/// A model, as far as two can differ.
#[derive(Clone, Copy)]
pub(super) struct Model {
    /// The number of its row.
    pub(super) row: u32,
    /// The set-up that it was adapted with, as a number of `stages`.
    pub(super) setup: usize,
    /// The `pretrain` job that it comes from.
    run: Option<usize>,
}

impl<'j> Runs<'j> {
    pub(super) fn new(jobs: &'j Jobs, supply: &'j BTreeMap<Key, Supply>) -> Self {
        Self {
            jobs,
            values: Values::default(),
            lengths: Lengths::default(),
            stages: Stages::default(),
            supply,
            rows: Vec::new(),
            models: Vec::new(),
            endpoints: BTreeMap::new(),
            measures: BTreeMap::new(),
            side_by_side: BTreeMap::new(),
            asked: BTreeMap::new(),
            in_the_dark: false,
        }
    }

    /// Returns what is known of the model that a job makes.
    pub(super) fn model(&mut self, key: Key) -> Option<Model> {
        let (at, job) = self.jobs.find(key)?;
        if let Some(Some(known)) = self.models.get(at) {
            return Some(*known);
        }
        let model = match &job.task {
            Task::Pretrain(task) => self.trained(at, job, task),
            Task::Checkpoint { step } => {
                let whole = self.model(job.inputs_as("model").next()?)?;
                self.on_the_way(whole, *step)
            }
            Task::Stage(task) => {
                let mut model = self.model(job.inputs_as("model").next()?)?;
                model.setup = self.stage(model.setup, job, task)?;
                model
            }
            Task::Corpus(_)
            | Task::Tokenizer(_)
            | Task::Tokens
            | Task::Dataset(_)
            | Task::Encoder(_)
            | Task::Features(_)
            | Task::Answers(_)
            | Task::Judged { .. }
            | Task::Eval(_)
            | Task::AlignScore(_) => return None,
        };
        if self.models.len() <= at {
            self.models.resize(self.jobs.len(), None);
        }
        if let Some(place) = self.models.get_mut(at) {
            *place = Some(model);
        }
        Some(model)
    }

    /// A model behind an endpoint: of its training nothing is known.
    pub(super) fn endpoint(&mut self, name: &str) -> Model {
        let mut row = [0; Trait::COUNT];
        let parts: SmallVec<[u64; 32]> = name.bytes().map(u64::from).collect();
        let id = self.values.id(Trait::Model, &parts, || name.to_owned());
        if let Some(known) = self.endpoints.get(&id) {
            return *known;
        }
        set(&mut row, Trait::Model, id);
        let model = Model {
            row: self.add(row),
            setup: Stages::UNKNOWN,
            run: None,
        };
        self.endpoints.insert(id, model);
        model
    }

    fn add(&mut self, row: Row) -> u32 {
        self.rows.push(row);
        u32::try_from(self.rows.len() - 1).unwrap_or(u32::MAX)
    }

    /// Returns a row by its number.
    pub(super) fn row(&self, at: u32) -> &Row {
        const NONE: &Row = &[0; Trait::COUNT];
        let at = usize::try_from(at).ok();
        at.and_then(|at| self.rows.get(at)).unwrap_or(NONE)
    }

    /// Returns the number of a row of what measures; equal rows have one.
    pub(super) fn measure(&mut self, row: Row) -> u32 {
        if let Some(known) = self.measures.get(&row) {
            return *known;
        }
        let at = self.add(row);
        self.measures.insert(row, at);
        at
    }

    fn trained(&mut self, at: usize, job: &Job, task: &PretrainTask) -> Model {
        let mut row = [0; Trait::COUNT];
        let spec = &task.model;
        let shape = [
            spec.layers,
            spec.width,
            spec.heads,
            spec.kv_heads,
            spec.hidden,
            spec.rope_base,
            u64::from(spec.tied),
        ];
        let v = &mut self.values;
        let size = || format!("{} layers of width {}", spec.layers, spec.width);
        set(&mut row, Trait::Model, v.id(Trait::Model, &shape, size));
        let count = |n: u64| move || short(n);
        let context = v.id(Trait::Context, &[spec.context], count(spec.context));
        set(&mut row, Trait::Context, context);
        let parameters = spec.parameters();
        let id = v.id(Trait::Parameters, &[parameters], count(parameters));
        set(&mut row, Trait::Parameters, id);
        let per_step = task.batch.saturating_mul(spec.context);
        let new = || v.add(short(task.tokens));
        let id = self.lengths.budgets.id(task.tokens, per_step, new);
        set(&mut row, Trait::Tokens, id);
        set(
            &mut row,
            Trait::Steps,
            v.id(Trait::Steps, &[task.steps], count(task.steps)),
        );
        let seed = v.id(Trait::Seed, &[task.seed], || task.seed.to_string());
        set(&mut row, Trait::Seed, seed);
        let tokenizer = self.data(job, task, &mut row);
        set(&mut row, Trait::Tokenizer, tokenizer);
        // Without a step, only the initial weights tell one run from another.
        if task.steps > 0 {
            self.recipe(task, per_step, &mut row);
            let id = self.repetition(job, task);
            set(&mut row, Trait::Repetition, id);
        } else {
            set(&mut row, Trait::Data, 0);
        }
        let end = self
            .values
            .id(Trait::Checkpoint, &[], || "its end".to_owned());
        set(&mut row, Trait::Checkpoint, end);
        self.final_rate(&mut row, task, task.steps);
        Model {
            row: self.add(row),
            setup: Stages::NONE,
            run: Some(at),
        }
    }

    /// Rate, batch, schedule and optimiser.
    fn recipe(&mut self, task: &PretrainTask, per_step: u64, row: &mut Row) {
        let v = &mut self.values;
        let (n, d) = task.rate.parts();
        set(
            row,
            Trait::Rate,
            v.id(Trait::Rate, &[n, d], || decimal(task.rate)),
        );
        let text = || {
            format!(
                "{} sequences, {} tokens a step",
                short(task.batch),
                short(per_step)
            )
        };
        set(row, Trait::Batch, v.id(Trait::Batch, &[per_step], text));
        let run = Run {
            schedule: task.schedule.clone(),
            steps: task.steps,
            per_step,
        };
        set(row, Trait::Schedule, self.lengths.schedule(run, v));
        let constants = [task.weight_decay, task.beta1, task.beta2, task.clip];
        let parts: SmallVec<[u64; 8]> = constants
            .iter()
            .flat_map(|one| [one.parts().0, one.parts().1])
            .collect();
        let text = || {
            let [decay, beta1, beta2, clip] = constants.map(decimal);
            format!("weight decay {decay}, betas {beta1} and {beta2}, clip {clip}")
        };
        set(row, Trait::Optimizer, v.id(Trait::Optimizer, &parts, text));
        let word = task.precision.word();
        let id = v.id(Trait::Precision, &[task.precision as u64], || {
            word.to_owned()
        });
        set(row, Trait::Precision, id);
    }

    fn on_the_way(&mut self, mut model: Model, step: u64) -> Model {
        let job = model.run.and_then(|at| self.jobs.at(at));
        let Some(Task::Pretrain(task)) = job.map(|job| &job.task) else {
            return model;
        };
        if step == task.steps {
            return model;
        }
        let per_step = task.batch.saturating_mul(task.model.context);
        let tokens = step.saturating_mul(per_step);
        let v = &mut self.values;
        let new = || v.add(format!("after {} tokens", short(tokens)));
        let id = self.lengths.moments.id(tokens, per_step, new);
        let steps = v.id(Trait::Steps, &[step], || short(step));
        let mut row = *self.row(model.row);
        set(&mut row, Trait::Checkpoint, id);
        set(&mut row, Trait::Steps, steps);
        self.final_rate(&mut row, task, step);
        model.row = self.add(row);
        model
    }

    /// The rate at the last step done, as far as it is told apart: at its peak, at its end, or
    /// somewhere between.
    fn final_rate(&mut self, row: &mut Row, task: &PretrainTask, step: u64) {
        let schedule = &task.schedule;
        let id = if step == 0 {
            0
        } else if is_flat(schedule, step, task.steps) {
            let peak = || "at its peak".to_owned();
            self.values.id(Trait::FinalRate, &[1], peak)
        } else if step >= task.steps {
            let (n, d) = schedule.floor.parts();
            let end = || format!("{} of its peak", percent(schedule.floor));
            self.values.id(Trait::FinalRate, &[2, n, d], end)
        } else {
            let parts = [
                3,
                step,
                task.steps,
                schedule.shape as u64,
                schedule.warmup,
                schedule.decay,
            ];
            let way = if step < schedule.warmup { "up" } else { "down" };
            let text = || {
                format!(
                    "on its way {way}, at step {} of {}",
                    short(step),
                    short(task.steps)
                )
            };
            self.values.id(Trait::FinalRate, &parts, text)
        };
        set(row, Trait::FinalRate, id);
    }
}

/// Whether the rate is at its peak at a step.
fn is_flat(schedule: &ScheduleSpec, step: u64, steps: u64) -> bool {
    let flat_until = match schedule.shape {
        ScheduleShape::Constant => steps,
        ScheduleShape::Wsd => steps.saturating_sub(schedule.decay),
        ScheduleShape::Cosine | ScheduleShape::Linear => 0,
    };
    (schedule.warmup..=flat_until).contains(&step)
}

/// Sets the value of a trait.
pub(super) fn set(row: &mut Row, of: Trait, id: Id) {
    if let Some(place) = row.get_mut(of as usize) {
        *place = id;
    }
}

/// Returns the value of a trait.
pub(super) fn get(row: &Row, of: Trait) -> Id {
    row.get(of as usize).copied().unwrap_or_default()
}
