//! `pretrain`: a model from scratch, with checkpoints to go on from.

use std::time::{Duration, Instant};

use serde_json::json;
use vpc_compiler::plan::{Fraction, Key, PretrainTask, ScheduleShape, ScheduleSpec};
use vpc_data::{Part, SampleStream, TokenFile, fill};
use vpc_store::{Attempt, Blob, Manifest};
use vpc_train::{
    Batch, Model, Optimizer, Schedule, StepReport, TrainConfig, Trainer, with_threads,
};

use super::curve::Curve;
use super::{Bench, model_config};
use crate::error::JobError;
use crate::event::{Event, Progress};
use crate::memory;

const MODEL: &str = "model.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
const CURVE: &str = "curve.csv";

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(100);

pub(super) fn make(bench: &Bench<'_>, task: &PretrainTask) -> Result<Manifest, JobError> {
    let begun = Instant::now();
    memory::check(task)?;
    let keys: Vec<Key> = bench.job.inputs_as("tokens").collect();
    let blobs = keys
        .iter()
        .map(|&key| bench.open(key, "train.tok"))
        .collect::<Result<Vec<_>, _>>()?;
    let files = blobs
        .iter()
        .map(|blob: &Blob| TokenFile::new(blob))
        .collect::<Result<Vec<TokenFile<'_>>, _>>()?;
    let stream = stream(bench, task, &keys, &files)?;
    let config = train_config(task);
    // The trainer's tape cannot leave its thread, so the whole run happens inside the pool.
    with_threads(bench.threads, || {
        let mut run = Run::begin(bench, task, &config)?;
        run.train(&stream, &files)?;
        run.publish(begun)
    })?
}

/// The stream of sequences that the run sees.
fn stream(
    bench: &Bench<'_>,
    task: &PretrainTask,
    keys: &[Key],
    files: &[TokenFile<'_>],
) -> Result<SampleStream, JobError> {
    let mut parts = Vec::new();
    for ((key, file), share) in keys.iter().zip(files).zip(&task.shares) {
        let sequences = file.sequences(task.model.context as usize);
        if sequences == 0 {
            return Err(JobError::TooShort {
                side: "the training",
                category: bench.category_of(*key),
                tokens: file.len(),
                context: task.model.context + 1,
            });
        }
        parts.push(Part {
            identity: *key.bytes(),
            share: share.parts(),
            sequences,
        });
    }
    Ok(SampleStream::new(parts, task.seed)?)
}

fn train_config(task: &PretrainTask) -> TrainConfig {
    let number = Fraction::to_f64;
    TrainConfig {
        model: model_config(&task.model),
        optimizer: Optimizer {
            rate: number(task.rate),
            beta1: number(task.beta1),
            beta2: number(task.beta2),
            eps: 1e-8,
            weight_decay: number(task.weight_decay),
            clip: number(task.clip),
        },
        schedule: schedule(&task.schedule),
        batch: task.batch as usize,
        steps: task.steps,
        seed: task.seed,
    }
}

fn schedule(spec: &ScheduleSpec) -> Schedule {
    let (warmup, decay, floor) = (spec.warmup, spec.decay, spec.floor.to_f64());
    match spec.shape {
        ScheduleShape::Constant => Schedule::Constant { warmup },
        ScheduleShape::Cosine => Schedule::Cosine { warmup, floor },
        ScheduleShape::Linear => Schedule::Linear { warmup, floor },
        ScheduleShape::Wsd => Schedule::Wsd {
            warmup,
            decay,
            floor,
        },
    }
}

/// Takes up the newest intact checkpoint. A damaged one is put aside by the store, so the loop ends.
fn resume(bench: &Bench<'_>, config: &TrainConfig) -> Result<Option<(Trainer, Curve)>, JobError> {
    while let Some(manifest) = bench.store.progress(bench.job.key)? {
        let read =
            |name: &str| -> Result<Blob, JobError> { Ok(bench.store.read(manifest.file(name)?)?) };
        match (read(MODEL), read(OPTIMIZER), read(CURVE)) {
            (Ok(model), Ok(optimizer), Ok(curve)) => {
                let trainer = Trainer::resume(config, &model, &optimizer)?;
                return Ok(Some((trainer, Curve::read(&curve))));
            }
            (Err(error), _, _) | (_, Err(error), _) | (_, _, Err(error)) if !error.is_damage() => {
                return Err(error);
            }
            _ => bench
                .observer
                .event(Event::Note("a damaged checkpoint was put aside")),
        }
    }
    Ok(None)
}

/// A training run between its first and last step.
struct Run<'b> {
    bench: &'b Bench<'b>,
    task: &'b PretrainTask,
    trainer: Trainer,
    curve: Curve,
    /// Step at which this process took the run up.
    from: u64,
    began: Instant,
    saved: Instant,
    told: Instant,
}

