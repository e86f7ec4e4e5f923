//! `pretrain`: a model from scratch; its settings and its text.

use std::time::Instant;

use vpc_compiler::plan::{Fraction, Key, PretrainTask, ScheduleShape, ScheduleSpec};
use vpc_data::{Part, SampleStream, TokenFile};
use vpc_store::{Blob, Manifest};
use vpc_train::{Optimizer, Schedule, TrainConfig, with_threads};

use super::training::Run;
use super::{Bench, model_config};
use crate::device::is_on_host;
use crate::error::JobError;
use crate::memory;

pub(super) fn make(bench: &Bench<'_>, task: &PretrainTask) -> Result<Manifest, JobError> {
    let begun = Instant::now();
    if is_on_host(bench.gpus) {
        memory::check(task)?;
    }
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
        bound_epochs(bench, task, *key, *share, sequences)?;
        parts.push(Part {
            identity: bench.content(*key, "train.tok")?,
            share: share.parts(),
            sequences,
        });
    }
    Ok(SampleStream::new(parts, task.seed)?)
}

/// Refuses to go through a category more often than its study allows.
fn bound_epochs(
    bench: &Bench<'_>,
    task: &PretrainTask,
    tokens: Key,
    share: Fraction,
    sequences: u64,
) -> Result<(), JobError> {
    let (asked, epoch) = (share.of(task.tokens), sequences * task.model.context);
    let most = task.max_epochs.get().as_ref();
    match most.filter(|most| Fraction::new(asked, epoch) > Some(**most)) {
        None => Ok(()),
        Some(most) => Err(JobError::Epochs {
            category: bench.category_of(tokens),
            asked,
            epoch,
            most: *most,
        }),
    }
}

/// The settings of the trainer.
pub(crate) fn train_config(task: &PretrainTask) -> TrainConfig {
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
        micro_batch: task.micro_batch.map(|sequences| sequences as usize),
        steps: task.steps,
        seed: task.seed,
    }
}

pub(super) fn schedule(spec: &ScheduleSpec) -> Schedule {
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
