//! `encoder`: imported from a folder of `transformers`, drawn, or trained on pictures.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

use rayon::prelude::*;
use serde_json::json;
use vpc_compiler::plan::{EncoderTask, EncoderWeights, FileSpec, Key, Lessons};
use vpc_data::SampleStream;
use vpc_data::image::Preprocess;
use vpc_data::items::{Item, PictureId, Pictures};
use vpc_store::{Attempt, Blob, Manifest};
use vpc_train::vision::{
    ContrastiveConfig, ContrastiveTrainer, Encoder, MaskedConfig, MaskedTrainer, TextConfig,
    VisionConfig, VisionError,
};
use vpc_train::{Course, Schedule, StepReport, with_threads};

use super::corpus::check_digest;
use super::course::{Learns, batch, optimizer, order, train};
use super::curve::Curve;
use super::dataset::{ITEMS, PICTURES, items};
use super::sight::{picture, preprocess, vision_config};
use super::{Bench, CONFIG, CURVE, MODEL};
use crate::error::JobError;
use crate::support::why_not;

/// AdamW's decay of matrices.
const WEIGHT_DECAY: f64 = 0.05;
/// One part in so many of the steps warms up.
const WARMUP: u64 = 20;
/// Bytes of a text that a text tower reads, and one for its end.
const TEXT: usize = 128;
/// Most bytes of normalised pictures that are kept in memory; beyond that they are made for each step.
const KEPT: usize = 512 << 20;

pub(super) fn make(bench: &Bench<'_>, task: &EncoderTask) -> Result<Manifest, JobError> {
    let begun = Instant::now();
    let config = vision_config(task);
    let lessons = match &task.weights {
        EncoderWeights::Files(FileSpec::Planned { .. }) => {
            let why = why_not(&bench.job.task).unwrap_or_default();
            return Err(JobError::Unsupported(why.into_owned()));
        }
        EncoderWeights::Files(FileSpec::File { path, digest }) => {
            let encoder = imported(path.get(), *digest, &config)?;
            return done(bench, &encoder, begun);
        }
        EncoderWeights::Initial { seed } => {
            let encoder = Encoder::initial(&config, *seed).map_err(VisionError::from)?;
            return done(bench, &encoder, begun);
        }
        EncoderWeights::Contrastive(lessons) | EncoderWeights::Masked { lessons, .. } => lessons,
    };
    let (trained, curve, spent) =
        with_threads(bench.threads, || lesson(bench, task, lessons, config))??;
    let metrics = json!({ "steps": lessons.steps, "parameters": trained.parameters() });
    let attempt = bench.store.attempt(bench.job.key)?;
    let seconds = spent + begun.elapsed().as_secs_f64();
    let manifest = file(bench, attempt, &trained, Some(&curve), (metrics, seconds))?;
    bench.store.clear_progress(bench.job.key, &[])?;
    Ok(manifest)
}

/// Files an encoder that was not trained here.
fn done(bench: &Bench<'_>, encoder: &Encoder, begun: Instant) -> Result<Manifest, JobError> {
    let attempt = bench.store.attempt(bench.job.key)?;
    let metrics = json!({ "parameters": encoder.parameters() });
    let seconds = begun.elapsed().as_secs_f64();
    file(bench, attempt, encoder, None, (metrics, seconds))
}

/// Trains an encoder to its last step; returns its curve, and the seconds spent on it before.
fn lesson(
    bench: &Bench<'_>,
    task: &EncoderTask,
    lessons: &Lessons,
    config: VisionConfig,
) -> Result<(Encoder, Curve, f64), JobError> {
    let blobs = bench.job.inputs_as("pictures");
    let blobs: Vec<Blob> = blobs
        .map(|key| bench.open(key, PICTURES))
        .collect::<Result<_, _>>()?;
    let shown = Shown::of(bench, &config, lessons, &blobs)?;
    let course = Course {
        optimizer: optimizer(lessons.rate.to_f64(), WEIGHT_DECAY),
        schedule: Schedule::Cosine {
            warmup: lessons.steps / WARMUP,
            floor: 0.0,
        },
        steps: lessons.steps,
        seed: lessons.seed,
    };
    let steps = lessons.steps;
    match &task.weights {
        EncoderWeights::Masked { mask, .. } => {
            let trainer = MaskedTrainer::new(&masked(config, mask.to_f64()), &course)?;
            let mut pupil = Masked { trainer, shown };
            let (curve, spent) = train(bench, &mut pupil, steps)?;
            Ok((pupil.trainer.encoder().clone(), curve, spent))
        }
        _ => {
            let trainer = ContrastiveTrainer::new(&contrastive(config), &course)?;
            let mut pupil = Contrastive { trainer, shown };
            let (curve, spent) = train(bench, &mut pupil, steps)?;
            Ok((pupil.trainer.encoder().clone(), curve, spent))
        }
    }
}

