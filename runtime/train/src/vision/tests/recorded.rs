//! Losses of training against recorded ones of `transformers`, and their gradients.

use std::fs;

use serde::Deserialize;

use super::training::{WORDS, contrastive, course, images, masked};
use super::{assert_close, fixture, pixels};
use crate::checkpoint::Reader;
use crate::course::{Joined, Trained};
use crate::model::Start;
use crate::vision::mask::Masked;
use crate::vision::{ContrastiveTrainer, Encoder, MaskedTrainer};
use crate::weights::Weights;

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
    assert_close("images", &vectors, &expected.images);
    assert_close("texts", &one.embed_texts(&texts), &expected.of_texts);
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
