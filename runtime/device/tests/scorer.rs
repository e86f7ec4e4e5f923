//! Losses by a recorded forward pass on the host device, against the model on the host.

mod common;

use common::{run, tokens};
use vpc_device::program::{BatchShape, Precision};
use vpc_device::{DeviceTrainer, Host, ReadError, Scorer, scorer_memory};
use vpc_train::{Batch, BatchError, Model, TrainConfig};

const SHAPE: BatchShape = BatchShape {
    rows: 3,
    length: 16,
};

/// A model that has learnt a little, so that its losses differ.
fn model(config: &TrainConfig) -> Model {
    let trainer = DeviceTrainer::new(config, Precision::F32, Host::new());
    let mut trainer = trainer.expect("a sound shape");
    for step in 0..10 {
        common::with_batch(config, step, 16, |batch| {
            trainer.step(batch).expect("a step");
        });
    }
    trainer.to_host().expect("numbers").model().clone()
}

fn scorer(model: &Model, precision: Precision) -> Scorer<Host> {
    Scorer::new(model, SHAPE, precision, Host::new()).expect("a sound shape")
}

fn losses(scorer: &mut Scorer<Host>, inputs: &[u32], targets: &[u32], length: usize) -> Vec<f32> {
    let batch = Batch {
        inputs,
        targets,
        length,
    };
    scorer.losses(&batch).expect("losses")
}

#[test]
fn losses_are_those_of_the_model() {
    for tied in [false, true] {
        let config = run(tied);
        let model = model(&config);
        for length in [16, 7, 1] {
            let (inputs, targets) = tokens(&config, 3, length);
            let batch = Batch {
                inputs: &inputs,
                targets: &targets,
                length,
            };
            let theirs = model.negative_log_likelihood(&batch).expect("a sum");
            for (precision, tolerance) in [(Precision::F32, 1e-6), (Precision::Bf16, 5e-3)] {
                let mut scorer = scorer(&model, precision);
                let ours = scorer.negative_log_likelihood(&batch).expect("a sum");
                assert!(
                    (ours - theirs).abs() < tolerance * theirs,
                    "{precision:?}, {length} tokens: {ours} is not {theirs}"
                );
            }
        }
    }
}

#[test]
fn each_loss_is_its_tokens() {
    let config = run(false);
    let model = model(&config);
    let (inputs, targets) = tokens(&config, 5, 9);
    let ours = losses(&mut scorer(&model, Precision::F32), &inputs, &targets, 9);
    let logits = model.logits(&inputs, 9).expect("logits");
    let rows = logits.chunks(config.model.vocabulary).zip(&targets);
    for (ours, (row, target)) in ours.iter().zip(rows) {
        let sum: f64 = row.iter().map(|logit| f64::from(*logit).exp()).sum();
        let exact = sum.ln() - f64::from(row[*target as usize]);
        assert!(
            (f64::from(*ours) - exact).abs() < 1e-5,
            "{ours} is not {exact}"
        );
    }
}

#[test]
fn the_bits_of_a_text_are_its_own() {
    let config = run(true);
    let model = model(&config);
    for precision in [Precision::F32, Precision::Bf16] {
        let mut scorer = scorer(&model, precision);
        let (inputs, targets) = tokens(&config, 1, 11);
        // Four rows in two passes, alone, and in another order.
        let together = losses(&mut scorer, &inputs, &targets, 11);
        let rows = || inputs.chunks(11).zip(targets.chunks(11));
        let alone: Vec<f32> = rows()
            .flat_map(|(inputs, targets)| losses(&mut scorer, inputs, targets, 11))
            .collect();
        assert_eq!(together, alone);
        let back = |all: &[u32]| all.chunks(11).rev().flatten().copied().collect::<Vec<_>>();
        let turned = losses(&mut scorer, &back(&inputs), &back(&targets), 11);
        let turned: Vec<f32> = turned.chunks(11).rev().flatten().copied().collect();
        assert_eq!(together, turned);
        // What follows in a row changes nothing of what stands before.
        let short = losses(&mut scorer, &inputs[..6], &targets[..6], 6);
        assert_eq!(together[..6], short);
    }
}

#[test]
fn memory_is_that_of_weights_and_one_pass() {
    let config = run(false).model;
    let bytes = |rows, precision| {
        let shape = BatchShape { rows, length: 16 };
        scorer_memory(&config, shape, precision).expect("bytes")
    };
    let weights = 4 * config.parameters() as usize;
    assert!(bytes(1, Precision::F32) > weights);
    assert!(bytes(64, Precision::F32) > bytes(1, Precision::F32));
    assert!(bytes(64, Precision::Bf16) < bytes(64, Precision::F32));
    // The same for any number of layers, but for the weights.
    let deep = vpc_train::ModelConfig {
        layers: 4,
        ..config.clone()
    };
    let shape = BatchShape {
        rows: 64,
        length: 16,
    };
    let more = scorer_memory(&deep, shape, Precision::F32).expect("bytes");
    let own = 4 * (deep.parameters() - config.parameters()) as usize;
    // Each matrix begins at a multiple of 256 bytes.
    assert!(more - bytes(64, Precision::F32) <= own + 2 * 6 * 256);
}

#[test]
fn what_does_not_fit_is_refused() {
    let config = run(false);
    let model = model(&config);
    let shape = BatchShape { rows: 2, length: 8 };
    let mut scorer = Scorer::new(&model, shape, Precision::F32, Host::new()).expect("a shape");
    let batch = Batch {
        inputs: &[1; 9],
        targets: &[2; 9],
        length: 9,
    };
    assert!(matches!(
        scorer.losses(&batch),
        Err(ReadError::Batch(BatchError::TooLong { .. }))
    ));
    let batch = Batch {
        inputs: &[29],
        targets: &[0],
        length: 1,
    };
    assert!(matches!(
        scorer.losses(&batch),
        Err(ReadError::Batch(BatchError::Token { .. }))
    ));
}