/// The text tower has half the blocks of the encoder, and its width.
fn contrastive(encoder: VisionConfig) -> ContrastiveConfig {
    ContrastiveConfig {
        text: TextConfig {
            layers: encoder.layers.div_ceil(2),
            width: encoder.width,
            heads: encoder.heads,
            hidden: encoder.hidden,
            context: TEXT,
        },
        embedding: encoder.width,
        encoder,
    }
}

/// The decoder has half the blocks of the encoder, and its width.
fn masked(encoder: VisionConfig, mask: f64) -> MaskedConfig {
    MaskedConfig {
        layers: encoder.layers.div_ceil(2),
        width: encoder.width,
        heads: encoder.heads,
        hidden: encoder.hidden,
        mask,
        encoder,
    }
}

/// Pictures with texts, in the order in which a training sees them.
struct Shown<'b> {
    items: Vec<(PictureId, Item)>,
    order: SampleStream,
    batch: u64,
    preprocess: Preprocess,
    files: Vec<Pictures<'b>>,
    /// Pixels by picture, where all of them are few enough to be kept.
    kept: Option<BTreeMap<PictureId, Vec<f32>>>,
}

impl<'b> Shown<'b> {
    fn of(
        bench: &Bench<'_>,
        config: &VisionConfig,
        lessons: &Lessons,
        blobs: &'b [Blob],
    ) -> Result<Self, JobError> {
        let gone = || JobError::InputGone(bench.job.name().to_owned());
        let key = bench.job.inputs_as("items").next().ok_or_else(gone)?;
        let items: Vec<(PictureId, Item)> = items(bench, key)?
            .into_iter()
            .filter_map(|item| Some((item.picture?, item)))
            .collect();
        if items.is_empty() {
            return Err(JobError::NoPictures(bench.name_of(key)));
        }
        let files = blobs.iter().map(|blob| Pictures::new(blob));
        let mut shown = Self {
            order: order(bench.content(key, ITEMS)?, items.len(), lessons.seed)?,
            items,
            batch: lessons.batch,
            preprocess: preprocess(config),
            files: files.collect::<Result<_, _>>()?,
            kept: None,
        };
        let ids: BTreeSet<PictureId> = shown.items.iter().map(|(id, _)| *id).collect();
        if ids.len() * config.pixels() * size_of::<f32>() <= KEPT {
            let ids: Vec<PictureId> = ids.into_iter().collect();
            let pixels = ids.par_iter().map(|id| Ok((*id, shown.pixels(*id)?)));
            shown.kept = Some(pixels.collect::<Result<_, JobError>>()?);
        }
        Ok(shown)
    }

    /// One picture as the encoder is shown it, [3, side, side].
    fn pixels(&self, id: PictureId) -> Result<Vec<f32>, JobError> {
        let bytes = self.files.iter().find_map(|file| file.get(id));
        let bytes = bytes.ok_or_else(|| JobError::Unseen {
            item: id.to_string(),
        })?;
        Ok(self.preprocess.apply(&picture(bytes, id)?))
    }

    /// Pixels of a step's pictures, and their texts.
    fn step(&self, step: u64) -> Result<(Vec<f32>, Vec<&str>), JobError> {
        let chosen: Vec<usize> = batch(&self.order, step, self.batch).collect();
        let chosen: Vec<&(PictureId, Item)> =
            chosen.iter().filter_map(|at| self.items.get(*at)).collect();
        let pixels = chosen.par_iter().map(|(id, _)| {
            let kept = self.kept.as_ref().and_then(|kept| kept.get(id));
            kept.map_or_else(|| self.pixels(*id), |kept| Ok(kept.clone()))
        });
        let pixels: Vec<Vec<f32>> = pixels.collect::<Result<_, _>>()?;
        let texts = chosen.iter().map(|(_, item)| {
            let turn = item.turns.first();
            turn.map_or("", |turn| turn.answer.as_str())
        });
        Ok((pixels.concat(), texts.collect()))
    }
}

