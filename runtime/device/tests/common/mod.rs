//! Small runs for tests.

use vpc_train::{Batch, ModelConfig, Optimizer, Schedule, TrainConfig};

/// Grouped queries, odd sizes.
pub(crate) fn run(tied: bool) -> TrainConfig {
    TrainConfig {
        model: ModelConfig {
            layers: 2,
            width: 24,
            heads: 4,
            kv_heads: 2,
            hidden: 37,
            context: 16,
            vocabulary: 29,
            rope_base: 10_000.0,
            norm_eps: 1e-5,
            tied,
        },
        optimizer: Optimizer {
            rate: 3e-3,
            beta1: 0.9,
            beta2: 0.95,
            eps: 1e-8,
            weight_decay: 0.1,
            clip: 1.0,
        },
        schedule: Schedule::Constant { warmup: 5 },
        batch: 4,
        micro_batch: None,
        steps: 100,
        seed: 7,
    }
}

/// Inputs and targets of a step: a sequence that can be learnt, and some noise.
pub(crate) fn tokens(config: &TrainConfig, step: usize, length: usize) -> (Vec<u32>, Vec<u32>) {
    let vocabulary = config.model.vocabulary as u32;
    let mut all = Vec::new();
    for row in 0..config.batch {
        let mut token = (step * 7 + row * 3) as u32 % vocabulary;
        for place in 0..=length {
            all.push(token);
            let noise = u32::from((step + row * 5 + place * 11).is_multiple_of(9));
            token = (token * 5 + 3 + noise) % vocabulary;
        }
    }
    let rows = || all.chunks(length + 1);
    (
        rows().flat_map(|row| &row[..length]).copied().collect(),
        rows().flat_map(|row| &row[1..]).copied().collect(),
    )
}

/// The batch of a step, handed to `take`.
pub(crate) fn with_batch<R>(
    config: &TrainConfig,
    step: usize,
    length: usize,
    take: impl FnOnce(&Batch) -> R,
) -> R {
    let (inputs, targets) = tokens(config, step, length);
    take(&Batch {
        inputs: &inputs,
        targets: &targets,
        length,
    })
}
