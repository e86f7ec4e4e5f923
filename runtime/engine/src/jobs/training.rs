//! A training run between its first and last step, and the checkpoints that it files.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vpc_compiler::plan::PretrainTask;
use vpc_data::{SampleStream, TokenFile, fill};
use vpc_store::{Blob, Draft, Manifest, StoreError};
use vpc_train::{Batch, StepReport, TrainConfig, TrainError, Trainer};

use super::curve::Curve;
use super::explosion::Explosion;
use super::filing::{Aside, Snapshot};
use super::pace::Pace;
use super::{Bench, CURVE, MODEL, OPTIMIZER};
use crate::device::{Placed, check_again, noted};
use crate::error::JobError;
use crate::event::{Event, Progress};
use crate::memory;
use crate::survey::first_lacking;

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// A run as it is taken up.
struct Taken {
    trainer: Trainer,
    curve: Curve,
    /// What was spent on it before, in seconds.
    seconds: f64,
}

/// Takes up the newest intact checkpoint before those that are wanted and not there.
///
/// A damaged one is put aside by the store, so the loop ends.
fn resume(bench: &Bench<'_>, config: &TrainConfig) -> Result<Option<Taken>, JobError> {
    let (store, steps) = (bench.store, &bench.steps);
    let last = first_lacking(store, steps, &bench.wanted)?.unwrap_or(u64::MAX);
    while let Some(manifest) = steps.until(store, last)? {
        let read = |name: &str| -> Result<Blob, JobError> { Ok(store.read(manifest.file(name)?)?) };
        match (read(MODEL), read(OPTIMIZER), read(CURVE)) {
            (Ok(model), Ok(optimizer), Ok(curve)) => {
                let trainer = Trainer::resume(config, &model, &optimizer)?;
                return Ok(Some(Taken {
                    trainer,
                    curve: Curve::read(&curve),
                    seconds: manifest.seconds().unwrap_or_default(),
                }));
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

/// Finds the steps whose checkpoints are there because this or another study asked for them.
fn asked_for(bench: &Bench<'_>) -> Result<BTreeSet<u64>, StoreError> {
    let mut places = BTreeSet::from([bench.job.key]);
    places.extend(bench.steps.trunk.map(|trunk| trunk.key));
    let mut asked = BTreeSet::new();
    for place in places {
        for (step, manifest) in bench.store.progress_all(place)? {
            let keep = manifest.spec.get("keep").and_then(Value::as_array);
            let stays = manifest.made.get(STAYS).and_then(Value::as_bool);
            if stays == Some(true) || keep.is_some_and(|keep| keep.contains(&json!(step))) {
                asked.insert(step);
            }
        }
    }
    Ok(asked)
}

/// The field of a checkpoint's record that tells whether it stays when a later one is there.
const STAYS: &str = "stays";

/// A training run between its first and last step.
pub(super) struct Run<'b> {
    bench: &'b Bench<'b>,
    task: &'b PretrainTask,
    trainer: Placed<'b>,
    curve: Curve,
    explosion: Explosion,
    /// Steps after which a checkpoint stays.
    keep: BTreeSet<u64>,
    /// Step from which on nobody would go on from a checkpoint.
    end: u64,
    /// Step at which this process took the run up.
    from: u64,
    /// Seconds spent on it before this process.
    spent: f64,
    began: Instant,
    pace: Pace,
    /// The last checkpoint, while it is being filed.
    aside: Aside,
    /// What it has cost the training so far.
    cost: Duration,
    told: Instant,
}

impl<'b> Run<'b> {
    /// Begins a run, or goes on from its newest checkpoint.
    pub(super) fn begin(
        bench: &'b Bench<'b>,
        task: &'b PretrainTask,
        config: &TrainConfig,
    ) -> Result<Self, JobError> {
        let resumed = resume(bench, config)?;
        let is_new = resumed.is_none();
        let Taken {
            trainer,
            curve,
            seconds,
        } = match resumed {
            Some(taken) => taken,
            None => Taken {
                trainer: Trainer::new(config)?,
                curve: Curve::new(),
                seconds: 0.0,
            },
        };
        let (from, now) = (trainer.steps_done(), Instant::now());
        let trainer = Placed::put(trainer, config, task, (bench.gpus, bench.stop))?;
        // Where the checkpoint it was to go on from is damaged, it goes on from an earlier one.
        if !bench.take_trunk(from)? {
            return Err(JobError::Elsewhere);
        }
        if from > 0 {
            bench.observer.event(Event::Resumed(bench.job, from));
        }
        let mut keep = asked_for(bench)?;
        keep.extend(task.keep.get().iter().chain(&bench.wanted));
        let points = bench.points.iter().filter(|step| **step <= task.steps);
        keep.extend(points.filter(|step| bench.steps.place(**step) != bench.job.key));
        // A finished run that is done again has served when the last checkpoint wanted is there.
        let end = match bench.store.find(bench.job.key)? {
            Some(finished) => {
                check_again(&finished.made, trainer.name())?;
                bench.wanted.last().copied().unwrap_or_default()
            }
            None => task.steps,
        };
        let asked = bench.options.checkpoint_every;
        let mut run = Self {
            bench,
            task,
            trainer,
            explosion: Explosion::of(task.model.vocabulary, &curve),
            curve,
            keep,
            end,
            from,
            spent: seconds,
            began: now,
            pace: Pace::new(asked, Snapshot::bytes(task)),
            aside: Aside::default(),
            cost: Duration::ZERO,
            told: now,
        };
        if is_new && run.keep.contains(&0) {
            run.file()?;
        }
        Ok(run)
    }

    /// Trains to the last step.
    pub(super) fn train(
        &mut self,
        stream: &SampleStream,
        files: &[TokenFile<'_>],
    ) -> Result<(), JobError> {
        let (rows, context) = (self.task.batch as usize, self.task.model.context as usize);
        let mut inputs = vec![0; rows * context];
        let mut targets = vec![0; rows * context];
        while self.trainer.steps_done() < self.task.steps {
            if self.bench.stop.asked() {
                if self.is_open() {
                    self.checkpoint()?;
                }
                self.settle()?;
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
            let report = match self.trainer.step(&batch) {
                Err(JobError::Train(error @ TrainError::Diverged { .. })) => {
                    return Err(self.diverged(error.to_string())?);
                }
                report => report?,
            };
            self.curve.add(&report);
            if let Some(what) = self.explosion.look(&report) {
                return Err(self.diverged(what)?);
            }
            self.tell(&report);
            if self.aside.is_ended() {
                self.settle()?;
            }
            if self.is_due() {
                self.checkpoint()?;
            }
            self.leave_trunk();
        }
        Ok(())
    }

    /// Lets others have the trunk once this run has left it, and its last checkpoint there is filed.
    fn leave_trunk(&self) {
        let end = self.bench.steps.trunk.map(|trunk| trunk.end);
        let has_left = end.is_some_and(|end| self.trainer.steps_done() >= end);
        if has_left && !self.aside.is_busy() {
            self.bench.trunk.release();
        }
    }

    /// Whether a checkpoint is to be written now: of a run that may be exploding, where one was
    /// asked for alone, so that the last good one stays.
    fn is_due(&self) -> bool {
        let on_the_way = self.pace.is_due() && self.is_open() && !self.explosion.is_near();
        self.keep.contains(&self.trainer.steps_done()) || on_the_way
    }

    /// Why a run ends that lost its way; the checkpoint under way is filed first.
    fn diverged(&mut self, what: String) -> Result<JobError, JobError> {
        self.settle()?;
        let newest = self
            .bench
            .steps
            .newest(self.bench.store, self.trainer.steps_done())?;
        let kept = match newest {
            Some(step) => format!("the checkpoint after step {step} stays in the store"),
            None => "it was too early for a checkpoint".to_owned(),
        };
        Ok(JobError::Diverged { what, kept })
    }

    /// Whether somebody could want to go on from here.
    fn is_open(&self) -> bool {
        self.trainer.steps_done() < self.end
    }

    /// Files a checkpoint, unless this is where the run was taken up.
    fn checkpoint(&mut self) -> Result<(), JobError> {
        if self.trainer.steps_done() > self.from {
            self.file()?;
        }
        self.pace.begin();
        Ok(())
    }

    /// Says what is known of the run, and what all processes spent on it.
    fn draft(&self, metrics: Value, begun: Instant) -> Result<Draft, JobError> {
        let seconds = self.spent + begun.elapsed().as_secs_f64();
        let draft = self.bench.draft_of(metrics, seconds)?;
        Ok(noted(draft, self.trainer.name()))
    }

    /// Copies the state as it is now.
    fn snapshot(&mut self) -> Result<Snapshot, JobError> {
        let (curve, task) = (&self.curve, self.task);
        self.trainer
            .with_host(|trainer| Snapshot::of(trainer, curve, task))
    }

    /// Files a checkpoint beside the training, then drops the older ones that nobody asked to keep.
    fn file(&mut self) -> Result<(), JobError> {
        self.settle()?;
        let begun = Instant::now();
        let bench = self.bench;
        bench.filing(|| {
            let step = self.trainer.steps_done();
            let place = bench.steps.place(step);
            let snapshot = self.snapshot()?;
            let mut draft = self.draft(json!({ "step": step }), self.began)?;
            if let Some(made) = draft.made.as_object_mut() {
                made.insert(STAYS.to_owned(), self.keep.contains(&step).into());
            }
            let (store, keep) = (bench.store.clone(), self.kept_and(Some(step)));
            self.aside.begin(move || {
                let mut attempt = store.attempt(place)?;
                let took = snapshot.write(&mut attempt)?;
                drop(snapshot);
                attempt.publish_progress(step, draft)?;
                store.clear_progress_until(place, step, &keep)?;
                Ok(took)
            })
        })?;
        self.cost = begun.elapsed();
        if !self.aside.is_busy() {
            self.pace.learn(self.cost);
        }
        if !memory::has_room(self.task) {
            self.settle()?;
        }
        Ok(())
    }

    /// Waits for the checkpoint that is being filed, if any.
    fn settle(&mut self) -> Result<(), JobError> {
        if self.aside.is_busy() {
            let bench = self.bench;
            let took = bench.filing(|| self.aside.end())?;
            bench.count_filing(took);
            self.pace.learn(self.cost + took);
        }
        Ok(())
    }

    /// The steps whose checkpoints stay when others are dropped, with the one that is the last.
    fn kept_and(&self, last: Option<u64>) -> Vec<u64> {
        self.keep.iter().copied().chain(last).collect()
    }

    /// Files the finished run.
    pub(super) fn publish(&mut self, begun: Instant) -> Result<Manifest, JobError> {
        self.settle()?;
        self.leave_trunk();
        let bench = self.bench;
        bench.filing(|| {
            let (store, key) = (bench.store, bench.job.key);
            let mut attempt = store.attempt(key)?;
            self.snapshot()?.write(&mut attempt)?;
            // Only what every making of this job gives the same: see `Draft::metrics`.
            let metrics = json!({
                "steps": self.trainer.steps_done(),
                "tokens": self.task.tokens,
                "parameters": self.task.model.parameters(),
            });
            let manifest = attempt.publish(self.draft(metrics, begun)?)?;
            store.clear_progress(key, &self.kept_and(None))?;
            Ok(manifest)
        })
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
            of: "steps",
            tokens_per_second: Some(steps_per_second * per_step),
            steps_per_second,
            loss: Some(report.loss),
        };
        self.bench
            .observer
            .event(Event::Progress(self.bench.job, progress));
    }
}
