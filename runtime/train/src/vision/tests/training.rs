//! Contrastive training and masked autoencoding.

use std::fs;

use serde::Deserialize;

use super::{fixture, pixels, tiny};
use crate::checkpoint::Reader;
use crate::course::{Joined, Trained};
use crate::model::Start;
use crate::ops::Activation;
use crate::vision::mask::Masked;
use crate::vision::{
    ContrastiveConfig, ContrastiveTrainer, Encoder, Family, MaskedConfig, MaskedTrainer,
    TextConfig, VisionConfig, VisionError,
};
use crate::weights::Weights;
use crate::{Course, Optimizer, Schedule, TrainError, with_threads};

fn course(steps: u64) -> Course {
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

fn masked() -> MaskedConfig {
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

fn contrastive() -> ContrastiveConfig {
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

const WORDS: [&str; 4] = ["cat", "a dog", "tree", "a house on a hill"];

/// Images [n, 3, 6, 6], each of stripes of its own.
fn images(n: usize) -> Vec<f32> {
    let pixel = |image: usize, at: usize| {
        let (line, column) = (at % 36 / 6, at % 6);
        let phase = ((image + 1) * line + (image / 2) * column + at / 36) as f32;
        (0.9 * phase).sin()
    };
    (0..n)
        .flat_map(|image| (0..108).map(move |at| pixel(image, at)))
        .collect()
}

/// Makes weights as large as trained ones.
fn disturb(parameters: &mut Joined) {
    for index in 0..parameters.len() {
        let slab = parameters.slab(index);
        let (is_bias, decays) = (slab.start == Start::Zeros, slab.decays());
        for (at, x) in parameters.values_mut(index).iter_mut().enumerate() {
            if is_bias {
                *x = 0.2 * (at as f32 + 0.5).sin();
            } else if decays {
                *x *= 15.0;
            }
        }
    }
}

/// Compares gradients with central differences of the loss, a few of each slab.
fn check_gradients<T>(
    what: &mut T,
    gradients: &[Vec<f32>],
    loss: impl Fn(&T) -> f64,
    value: impl for<'a> Fn(&'a mut T, usize, usize) -> &'a mut f32,
    trains: impl Fn(usize) -> bool,
) {
    const STEP: f32 = 2e-3;
    for (index, gradient) in gradients
        .iter()
        .enumerate()
        .filter(|(index, _)| trains(*index))
    {
        let size = gradient.iter().fold(0.02_f32, |size, g| size.max(g.abs()));
        for at in (0..gradient.len()).step_by(gradient.len().div_ceil(7)) {
            let kept = *value(what, index, at);
            let mut moved = |offset: f32| {
                *value(what, index, at) = kept + offset;
                loss(what)
            };
            let mut difference = |step: f32| (moved(step) - moved(-step)) / (2.0 * f64::from(step));
            // Two differences, so that the error is of the fourth order.
            let (near, far) = (difference(STEP), difference(2.0 * STEP));
            let slope = ((4.0 * near - far) / 3.0) as f32;
            *value(what, index, at) = kept;
            let error = (gradient[at] - slope).abs() / size;
            assert!(
                error < 1e-2,
                "slab {index}[{at}]: {} is not {slope} (scale {size})",
                gradient[at]
            );
        }
    }
}

/// The loss that `transformers` gave, and for what.
#[derive(Deserialize)]
struct ExpectedMasked {
    seen: Vec<Vec<usize>>,
    loss: f64,
}

/// A trainer with the recorded weights, and what `transformers` gave.
fn recorded_masked() -> (MaskedTrainer, Vec<Masked>, f64) {
    let folder = fixture("masked");
    let text = fs::read(folder.join("expected.json")).expect("recorded");
    let expected: ExpectedMasked = serde_json::from_slice(&text).expect("recorded");
    let mut one = MaskedTrainer::new(&masked(), &course(9)).expect("sound settings");
    let bytes = fs::read(folder.join("model.safetensors")).expect("recorded");
    let bytes = &bytes[..];
    let file = Reader::new(&bytes).expect("a sound file");
    one.encoder = Encoder::read(&folder).expect("a sound folder");
    assert_eq!(one.encoder.config(), &masked().encoder);
    one.decoder = Weights::read(masked().layout(), &file, "").expect("all tensors");
    let masks = expected.seen.into_iter().map(|seen| Masked {
        hidden: (0..9).filter(|patch| !seen.contains(patch)).collect(),
        seen,
    });
    let masks = masks.collect();
    (one, masks, expected.loss)
}

#[test]
fn the_loss_of_masked_patches_is_that_of_transformers() {
    let (one, masks, expected) = recorded_masked();
    let (loss, _) = one.gradients(&pixels(2), &masks).expect("memory");
    assert!((loss - expected).abs() < 1e-5, "{loss} is not {expected}");
}

#[test]
fn gradients_of_masked_patches_are_slopes() {
    let (mut one, masks, _) = recorded_masked();
    let (_, gradients) = one.gradients(&pixels(2), &masks).expect("memory");
    let fixed: Vec<bool> = {
        let (joined, _) = one.parts();
        (0..joined.len())
            .map(|index| joined.slab(index).trains())
            .collect()
    };
    assert_eq!(fixed.iter().filter(|trains| !**trains).count(), 1);
    let first = Trained::len(&one.encoder.weights);
    check_gradients(
        &mut one,
        &gradients,
        |one| one.gradients(&pixels(2), &masks).expect("memory").0,
        |one, index, at| match index.checked_sub(first) {
            None => &mut Trained::values_mut(&mut one.encoder.weights, index)[at],
            Some(index) => &mut Trained::values_mut(&mut one.decoder, index)[at],
        },
        |index| fixed[index],
    );
}

#[derive(Deserialize)]
struct ExpectedPairs {
    texts: Vec<String>,
    images: Vec<f32>,
    of_texts: Vec<f32>,
    loss: f64,
}

#[test]
fn vectors_and_loss_of_pairs_are_those_of_transformers() {
    let folder = fixture("contrastive");
    let text = fs::read(folder.join("expected.json")).expect("recorded");
    let expected: ExpectedPairs = serde_json::from_slice(&text).expect("recorded");
    let mut one = ContrastiveTrainer::new(&contrastive(), &course(9)).expect("sound settings");
    let bytes = fs::read(folder.join("model.safetensors")).expect("recorded");
    let bytes = &bytes[..];
    let file = Reader::new(&bytes).expect("a sound file");
    one.encoder = Encoder::read(&folder).expect("a whole CLIP model");
    assert_eq!(one.encoder.config(), &contrastive().encoder);
    one.text = Weights::read(contrastive().text.layout(), &file, "").expect("all tensors");
    let heads = (0..3).map(|index| one.heads.slab(index).clone()).collect();
    one.heads = Weights::read(heads, &file, "").expect("all tensors");
    let texts: Vec<&str> = expected.texts.iter().map(String::as_str).collect();
    let vectors = one.embed_images(&pixels(3)).expect("whole images");
    super::assert_close("images", &vectors, &expected.images);
    super::assert_close("texts", &one.embed_texts(&texts), &expected.of_texts);
    let (loss, _) = one.gradients(&pixels(3), &texts).expect("pairs");
    assert!(
        (loss - expected.loss).abs() < 1e-5,
        "{loss} is not {}",
        expected.loss
    );
}

#[test]
fn gradients_of_pairs_are_slopes() {
    let mut one = ContrastiveTrainer::new(&contrastive(), &course(9)).expect("sound settings");
    disturb(&mut one.parts().0);
    // A scale as at the end of training would make slopes too steep for differences.
    Trained::values_mut(&mut one.heads, 2)[0] = 0.5;
    let of = |one: &ContrastiveTrainer| one.gradients(&images(4), &WORDS).expect("pairs");
    let (_, gradients) = of(&one);
    let first = Trained::len(&one.encoder.weights);
    let second = first + Trained::len(&one.text);
    check_gradients(
        &mut one,
        &gradients,
        |one| of(one).0,
        |one, index, at| {
            let values = match index {
                index if index < first => Trained::values_mut(&mut one.encoder.weights, index),
                index if index < second => Trained::values_mut(&mut one.text, index - first),
                index => Trained::values_mut(&mut one.heads, index - second),
            };
            &mut values[at]
        },
        |_| true,
    );
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
