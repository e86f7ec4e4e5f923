//! Small runs that every test file shares.
#![allow(dead_code, reason = "each test file uses its own share")]

use vpc_train::{Batch, ModelConfig, Optimizer, Schedule, StepReport, TrainConfig, Trainer};

/// A small model with grouped heads, a vocabulary that is not round, and two layers.
pub(crate) fn model() -> ModelConfig {
    ModelConfig {
        layers: 2,
        width: 48,
        heads: 6,
        kv_heads: 2,
        hidden: 100,
        context: 70,
        vocabulary: 301,
        rope_base: 10_000.0,
        norm_eps: 1e-5,
        tied: false,
    }
}

/// A run of that model, with every part of the optimiser at work.
pub(crate) fn run(model: ModelConfig) -> TrainConfig {
    TrainConfig {
        model,
        optimizer: Optimizer {
            rate: 3e-3,
            beta1: 0.9,
            beta2: 0.95,
            eps: 1e-8,
            weight_decay: 0.1,
            clip: 1.0,
        },
        schedule: Schedule::Cosine {
            warmup: 3,
            floor: 0.1,
        },
        batch: 5,
        micro_batch: None,
        steps: 12,
        seed: 11,
    }
}

/// Tokens of step `step`: a noisy walk, so that there is something to learn.
pub(crate) fn tokens(
    config: &ModelConfig,
    rows: usize,
    length: usize,
    step: u64,
) -> (Vec<u32>, Vec<u32>) {
    let mut state = step.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let (mut inputs, mut targets) = (Vec::new(), Vec::new());
    for _ in 0..rows {
        let mut token = next() % config.vocabulary as u64;
        for _ in 0..length {
            inputs.push(token as u32);
            token = if next() % 8 == 0 {
                next()
            } else {
                token * 5 + 3
            } % config.vocabulary as u64;
            targets.push(token as u32);
        }
    }
    (inputs, targets)
}

/// Takes the trainer to `steps` done steps.
pub(crate) fn advance(trainer: &mut Trainer, config: &TrainConfig, steps: u64) -> Vec<StepReport> {
    let length = config.model.context;
    (trainer.steps_done()..steps)
        .map(|step| {
            let (inputs, targets) = tokens(&config.model, config.batch, length, step);
            let batch = Batch {
                inputs: &inputs,
                targets: &targets,
                length,
            };
            trainer.step(&batch).expect("a sound step")
        })
        .collect()
}

/// The bytes of both files.
pub(crate) fn files(trainer: &Trainer) -> (Vec<u8>, Vec<u8>) {
    let (mut model, mut optimizer) = (Vec::new(), Vec::new());
    trainer.save_model(&mut model).expect("memory");
    trainer.save_optimizer(&mut optimizer).expect("memory");
    (model, optimizer)
}
