//! Contrastive training and masked autoencoding.

use super::tiny;
use crate::course::Trained;
use crate::ops::Activation;
use crate::vision::{
    ContrastiveConfig, ContrastiveTrainer, Family, MaskedConfig, MaskedTrainer, TextConfig,
    VisionConfig, VisionError,
};
use crate::{Course, Optimizer, Schedule, TrainError, with_threads};

pub(super) fn course(steps: u64) -> Course {
    Course {
        optimizer: Optimizer {
            rate: 1e-2,
            beta1: 0.9,
            beta2: 0.95,
            eps: 1e-8,
            weight_decay: 0.05,
            clip: 1.0,
        },
        schedule: Schedule::Cosine {
            warmup: 3,
            floor: 0.1,
        },
        steps,
        seed: 7,
    }
}

pub(super) fn masked() -> MaskedConfig {
    MaskedConfig {
        encoder: VisionConfig {
            layers: 1,
            norm_eps: 1e-12,
            ..tiny(Family::Mae)
        },
        layers: 1,
        width: 4,
        heads: 1,
        hidden: 6,
        mask: 0.6,
    }
}

pub(super) fn contrastive() -> ContrastiveConfig {
    ContrastiveConfig {
        encoder: VisionConfig {
            layers: 1,
            width: 4,
            heads: 1,
            hidden: 6,
            patch: 3,
            activation: Activation::QuickGelu,
            norm_eps: 1e-5,
            ..tiny(Family::Clip)
        },
        text: TextConfig {
            layers: 1,
            width: 4,
            heads: 1,
            hidden: 6,
            context: 7,
        },
        embedding: 5,
    }
}

pub(super) const WORDS: [&str; 4] = ["cat", "a dog", "tree", "a house on a hill"];

/// Images [n, 3, 6, 6], each of stripes of its own.
pub(super) fn images(n: usize) -> Vec<f32> {
    let pixel = |image: usize, at: usize| {
        let (line, column) = (at % 36 / 6, at % 6);
        let phase = ((image + 1) * line + (image / 2) * column + at / 36) as f32;
        (0.9 * phase).sin()
    };
    (0..n)
        .flat_map(|image| (0..108).map(move |at| pixel(image, at)))
        .collect()
}

#[test]
fn pairs_are_learned() {
    let mut one = ContrastiveTrainer::new(&contrastive(), &course(150)).expect("sound settings");
    let mut step = || one.step(&images(4), &WORDS).expect("a sound step").loss;
    let first = step();
    let last = (1..150).map(|_| step()).last().expect("steps");
    assert!(first > 1.0 && last < 0.2, "from {first} to {last}");
}

#[test]
fn hidden_patches_are_learned() {
    let config = MaskedConfig {
        width: 16,
        heads: 2,
        hidden: 32,
        encoder: VisionConfig {
            width: 16,
            hidden: 32,
            ..masked().encoder
        },
        ..masked()
    };
    let mut one = MaskedTrainer::new(&config, &course(300)).expect("sound settings");
    let mut step = || one.step(&images(4)).expect("a sound step").loss;
    let first = step();
    let last = (1..300).map(|_| step()).fold((0.0, 0), |(sum, n), loss| {
        if n >= 279 {
            (sum + loss / 20.0, n + 1)
        } else {
            (sum, n + 1)
        }
    });
    assert!(
        first > 0.8 && last.0 < 0.5 * first,
        "from {first} to {}",
        last.0
    );
}

#[test]
fn bits_do_not_depend_on_threads_or_on_an_interruption() {
    let run = |threads, interrupted: bool| {
        let run = || {
            let new = || {
                let pairs = ContrastiveTrainer::new(&contrastive(), &course(9));
                let masks = MaskedTrainer::new(&masked(), &course(9));
                (
                    pairs.expect("sound settings"),
                    masks.expect("sound settings"),
                )
            };
            let (mut pairs, mut masks) = new();
            for step in 0..4 {
                if interrupted && step == 2 {
                    let states = (pairs.save().expect("memory"), masks.save().expect("memory"));
                    (pairs, masks) = new();
                    pairs.load(&states.0).expect("what was saved");
                    masks.load(&states.1).expect("what was saved");
                    assert_eq!((pairs.steps_done(), masks.steps_done()), (2, 2));
                }
                pairs.step(&images(4), &WORDS).expect("a sound step");
                masks.step(&images(4)).expect("a sound step");
            }
            (pairs.save().expect("memory"), masks.save().expect("memory"))
        };
        with_threads(threads, run).expect("a small pool")
    };
    let whole = run(1, false);
    assert!(run(3, false) == whole, "threads change bits");
    assert!(run(2, true) == whole, "an interruption changes bits");
}

#[test]
fn fixed_positions_stay() {
    let mut one = MaskedTrainer::new(&masked(), &course(9)).expect("sound settings");
    let positions = |one: &MaskedTrainer| {
        let weights = &one.encoder.weights;
        let slab = (0..weights.len()).find(|index| !weights.slab(*index).trains());
        weights.values(slab.expect("fixed positions")).to_vec()
    };
    let before = positions(&one);
    one.step(&images(2)).expect("a sound step");
    assert_eq!(positions(&one), before);
}

#[test]
fn what_cannot_be_trained_is_refused_by_name() {
    let mut pairs = ContrastiveTrainer::new(&contrastive(), &course(9)).expect("sound settings");
    let error = pairs.step(&images(3), &WORDS).expect_err("a text too many");
    assert_eq!(
        error.to_string(),
        "3 images and 4 texts; give one text for each image"
    );
    let before = pairs.save().expect("memory");
    let mut broken = images(4);
    broken[5] = f32::NAN;
    let error = pairs.step(&broken, &WORDS).expect_err("no number");
    assert!(matches!(
        error,
        VisionError::Train(TrainError::Diverged { .. })
    ));
    assert!(pairs.save().expect("memory") == before);

    let other = MaskedConfig {
        encoder: tiny(Family::Dinov2),
        ..masked()
    };
    let error = MaskedTrainer::new(&other, &course(9)).expect_err("another family");
    assert!(error.to_string().contains("`Dinov2`"), "{error}");
    let other = MaskedConfig {
        mask: 0.95,
        ..masked()
    };
    let error = MaskedTrainer::new(&other, &course(9)).expect_err("nothing is seen");
    assert!(
        error.to_string().contains("0 of 9 patches are seen"),
        "{error}"
    );
}