impl<'b> Run<'b> {
    /// Begins a run, or goes on from its newest checkpoint.
    fn begin(
        bench: &'b Bench<'b>,
        task: &'b PretrainTask,
        config: &TrainConfig,
    ) -> Result<Self, JobError> {
        let (trainer, curve) = match resume(bench, config)? {
            Some(found) => found,
            None => (Trainer::new(config)?, Curve::new()),
        };
        let (from, now) = (trainer.steps_done(), Instant::now());
        if from > 0 {
            bench.observer.event(Event::Resumed(bench.job, from));
        }
        Ok(Self {
            bench,
            task,
            trainer,
            curve,
            from,
            began: now,
            saved: now,
            told: now,
        })
    }

    fn train(&mut self, stream: &SampleStream, files: &[TokenFile<'_>]) -> Result<(), JobError> {
        let (rows, context) = (self.task.batch as usize, self.task.model.context as usize);
        let mut inputs = vec![0; rows * context];
        let mut targets = vec![0; rows * context];
        while self.trainer.steps_done() < self.task.steps {
            if self.bench.stop.asked() {
                self.checkpoint()?;
                return Err(JobError::Stopped);
            }
            let position = self.trainer.steps_done() * self.task.batch;
            fill(
                stream,
                files,
                context,
                position,
                rows,
                &mut inputs,
                &mut targets,
            )?;
            let batch = Batch {
                inputs: &inputs,
                targets: &targets,
                length: context,
            };
            let report = self.trainer.step(&batch)?;
            self.curve.add(&report);
            self.tell(&report);
            if self.is_due() {
                self.checkpoint()?;
            }
        }
        Ok(())
    }

    /// Whether a checkpoint is to be written now.
    fn is_due(&self) -> bool {
        let step = self.trainer.steps_done();
        let last = step == self.task.steps;
        self.task.keep.contains(&step)
            || (!last && self.saved.elapsed() >= self.bench.options.checkpoint_every)
    }

    /// Files a checkpoint, then drops the older ones that nobody asked to keep.
    fn checkpoint(&mut self) -> Result<(), JobError> {
        let step = self.trainer.steps_done();
        if step > self.from {
            let mut attempt = self.bench.store.attempt(self.bench.job.key)?;
            self.write(&mut attempt)?;
            let draft = self.bench.draft(json!({ "step": step }), self.began)?;
            attempt.publish_progress(step, draft)?;
            let mut keep = self.task.keep.clone();
            keep.push(step);
            self.bench.store.clear_progress(self.bench.job.key, &keep)?;
        }
        self.saved = Instant::now();
        Ok(())
    }

    fn write(&self, attempt: &mut Attempt) -> Result<(), JobError> {
        let mut model = attempt.create(MODEL)?;
        self.trainer.save_model(&mut model)?;
        model.finish()?;
        let mut optimizer = attempt.create(OPTIMIZER)?;
        self.trainer.save_optimizer(&mut optimizer)?;
        optimizer.finish()?;
        attempt.write(CURVE, self.curve.bytes())?;
        attempt.write(
            "config.json",
            Model::config_json(&model_config(&self.task.model)).as_bytes(),
        )?;
        Ok(())
    }

    fn publish(&self, begun: Instant) -> Result<Manifest, JobError> {
        let key = self.bench.job.key;
        let mut attempt = self.bench.store.attempt(key)?;
        self.write(&mut attempt)?;
        // Only what every making of this job gives the same: see `Draft::metrics`.
        let metrics = json!({
            "steps": self.trainer.steps_done(),
            "tokens": self.task.tokens,
            "parameters": self.task.model.parameters(),
        });
        let manifest = attempt.publish(self.bench.draft(metrics, begun)?)?;
        self.bench.store.clear_progress(key, &self.task.keep)?;
        Ok(manifest)
    }

    fn tell(&mut self, report: &StepReport) {
        let done = self.trainer.steps_done();
        if self.told.elapsed() < TELL_EVERY && done < self.task.steps {
            return;
        }
        self.told = Instant::now();
        let per_step = (self.task.batch * self.task.model.context) as f64;
        let steps_per_second =
            (done - self.from) as f64 / self.began.elapsed().as_secs_f64().max(1e-9);
        let progress = Progress {
            step: done,
            steps: self.task.steps,
            tokens_per_second: steps_per_second * per_step,
            steps_per_second,
            loss: report.loss,
        };
        self.bench
            .observer
            .event(Event::Progress(self.bench.job, progress));
    }
}