struct Contrastive<'b> {
    trainer: ContrastiveTrainer,
    shown: Shown<'b>,
}

impl Learns for Contrastive<'_> {
    fn done(&self) -> u64 {
        self.trainer.steps_done()
    }

    fn step(&mut self) -> Result<StepReport, JobError> {
        let (pixels, texts) = self.shown.step(self.done())?;
        Ok(self.trainer.step(&pixels, &texts)?)
    }

    fn save(&mut self) -> Result<Vec<u8>, JobError> {
        Ok(self.trainer.save()?)
    }

    fn load(&mut self, state: &[u8]) -> Result<(), JobError> {
        Ok(self.trainer.load(state)?)
    }
}

struct Masked<'b> {
    trainer: MaskedTrainer,
    shown: Shown<'b>,
}

impl Learns for Masked<'_> {
    fn done(&self) -> u64 {
        self.trainer.steps_done()
    }

    fn step(&mut self) -> Result<StepReport, JobError> {
        let (pixels, _) = self.shown.step(self.done())?;
        Ok(self.trainer.step(&pixels)?)
    }

    fn save(&mut self) -> Result<Vec<u8>, JobError> {
        Ok(self.trainer.save()?)
    }

    fn load(&mut self, state: &[u8]) -> Result<(), JobError> {
        Ok(self.trainer.load(state)?)
    }
}

/// Reads an encoder that was filed.
pub(super) fn read(bench: &Bench<'_>, key: Key) -> Result<Encoder, JobError> {
    let (config, weights) = (bench.open(key, CONFIG)?, bench.open(key, MODEL)?);
    Ok(Encoder::load(&config, &weights)?)
}

/// Reads a folder of `transformers`, which must hold what the study says.
fn imported(path: &str, digest: Key, planned: &VisionConfig) -> Result<Encoder, JobError> {
    let folder = Path::new(path);
    if !folder.is_dir() {
        return Err(JobError::NoEncoder(path.to_owned()));
    }
    let encoder = Encoder::read(folder)?;
    check_digest(path, digest)?;
    let found = encoder.config();
    let sizes = |config: &VisionConfig| {
        [
            ("layers", config.layers),
            ("width", config.width),
            ("heads", config.heads),
            ("hidden", config.hidden),
            ("patch", config.patch),
            ("image", config.image),
        ]
    };
    let family = |config: &VisionConfig| format!("{:?}", config.family).to_lowercase();
    let differs = |field: &str, found: String, stated: String| {
        Err(JobError::Encoder {
            path: path.to_owned(),
            field: field.to_owned(),
            found,
            stated,
        })
    };
    if found.family != planned.family {
        return differs("family", family(found), family(planned));
    }
    if found.gated != planned.gated {
        let mlp = |config: &VisionConfig| if config.gated { "gated" } else { "plain" };
        return differs("mlp", mlp(found).to_owned(), mlp(planned).to_owned());
    }
    let mut pairs = sizes(found).into_iter().zip(sizes(planned));
    match pairs.find(|(found, planned)| found.1 != planned.1) {
        Some(((field, found), (_, planned))) => {
            differs(field, found.to_string(), planned.to_string())
        }
        None => Ok(encoder),
    }
}

/// Files an encoder as a folder that `transformers` reads.
fn file(
    bench: &Bench<'_>,
    mut attempt: Attempt,
    encoder: &Encoder,
    curve: Option<&Curve>,
    (metrics, seconds): (serde_json::Value, f64),
) -> Result<Manifest, JobError> {
    for (name, bytes) in encoder.files()? {
        attempt.write(name, &bytes)?;
    }
    if let Some(curve) = curve {
        attempt.write(CURVE, curve.bytes())?;
    }
    Ok(attempt.publish(bench.draft_of(metrics, seconds)?)?)
}
