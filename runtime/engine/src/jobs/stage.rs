//! `stage`: one pass of an adaptation.

use std::time::Instant;

use rayon::prelude::*;
use serde_json::json;
use vpc_compiler::plan::{Key, StageTask};
use vpc_data::items::Item;
use vpc_data::questions::Template;
use vpc_data::{SampleStream, Tokenizer};
use vpc_store::{Attempt, Manifest};
use vpc_train::adapted::{AdaptTrainer, Adapted, Example, Parts, Projector};
use vpc_train::vision::Layer;
use vpc_train::{Course, Model, StepReport, with_threads};

use super::adapted::{
    ADAPTED, ENCODER, ENCODER_CONFIG, Filed, Manner, PROJECTOR, Teller, Told, idle_projector,
    projector_config,
};
use super::course::{Learns, batch, optimizer, order, train};
use super::dataset::{ITEMS, items};
use super::encoder::read;
use super::pretrain::schedule;
use super::sight::{Looked, Own, Seen};
use super::{Bench, CONFIG, CURVE, MODEL, TOKENIZER, model_config};
use crate::device::noted;
use crate::error::JobError;
use crate::placed::Adapts;
use crate::support::why_not;

pub(super) fn make(bench: &Bench<'_>, task: &StageTask) -> Result<Manifest, JobError> {
    let begun = Instant::now();
    if let Some(why) = why_not(&bench.job.task) {
        return Err(JobError::Unsupported(why.into_owned()));
    }
    // The trainer's tape cannot leave its thread, so the whole stage happens inside the pool.
    with_threads(bench.threads, || adapt(bench, task, begun))?
}

fn template_of(task: &StageTask) -> &str {
    task.template.as_deref().unwrap_or(StageTask::TEMPLATE)
}

fn teller<'t>(
    task: &StageTask,
    tokenizer: &'t Tokenizer,
    marker: u32,
) -> Result<Teller<'t>, JobError> {
    let sight = task.sight.as_ref();
    Ok(Teller {
        tokenizer,
        template: Template::new(template_of(task))?,
        marker,
        visual: sight.map_or(0, |sight| sight.visual_tokens as usize),
        context: task.model.context as usize,
    })
}

fn adapt(bench: &Bench<'_>, task: &StageTask, begun: Instant) -> Result<Manifest, JobError> {
    let gone = || JobError::InputGone(bench.job.name().to_owned());
    let input = |role| bench.job.inputs_as(role).next().ok_or_else(gone);
    let (data, seen) = (input("items")?, Seen::of(bench)?);
    let tokenizer = Tokenizer::from_json(&bench.open(input("tokenizer")?, TOKENIZER)?)?;
    let filed = Filed::read(bench, input("model")?, &task.model)?;
    let own = own(bench, task, &filed)?;
    let looked = seen.open(own.as_ref())?;
    let Filed {
        model,
        manner,
        projector,
        encoder: _,
    } = filed;
    let marker = match &manner {
        Some(manner) => manner.marker,
        None => tokenizer.unused()?,
    };
    let projector = sees(task, projector, &looked)?;
    let teller = teller(task, &tokenizer, marker)?;
    let items = items(bench, data)?;
    let counts = Counts::of(&items, &teller)?;
    if counts.left_out == items.len() {
        return Err(JobError::NothingFits {
            dataset: bench.name_of(data),
            context: task.model.context,
        });
    }
    let idle = projector.is_none();
    let between = match projector {
        Some(projector) => projector,
        None => idle_projector(&task.model)?,
    };
    let parts = Parts {
        projector: task.train.projector && !idle,
        model: task.train.model,
        encoder: task.train.encoder && !idle,
    };
    let mut adapted = Adapted::new(model, between, marker)?;
    if let Some(own) = own.filter(|_| !idle) {
        adapted = adapted.with_encoder(own.encoder, own.layer)?;
    }
    let trainer = AdaptTrainer::new(&course(task), adapted, parts)?;
    let mut pupil = Pupil {
        trainer: Adapts::put(trainer, task.batch as usize, (bench.gpus, bench.stop))?,
        order: order(bench.content(data, ITEMS)?, items.len(), task.seed)?,
        batch: task.batch,
        lessons: Lessons {
            items,
            teller,
            looked,
        },
    };
    let (curve, spent) = train(bench, &mut pupil, task.steps)?;
    let (device, seen) = (pupil.trainer.name().to_owned(), pupil.lessons.items.len());
    let adapted = pupil.trainer.host()?.adapted();
    let told = task.sight.as_ref().and_then(|sight| sight.layer);
    let before = manner.and_then(|manner| manner.layer);
    let layer = told.or_else(|| layer_of(bench)).or(before);
    let manner = Manner {
        template: template_of(task).to_owned(),
        marker,
        projector: (!idle).then(|| adapted.projector().config().clone()),
        layer: layer.filter(|_| !idle),
    };
    let mut attempt = bench.store.attempt(bench.job.key)?;
    write(&mut attempt, adapted, &manner, task)?;
    attempt.write(CURVE, curve.bytes())?;
    let metrics = json!({
        "steps": task.steps,
        "items": seen,
        "cut": counts.cut,
        "left_out": counts.left_out,
    });
    let seconds = spent + begun.elapsed().as_secs_f64();
    let draft = noted(bench.draft_of(metrics, seconds)?, &device);
    let manifest = attempt.publish(draft)?;
    bench.store.clear_progress(bench.job.key, &[])?;
    Ok(manifest)
}

