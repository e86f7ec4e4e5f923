//! Jobs counted by hand.

#![expect(clippy::float_cmp, reason = "whole numbers, exact in floats")]

use std::sync::Arc;

use vpc_compiler::plan::{
    Activation, EncoderWeights, Family, Fraction, Mlp, ModelSpec, Modules, Projector,
    ScheduleShape, ScheduleSpec, Sight,
};

use super::*;

/// Width 4, one layer, hidden 2, vocabulary 5: 64 + 24 + 20 = 108 weights of products.
fn model() -> ModelSpec {
    ModelSpec {
        layers: 1,
        width: 4,
        heads: 1,
        kv_heads: 1,
        hidden: 2,
        context: 1000,
        vocabulary: 5,
        rope_base: 10_000,
        tied: false,
    }
}

/// Width 2, one layer, hidden 8, patches of 1 of pictures of 2: 16 + 32 + 6 = 54 weights, 5 tokens.
fn encoder() -> EncoderTask {
    EncoderTask {
        family: Family::Clip,
        layers: 1,
        width: 2,
        heads: 1,
        hidden: 8,
        mlp: Mlp::Plain,
        patch: 1,
        image: 2,
        weights: EncoderWeights::Initial { seed: 0 },
    }
}

fn adapted(train: Modules, sight: bool) -> StageTask {
    StageTask {
        model: Arc::new(model()),
        sight: sight.then_some(Sight {
            projector: Projector {
                layers: 2,
                width: None,
                activation: Activation::Gelu,
            },
            visual_tokens: 44,
            layer: None,
        }),
        train,
        items: 10,
        epochs: 1,
        batch: 5,
        steps: 2,
        rate: Fraction::ZERO,
        schedule: ScheduleSpec {
            shape: ScheduleShape::Constant,
            warmup: 0,
            decay: 0,
            floor: Fraction::ZERO,
        },
        weight_decay: Fraction::ZERO,
        seed: 0,
        template: None,
    }
}

#[test]
fn a_frozen_model_has_no_gradients_of_weights() {
    // 300 tokens an item; attention 4 · 4 · 300 forwards, three times; the encoder 5 · (2 · 54 +
    // 4 · 2 · 5) once; the projector 2 · 4 + 4 · 4 = 24 weights for 44 tokens, three times.
    let train = Modules {
        projector: true,
        ..Modules::default()
    };
    let attention = 300.0 * 3.0 * 4800.0;
    let looked = 5.0 * (108.0 + 40.0);
    let projected = 44.0 * 2.0 * 24.0 * 3.0;
    let read = 300.0 * 2.0 * 108.0 * 2.0;
    let work = stage(&adapted(train, true), Some(&encoder()), None);
    assert_eq!(work.flops, 10.0 * (attention + looked + projected + read));
    // What was looked up is not looked at again.
    let looked_up = stage(&adapted(train, true), None, Some(&encoder()));
    assert_eq!(looked_up.flops, 10.0 * (attention + projected + read));
    // What is trained alone is kept, with its optimiser.
    assert_eq!(work.disk, 24.0 * 12.0);
    // The frozen rest is weights alone: 108 of products, 20 of the embedding, 12 gains; 54 that see.
    assert_eq!(work.memory.state, 24.0 * 16.0 + (140.0 + 54.0) * 2.0);
}

#[test]
fn a_trained_model_is_passed_three_times_and_a_blind_one_sees_nothing() {
    let train = Modules {
        model: true,
        ..Modules::default()
    };
    let blind = stage(&adapted(train, false), None, None);
    let per_item = 256.0 * 3.0 * (2.0 * 108.0 + 16.0 * 256.0);
    assert_eq!(blind.flops, 10.0 * per_item);
    assert_eq!((blind.steps, blind.widest), (2, 1));
}

#[test]
fn training_is_steps_times_tokens_times_three_passes() {
    let task = PretrainTask {
        model: ModelSpec {
            context: 2,
            ..model()
        },
        shares: Vec::new(),
        tokens: 60,
        batch: 3,
        steps: 10,
        schedule: adapted(Modules::default(), false).schedule,
        rate: Fraction::ZERO,
        weight_decay: Fraction::ZERO,
        beta1: Fraction::ZERO,
        beta2: Fraction::ZERO,
        precision: vpc_compiler::plan::Precision::F32,
        clip: Fraction::ZERO,
        micro_batch: None,
        recompute: vpc_compiler::plan::Operation::new(false),
        seed: 0,
        keep: vpc_compiler::plan::Operation::new(vec![5, 10]),
        max_epochs: vpc_compiler::plan::Operation::new(None),
    };
    // 6 tokens a step, 3 · (216 + 32) FLOPs each: see `flops`.
    let whole = pretrain(&task, 0);
    assert_eq!(whole.flops, 10.0 * 6.0 * 744.0);
    // The result, and the checkpoint half-way.
    assert_eq!(whole.disk, 2.0 * 12.0 * whole.parameters as f64);
    let rest = pretrain(&task, 4);
    assert_eq!((rest.steps, rest.flops), (6, 6.0 * 6.0 * 744.0));
    let (trunk, end) = whole.split(4);
    assert_eq!((trunk.steps, end.steps), (4, 6));
    assert_eq!(trunk.flops + end.flops, whole.flops);
    // One more pass of the blocks, without the head's 2 · 16 · 2 FLOPs or so; see `flops`.
    let again = PretrainTask {
        recompute: vpc_compiler::plan::Operation::new(true),
        ..task.clone()
    };
    let again = pretrain(&again, 0);
    let head = 2.0 * (task.model.vocabulary * task.model.width) as f64;
    assert_eq!(again.flops, 10.0 * 6.0 * (744.0 + 248.0 - head));
    assert!(again.memory.thread < whole.memory.thread || task.model.layers < 2);
    // A sequence at a time takes less than three.
    let fewer = PretrainTask {
        micro_batch: Some(1),
        ..task
    };
    assert!(pretrain(&fewer, 0).memory.thread < whole.memory.thread);
}

#[test]
fn a_gated_mlp_has_three_matrices() {
    // 16 for attention, 6 for patches, and 16 for each matrix of the MLP.
    let gated = EncoderTask {
        family: Family::Dinov2,
        mlp: Mlp::Gated,
        ..encoder()
    };
    let task = FeaturesTask { layer: 1, items: 1 };
    let weights = |of| features(&task, Some(of)).parameters;
    assert_eq!((weights(&encoder()), weights(&gated)), (54, 70));
}
