//! Seconds of one step of training or scoring.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use vpc_compiler::plan::ModelSpec;
use vpc_train::{Batch, Optimizer, Schedule, TrainConfig, TrainError, Trainer, with_threads};

use crate::error::JobError;
use crate::jobs::model_config;

/// Tokens that the models know which are measured on the processor.
pub(super) const VOCABULARY: u64 = 1024;

/// A size, and the batch it is measured with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) layers: u64,
    pub(super) width: u64,
    pub(super) heads: u64,
    pub(super) hidden: u64,
    pub(super) context: u64,
    pub(super) rows: u64,
    pub(super) vocabulary: u64,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    Train,
    Score,
}

/// How it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// On one thread.
    Alone,
    /// On all threads.
    All,
    /// On one thread, beside as many as there are threads.
    Beside,
}

impl Mode {
    pub(super) const ALL: [Self; 3] = [Self::Alone, Self::All, Self::Beside];
}

impl Work {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Train => "training",
            Self::Score => "scoring",
        }
    }
}

impl Shape {
    pub(super) fn spec(self) -> ModelSpec {
        ModelSpec {
            layers: self.layers,
            width: self.width,
            heads: self.heads,
            kv_heads: self.heads,
            hidden: self.hidden,
            context: self.context,
            vocabulary: self.vocabulary,
            rope_base: 10_000,
            tied: false,
        }
    }

    pub(super) const fn tokens(self) -> u64 {
        self.rows * self.context
    }
}

/// Measures the seconds of a step: the median of those that fit into `time`, of at least two.
pub(super) fn seconds(
    shape: Shape,
    work: Work,
    mode: Mode,
    threads: usize,
    time: Duration,
) -> Result<f64, JobError> {
    match mode {
        Mode::Alone => with_threads(1, || steps(shape, work, time, &Barrier::new(1)))?,
        Mode::All => with_threads(threads, || steps(shape, work, time, &Barrier::new(1)))?,
        Mode::Beside => {
            let barrier = Barrier::new(threads);
            let measured = thread::scope(|scope| {
                let beside = || with_threads(1, || steps(shape, work, time, &barrier));
                let running: Vec<_> = (0..threads).map(|_| scope.spawn(beside)).collect();
                let ended = running.into_iter().map(thread::ScopedJoinHandle::join);
                ended.collect::<Vec<_>>()
            });
            let mut sum = 0.0;
            for one in measured {
                let panicked = |_| JobError::Panicked("a measurement broke off".to_owned());
                sum += one.map_err(panicked)???;
            }
            Ok(sum / threads as f64)
        }
    }
}

/// Takes steps for a time, all who measure at once from the same moment on.
fn steps(shape: Shape, work: Work, time: Duration, barrier: &Barrier) -> Result<f64, JobError> {
    let (config, inputs, targets) = prepared(shape);
    barrier.wait();
    let mut trainer = Trainer::new(&config)?;
    let batch = Batch {
        inputs: &inputs,
        targets: &targets,
        length: shape.context as usize,
    };
    let mut step = || -> Result<f64, JobError> {
        let began = Instant::now();
        match work {
            Work::Train => drop(trainer.step(&batch)?),
            Work::Score => {
                let scored = trainer.model().negative_log_likelihood(&batch);
                scored.map_err(TrainError::from)?;
            }
        }
        Ok(began.elapsed().as_secs_f64())
    };
    // The first one pays for pages of memory that the others use again.
    step()?;
    let began = Instant::now();
    let mut taken = Vec::new();
    while taken.len() < 2 || began.elapsed() < time {
        taken.push(step()?);
    }
    taken.sort_by(f64::total_cmp);
    Ok(taken[taken.len() / 2])
}

/// A training of a size, and the inputs and targets of its batches.
pub(super) fn prepared(shape: Shape) -> (TrainConfig, Vec<u32>, Vec<u32>) {
    let config = TrainConfig {
        model: model_config(&shape.spec()),
        optimizer: Optimizer {
            rate: 1e-3,
            beta1: 0.9,
            beta2: 0.95,
            eps: 1e-8,
            weight_decay: 0.1,
            clip: 1.0,
        },
        schedule: Schedule::Constant { warmup: 0 },
        batch: shape.rows as usize,
        micro_batch: None,
        steps: u64::MAX,
        seed: 1,
    };
    // Any tokens will do: the time does not depend on them.
    let mut state = 1_u64;
    let mut token = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        ((state >> 33) % shape.vocabulary) as u32
    };
    let tokens: Vec<u32> = (0..=shape.tokens()).map(|_| token()).collect();
    let (inputs, targets) = (&tokens[..tokens.len() - 1], &tokens[1..]);
    (config, inputs.to_vec(), targets.to_vec())
}