/// Writes the files of an adapted model.
fn write(
    attempt: &mut Attempt,
    adapted: &Adapted,
    manner: &Manner,
    task: &StageTask,
) -> Result<(), JobError> {
    attempt.write(MODEL, &adapted.model().encode()?)?;
    attempt.write(
        CONFIG,
        Model::config_json(&model_config(&task.model)).as_bytes(),
    )?;
    attempt.write(ADAPTED, &serde_json::to_vec_pretty(manner)?)?;
    if manner.projector.is_some() {
        attempt.write(PROJECTOR, &adapted.projector().encode()?)?;
    }
    if let Some(encoder) = adapted.encoder() {
        let names = [ENCODER_CONFIG, ENCODER];
        for (name, (_, bytes)) in names.into_iter().zip(encoder.files()?) {
            attempt.write(name, &bytes)?;
        }
    }
    Ok(())
}

/// The encoder that the model has itself: from a stage before, or from here on.
fn own(bench: &Bench<'_>, task: &StageTask, filed: &Filed) -> Result<Option<Own>, JobError> {
    if let Some(own) = filed.own() {
        return Ok(Some(own));
    }
    let layer = task.sight.as_ref().and_then(|sight| sight.layer);
    let (Some(layer), Some(key)) = (layer, bench.job.inputs_as("encoder").next()) else {
        return Ok(None);
    };
    Ok(Some(Own {
        encoder: read(bench, key)?,
        layer: Layer::FromEnd(layer as usize),
    }))
}

/// The projector that a stage begins with: the one of the stage before, or a new one; none where no
/// picture was or is seen.
fn sees(
    task: &StageTask,
    before: Option<Projector>,
    looked: &Looked<'_>,
) -> Result<Option<Projector>, JobError> {
    let (Some(sight), Some(shape)) = (&task.sight, looked.shape()) else {
        return Ok(before);
    };
    let config = projector_config(sight, &task.model, shape);
    match before {
        Some(before) if *before.config() == config => Ok(Some(before)),
        Some(_) => Err(JobError::OtherEyes),
        None => Ok(Some(Projector::initial(&config, task.seed)?)),
    }
}

/// The encoder's layer that the features are of.
fn layer_of(bench: &Bench<'_>) -> Option<u64> {
    let features: Key = bench.job.inputs_as("features").next()?;
    match &bench.plan.job(features)?.task {
        vpc_compiler::plan::Task::Features(task) => Some(task.layer),
        _ => None,
    }
}

fn course(task: &StageTask) -> Course {
    Course {
        optimizer: optimizer(task.rate.to_f64(), task.weight_decay.to_f64()),
        schedule: schedule(&task.schedule),
        steps: task.steps,
        seed: task.seed,
    }
}

/// What of a dataset does not fit a model's context.
struct Counts {
    /// Items whose end was cut.
    cut: usize,
    /// Items that have no answer left, or not all of their picture.
    left_out: usize,
}

impl Counts {
    fn of(items: &[Item], teller: &Teller<'_>) -> Result<Self, JobError> {
        let each = items.par_iter().map(|item| {
            let told = teller.tell(item)?;
            let whole = told.is_whole(teller.beginning(item.picture.is_some()).len());
            Ok((usize::from(told.cut), usize::from(!whole)))
        });
        let none = || Ok((0, 0));
        let add = |one: Result<(usize, usize), JobError>, other: Result<_, _>| {
            let ((cut, out), (more, others)) = (one?, other?);
            Ok((cut + more, out + others))
        };
        let (cut, left_out) = each.reduce(none, add)?;
        Ok(Self { cut, left_out })
    }
}

/// An adapted model in training.
struct Pupil<'t> {
    trainer: Adapts<'t>,
    order: SampleStream,
    batch: u64,
    lessons: Lessons<'t>,
}

/// What it learns from.
struct Lessons<'t> {
    items: Vec<Item>,
    teller: Teller<'t>,
    looked: Looked<'t>,
}

impl Lessons<'_> {
    /// An item with what is seen of it; none where it does not fit.
    fn example(&self, item: &Item) -> Result<Option<(Told, Vec<f32>)>, JobError> {
        let told = self.teller.tell(item)?;
        let beginning = self.teller.beginning(item.picture.is_some()).len();
        if !told.is_whole(beginning) {
            return Ok(None);
        }
        Ok(Some((told, self.looked.of(item)?)))
    }
}

impl Learns for Pupil<'_> {
    fn done(&self) -> u64 {
        self.trainer.steps_done()
    }

    fn step(&mut self) -> Result<StepReport, JobError> {
        let chosen: Vec<usize> = batch(&self.order, self.done(), self.batch).collect();
        let lessons = &self.lessons;
        let told = chosen.par_iter().filter_map(|at| {
            let item = lessons.items.get(*at)?;
            lessons.example(item).transpose()
        });
        let told: Vec<(Told, Vec<f32>)> = told.collect::<Result<_, _>>()?;
        let examples: Vec<Example<'_>> = told
            .iter()
            .map(|(told, features)| Example {
                tokens: &told.tokens,
                answer: &told.answer,
                sight: lessons.looked.sight(features),
            })
            .collect();
        self.trainer.step(&examples)
    }

    fn save(&mut self) -> Result<Vec<u8>, JobError> {
        Ok(self.trainer.host()?.save()?)
    }

    fn load(&mut self, state: &[u8]) -> Result<(), JobError> {
        self.trainer.load(state)
    }
}
