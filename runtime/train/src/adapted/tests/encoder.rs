//! Models with an encoder of their own: pixels for features, and training from end to end.

use super::{MARKER, adapted, check_slopes, course};
use crate::adapted::{
    AdaptTrainer, Adapted, AdaptedInference, Example, Parts, Prompt, Question, Sight,
};
use crate::course::Trained;
use crate::model::Start;
use crate::ops::Activation;
use crate::vision::{Encoder, Family, Features, Layer, VisionConfig};
use crate::{Activations, with_threads};

const FAMILIES: [Family; 4] = [Family::Clip, Family::Dinov2, Family::Mae, Family::Vit];
pub(super) const ALL: Parts = Parts {
    projector: true,
    model: true,
    encoder: true,
};

/// An encoder as if trained, of images of 3·6·6 numbers; the projector's width is told.
pub(super) fn encoder(family: Family, width: usize) -> Encoder {
    trained(family, width, false)
}

fn trained(family: Family, width: usize, gated: bool) -> Encoder {
    let config = VisionConfig {
        family,
        layers: 2,
        width,
        heads: 2,
        hidden: if gated { 8 } else { 7 },
        gated,
        patch: 2,
        image: 6,
        activation: Activation::Gelu,
        norm_eps: 1e-5,
    };
    let mut encoder = Encoder::initial(&config, 9).expect("a sound shape");
    let weights = &mut encoder.weights;
    for index in 0..Trained::len(weights) {
        let start = Trained::slab(weights, index).start;
        for (at, x) in Trained::values_mut(weights, index).iter_mut().enumerate() {
            match start {
                Start::Zeros => *x = 0.2 * (at as f32 + 0.5).sin(),
                Start::Normal(_) => *x *= 12.0,
                _ => *x *= 1.0 + 0.3 * (at as f32).cos(),
            }
        }
    }
    encoder
}

/// An adapted model with an encoder of a family; its projector reads vectors of 4 numbers.
pub(super) fn seeing(family: Family, layer: Layer) -> Adapted {
    looking(encoder(family, 4), layer)
}

fn looking(encoder: Encoder, layer: Layer) -> Adapted {
    let blind = adapted(2);
    let config = crate::adapted::ProjectorConfig {
        features: 4,
        ..blind.projector().config().clone()
    };
    let projector = crate::adapted::Projector::initial(&config, 3).expect("a sound shape");
    let mut adapted =
        Adapted::new(blind.model().clone(), projector, MARKER).expect("they fit together");
    for index in 0..Trained::len(&adapted.projector.weights) {
        let values = Trained::values_mut(&mut adapted.projector.weights, index);
        for x in values {
            *x *= 20.0;
        }
    }
    let adapted = adapted.with_encoder(encoder, layer);
    adapted.expect("they fit together")
}

fn pixels(images: usize, seed: usize) -> Vec<f32> {
    let number = |i: usize| ((i + 11 * seed) * 37 % 101) as f32 / 50.0 - 1.0;
    (0..images * 108).map(number).collect()
}

/// Texts with one image, none and two.
pub(super) struct Texts(Vec<(Vec<u32>, Vec<bool>, Vec<f32>)>);

impl Texts {
    pub(super) fn new() -> Self {
        let image = [MARKER; 4];
        let texts: [(Vec<u32>, usize); 3] = [
            ([&[1, 2][..], &image, &[3, 4, 5]].concat(), 1),
            (vec![1, 7, 8, 9, 2], 0),
            ([&image[..], &[3], &image, &[6, 6, 1, 2, 3]].concat(), 2),
        ];
        let texts = texts.into_iter().enumerate();
        let texts = texts.map(|(seed, (tokens, images))| {
            let first = tokens.len() - 2;
            let answer = (0..tokens.len()).map(|at| at >= first).collect();
            (tokens, answer, pixels(images, seed))
        });
        Self(texts.collect())
    }

    pub(super) fn examples(&self) -> Vec<Example<'_>> {
        let texts = self.0.iter();
        texts
            .map(|(tokens, answer, pixels)| Example {
                tokens,
                answer,
                sight: Sight::Pixels(pixels),
            })
            .collect()
    }
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

#[test]
fn pixels_and_features_are_the_same_bits_to_it() {
    for family in FAMILIES {
        for layer in [Layer::Last, Layer::FromEnd(2), Layer::FromEnd(3)] {
            let adapted = seeing(family, layer);
            let of = Features {
                layer,
                class: false,
            };
            let own = adapted.encoder().expect("it was given one");
            let asked = AdaptedInference::new(&adapted);
            for (tokens, answer, pixels) in &Texts::new().0 {
                let features = match pixels.as_slice() {
                    [] => Vec::new(),
                    pixels => own.features(pixels, of).expect("whole images"),
                };
                let sights = [Sight::Pixels(pixels), Sight::Features(&features)];
                let [seen, given] = sights.map(|sight| {
                    let logits = adapted.logits(tokens, sight).expect("they fit");
                    let example = Example {
                        tokens,
                        answer,
                        sight,
                    };
                    let losses = adapted.losses(&[example]).expect("they fit");
                    let question = Question {
                        prompt: Prompt { tokens, sight },
                        options: &[&[1, 2], &[3]],
                    };
                    let scores = asked.score(&[question], 1).expect("they fit");
                    let scores: Vec<u64> = scores
                        .iter()
                        .flatten()
                        .flatten()
                        .chain(&losses)
                        .map(|score| score.to_bits())
                        .collect();
                    (bits(&logits), scores)
                });
                assert!(seen == given, "{family:?} {layer:?}");
            }
        }
    }
}

