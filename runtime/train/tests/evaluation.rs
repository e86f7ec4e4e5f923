//! Scoring: independent of the batch, of threads, and consistent with logits.

mod common;

use common::{advance, model, run, tokens};
use vpc_train::{Batch, BatchError, Model, ModelConfig, Trainer, with_threads};

fn trained(shape: ModelConfig) -> Trainer {
    let config = run(shape);
    let mut trainer = Trainer::new(&config).expect("a sound configuration");
    advance(&mut trainer, &config, 3);
    trainer
}

#[test]
fn likelihood_of_a_row_does_not_depend_on_its_batch() {
    let trainer = trained(model());
    for length in [1, 2, 13, 64, 70] {
        let (inputs, targets) = tokens(&model(), 7, length, 99);
        let of = |rows: std::ops::Range<usize>| {
            let span = rows.start * length..rows.end * length;
            let batch = Batch {
                inputs: &inputs[span.clone()],
                targets: &targets[span],
                length,
            };
            trainer
                .model()
                .negative_log_likelihood(&batch)
                .expect("a sound batch")
        };
        let alone: f64 = (0..7).map(|row| of(row..row + 1)).sum();
        assert_eq!(of(0..7).to_bits(), alone.to_bits());
        assert_eq!(of(2..3).to_bits(), of(2..3).to_bits());
        let pooled = with_threads(3, || of(0..7)).expect("a small pool can be built");
        assert_eq!(pooled.to_bits(), alone.to_bits());
    }
}

#[test]
fn likelihood_agrees_with_logits_and_with_the_training_loss() {
    for tied in [false, true] {
        let mut trainer = trained(ModelConfig { tied, ..model() });
        let length = 31;
        let (inputs, targets) = tokens(&model(), 4, length, 5);
        let batch = Batch {
            inputs: &inputs,
            targets: &targets,
            length,
        };
        let nats = trainer
            .model()
            .negative_log_likelihood(&batch)
            .expect("a sound batch");
        let logits = trainer
            .model()
            .logits(&inputs, length)
            .expect("a sound batch");
        let from_logits: f64 = logits
            .chunks(301)
            .zip(&targets)
            .map(|(row, &target)| {
                let total: f64 = row.iter().map(|&l| f64::from(l).exp()).sum();
                total.ln() - f64::from(row[target as usize])
            })
            .sum();
        assert!(
            (nats - from_logits).abs() < 1e-6 * nats,
            "{nats} is not {from_logits}"
        );
        let mean = trainer.step(&batch).expect("a sound step").loss;
        let per_token = nats / targets.len() as f64;
        assert!(
            (mean - per_token).abs() < 1e-6 * mean,
            "{mean} is not {per_token}"
        );
    }
}

#[test]
fn a_shorter_row_sees_what_a_longer_one_sees() {
    let trainer = trained(model());
    let (inputs, _) = tokens(&model(), 1, 70, 3);
    let long = trainer.model().logits(&inputs, 70).expect("a sound batch");
    let short = trainer
        .model()
        .logits(&inputs[..20], 20)
        .expect("a sound batch");
    for (a, b) in short.iter().zip(&long) {
        assert!((a - b).abs() < 1e-5, "causal: what follows must not matter");
    }
}

#[test]
fn a_saved_model_scores_the_same() {
    let trainer = trained(ModelConfig {
        tied: true,
        ..model()
    });
    let (bytes, _) = common::files(&trainer);
    let loaded = Model::load(
        &ModelConfig {
            tied: true,
            ..model()
        },
        &bytes,
    )
    .expect("a sound file");
    let (inputs, targets) = tokens(&model(), 3, 40, 8);
    let batch = Batch {
        inputs: &inputs,
        targets: &targets,
        length: 40,
    };
    let of = |model: &Model| {
        model
            .negative_log_likelihood(&batch)
            .expect("a sound batch")
            .to_bits()
    };
    assert_eq!(of(&loaded), of(trainer.model()));
}

#[test]
fn unfit_batches_are_refused() {
    let trainer = Trainer::new(&run(model())).expect("a sound configuration");
    let refused = |inputs: &[u32], targets: &[u32], length| {
        let batch = Batch {
            inputs,
            targets,
            length,
        };
        trainer
            .model()
            .negative_log_likelihood(&batch)
            .expect_err("an unfit batch")
    };
    assert_eq!(refused(&[], &[], 1), BatchError::Empty);
    assert_eq!(refused(&[1], &[1], 0), BatchError::Empty);
    assert_eq!(
        refused(&[1, 2], &[1], 1),
        BatchError::Unpaired {
            inputs: 2,
            targets: 1
        }
    );
    assert_eq!(
        refused(&[1, 2, 3], &[1, 2, 3], 2),
        BatchError::Ragged {
            tokens: 3,
            length: 2
        }
    );
    let long = vec![0; 71];
    assert_eq!(
        refused(&long, &long, 71),
        BatchError::TooLong {
            length: 71,
            context: 70
        }
    );
    let unknown = BatchError::Token {
        token: 301,
        position: 1,
        vocabulary: 301,
    };
    assert_eq!(refused(&[0, 301], &[0, 0], 2), unknown);
    assert_eq!(refused(&[0, 0], &[0, 301], 2), unknown);
    assert_eq!(trainer.model().logits(&[0, 301], 2), Err(unknown));
}