#[test]
fn gradients_of_encoders_are_slopes_of_the_loss() {
    let texts = Texts::new();
    let plain = FAMILIES.map(|family| (family, false));
    for (family, gated) in plain.into_iter().chain([(Family::Dinov2, true)]) {
        for layer in [Layer::Last, Layer::FromEnd(2)] {
            let mut adapted = looking(trained(family, 4, gated), layer);
            let [_, encoder] = adapted.begins();
            let example = &texts.examples()[2];
            let what = format!("{family:?} {layer:?}, gated {gated}");
            check_slopes(&what, &mut adapted, example, |index| index >= encoder);
        }
    }
}

#[test]
fn a_frozen_part_changes_no_bit_of_the_other_gradients() {
    let (adapted, texts) = (seeing(Family::Dinov2, Layer::Last), Texts::new());
    let [decoder, encoder] = adapted.begins();
    let of = |wanted: fn(usize, [usize; 2]) -> bool, activations| {
        let example = &texts.examples()[2];
        let shard = adapted.shard(example, 2, activations, |index| {
            wanted(index, [decoder, encoder])
        });
        shard.expect("memory").gradients
    };
    let all = of(|_, _| true, Activations::Kept);
    let wishes: [fn(usize, [usize; 2]) -> bool; 5] = [
        |index, [decoder, _]| index < decoder,
        |index, [decoder, encoder]| (decoder..encoder).contains(&index),
        |index, [_, encoder]| index >= encoder,
        // A layer without its bias, a gain without its norm's input, and the like.
        |index, _| index % 3 == 1,
        |_, _| false,
    ];
    for wanted in wishes {
        for activations in [Activations::Kept, Activations::Recomputed] {
            let some = of(wanted, activations);
            assert_eq!(some.len(), all.len());
            for (index, (some, all)) in some.iter().zip(&all).enumerate() {
                if wanted(index, [decoder, encoder]) {
                    assert!(bits(some) == bits(all), "slab {index}");
                } else {
                    assert!(some.is_empty(), "slab {index}");
                }
            }
        }
    }
}

#[test]
fn bits_of_whole_training_do_not_depend_on_threads_company_or_an_interruption() {
    let texts = Texts::new();
    let new = || {
        let adapted = seeing(Family::Clip, Layer::FromEnd(2));
        AdaptTrainer::new(&course(), adapted, ALL).expect("sound settings")
    };
    let batch: Vec<Example> = (0..4).flat_map(|_| texts.examples()).collect();
    let run = |threads, activations, interrupted: bool| {
        let train = || {
            let mut one = new();
            for step in 0..4 {
                if interrupted && step == 2 {
                    let state = one.save().expect("memory");
                    one = new();
                    one.load(&state).expect("what was saved");
                }
                one.set_activations(activations);
                one.step(&batch).expect("a sound step");
            }
            one.save().expect("memory")
        };
        with_threads(threads, train).expect("a small pool")
    };
    let whole = run(1, Activations::Kept, false);
    assert!(run(3, Activations::Kept, false) == whole, "threads");
    assert!(run(2, Activations::Kept, true) == whole, "an interruption");
    assert!(
        run(1, Activations::Recomputed, false) == whole,
        "recomputing"
    );
    let adapted = seeing(Family::Clip, Layer::FromEnd(2));
    let together = adapted.losses(&texts.examples()).expect("they fit");
    for (example, together) in texts.examples().iter().zip(together) {
        let alone = adapted.losses(&[*example]).expect("it fits");
        assert_eq!(alone[0].to_bits(), together.to_bits(), "company");
    }
}

#[test]
fn of_an_encoder_only_what_is_used_is_moved() {
    let texts = Texts::new();
    let only = Parts {
        projector: false,
        model: false,
        encoder: true,
    };
    for (family, unused) in [
        // The last block of two and the last norm.
        (Family::Clip, &["encoder.layers.1.", "post_layernorm."][..]),
        (
            Family::Dinov2,
            &["encoder.layer.1.", "layernorm.", "embeddings.mask_token"],
        ),
        // Its positions are fixed.
        (
            Family::Mae,
            &["encoder.layer.1.", "layernorm.", "embeddings.position"],
        ),
        (Family::Vit, &["encoder.layer.1.", "layernorm."]),
    ] {
        let before = seeing(family, Layer::FromEnd(2));
        let mut one = AdaptTrainer::new(&course(), before.clone(), only).expect("sound settings");
        let begins = one.save().expect("memory");
        one.step(&texts.examples()).expect("a sound step");
        let [old, new] = [&before, one.adapted()].map(|adapted| {
            let own = adapted.encoder().expect("it was given one");
            own.weights.clone()
        });
        for index in 0..Trained::len(&old) {
            let name = &Trained::slab(&old, index).parts[0].name;
            let stays = Trained::values(&old, index) == Trained::values(&new, index);
            let is_unused = unused.iter().any(|start| name.starts_with(start));
            assert_eq!(stays, is_unused, "{family:?} {name}");
        }
        let bytes = |adapted: &Adapted| adapted.model().encode().expect("memory");
        assert!(bytes(one.adapted()) == bytes(&before), "the decoder");
        assert!(one.save().expect("memory") != begins, "the state");
    }
}
