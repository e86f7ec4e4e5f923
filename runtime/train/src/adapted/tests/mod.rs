//! Adapted models: against `transformers`, scalar code and finite differences, and what they keep to.

mod encoder;
mod inference;
mod llava;
mod refused;
mod state;
mod training;

use super::{
    AdaptError, AdaptTrainer, Adapted, Example, Parts, Projector, ProjectorConfig, Sight, resize,
};
use crate::course::Trained;
use crate::model::Start;
use crate::ops::Activation;
use crate::{Activations, Course, Model, ModelConfig, Optimizer, Schedule};

const MARKER: u32 = 12;
const BOTH: Parts = Parts {
    projector: true,
    model: true,
    encoder: false,
};

fn adapted(layers: usize) -> Adapted {
    let config = ModelConfig {
        context: 20,
        ..crate::reference::tiny()
    };
    let mut model = Model::initial(&config, 5).expect("a sound shape");
    let config = ProjectorConfig {
        features: 5,
        grid: 3,
        tokens: 4,
        layers,
        width: 7,
        outputs: config.width,
        activation: Activation::Gelu,
    };
    let mut projector = Projector::initial(&config, 5).expect("a sound shape");
    // As if trained: initial weights are so small that nothing depends much on anything.
    for part in [&mut model as &mut dyn Trained, &mut projector.weights] {
        for index in 0..part.len() {
            let slab = part.slab(index);
            let (is_bias, decays) = (slab.start == Start::Zeros, slab.decays());
            for (at, x) in part.values_mut(index).iter_mut().enumerate() {
                if is_bias {
                    *x = 0.3 * (at as f32 + 0.5).sin();
                } else if decays {
                    *x *= 12.0;
                }
            }
        }
    }
    Adapted::new(model, projector, MARKER).expect("they fit")
}

fn features(images: usize, seed: usize) -> Vec<f32> {
    let number = |i: usize| ((i + 7 * seed) * 31 % 97) as f32 / 48.0 - 1.0;
    (0..images * 45).map(number).collect()
}

/// Texts of several lengths, with no image, one and two.
struct Texts(Vec<(Vec<u32>, Vec<bool>, Vec<f32>)>);

impl Texts {
    fn new() -> Self {
        let image = [MARKER; 4];
        let texts: [(Vec<u32>, usize); 4] = [
            ([&[1, 2][..], &image, &[3, 4, 5]].concat(), 1),
            (vec![1, 7, 8, 9, 2], 0),
            ([&image[..], &[3], &image, &[6, 6, 1, 2, 3]].concat(), 2),
            ([&[2][..], &image, &[5, 11]].concat(), 1),
        ];
        let texts = texts.into_iter().enumerate();
        Self(
            texts
                .map(|(seed, (tokens, images))| {
                    let first = tokens.len() - 2;
                    let answer = (0..tokens.len()).map(|at| at >= first).collect();
                    (tokens, answer, features(images, seed))
                })
                .collect(),
        )
    }

    fn examples(&self) -> Vec<Example<'_>> {
        self.0
            .iter()
            .map(|(tokens, answer, features)| Example {
                tokens,
                answer,
                sight: Sight::Features(features),
            })
            .collect()
    }
}

fn course() -> Course {
    Course {
        optimizer: Optimizer {
            rate: 1e-2,
            beta1: 0.9,
            beta2: 0.95,
            eps: 1e-8,
            weight_decay: 0.1,
            clip: 1.0,
        },
        schedule: Schedule::Cosine {
            warmup: 2,
            floor: 0.1,
        },
        steps: 40,
        seed: 1,
    }
}

fn trainer(parts: Parts) -> AdaptTrainer {
    AdaptTrainer::new(&course(), adapted(2), parts).expect("sound settings")
}

#[test]
fn squares_are_resized_as_by_tents() {
    for (from, to) in [(1, 3), (2, 5), (3, 2), (4, 4), (5, 3), (7, 2)] {
        let vectors: Vec<f32> = (0..from * from * 3)
            .map(|i| (i * 29 % 31) as f32 - 15.0)
            .collect();
        // The share of source `j` in place `i`: a tent around the place, held within the source.
        let share = |i: usize, j: usize| {
            let at = (i as f64 + 0.5) * from as f64 / to as f64 - 0.5;
            let at = at.clamp(0.0, (from - 1) as f64);
            (1.0 - (at - j as f64).abs()).max(0.0)
        };
        let found = resize(&vectors, 3, from, to);
        assert_eq!(found.len(), to * to * 3);
        for (place, found) in found.iter().enumerate() {
            let (line, column, channel) = (place / 3 / to, place / 3 % to, place % 3);
            let exact: f64 = (0..from * from)
                .map(|source| {
                    let value = f64::from(vectors[source * 3 + channel]);
                    value * share(line, source / from) * share(column, source % from)
                })
                .sum();
            assert!(
                (f64::from(*found) - exact).abs() < 1e-5,
                "{from} to {to}, {place}: {found} is not {exact}"
            );
        }
    }
}

/// −log softmax of one row, in f64.
fn loss_of(logits: &[f32], target: u32) -> f64 {
    let total: f64 = logits.iter().map(|&logit| f64::from(logit).exp()).sum();
    total.ln() - f64::from(logits[target as usize])
}

#[test]
fn losses_are_those_of_answers_alone() {
    let (adapted, texts) = (adapted(3), Texts::new());
    let found = adapted.losses(&texts.examples()).expect("they fit");
    for (example, found) in texts.examples().iter().zip(found) {
        let logits = adapted.logits(example.tokens, example.sight);
        let logits = logits.expect("they fit");
        let n = example.tokens.len();
        let exact: f64 = (n - 2..n)
            .map(|at| loss_of(&logits[(at - 1) * 13..at * 13], example.tokens[at]))
            .sum();
        assert!(
            (found - exact / 2.0).abs() < 1e-5,
            "{found} is not {exact}/2"
        );
    }
}

#[test]
fn gradients_are_slopes_of_the_loss() {
    let texts = Texts::new();
    for layers in [1, 2, 3] {
        let what = format!("{layers} layers");
        check_slopes(&what, &mut adapted(layers), &texts.examples()[2], |_| true);
    }
}

/// Compares gradients of an example with differences of its loss, of slabs of which `which` says so.
fn check_slopes(
    what: &str,
    adapted: &mut Adapted,
    example: &Example,
    which: impl Fn(usize) -> bool,
) {
    const STEP: f32 = 2e-3;
    let count = adapted.check(0, example).expect("it fits");
    let shard = adapted
        .shard(example, count, Activations::Kept, |_| true)
        .expect("memory");
    let gradients = shard.gradients.iter().enumerate();
    for (index, gradient) in gradients.filter(|(index, _)| which(*index)) {
        let size = gradient.iter().fold(0.05_f32, |size, g| size.max(g.abs()));
        for at in (0..gradient.len()).step_by(gradient.len().div_ceil(6)) {
            // A loss with a weight moved by `offset`, which comes back to where it was.
            let mut moved = |offset: f32| {
                let value = &mut slab(adapted, index)[at];
                let kept = std::mem::replace(value, *value + offset);
                let loss = adapted.losses(&[*example]).expect("it fits")[0];
                slab(adapted, index)[at] = kept;
                loss
            };
            // Two differences, so that the error is of the fourth order: these slopes are steep.
            let mut difference = |step: f32| (moved(step) - moved(-step)) / (2.0 * f64::from(step));
            let (near, far) = (difference(STEP), difference(2.0 * STEP));
            let slope = ((4.0 * near - far) / 3.0) as f32;
            let error = (gradient[at] - slope).abs() / size;
            assert!(
                error < 1e-2,
                "{what}, slab {index}[{at}]: {} is not {slope} (scale {size})",
                gradient[at]
            );
        }
    }
}

/// The numbers of a slab, counted as gradients are.
fn slab(adapted: &mut Adapted, index: usize) -> &mut [f32] {
    let [decoder, encoder] = adapted.begins();
    match (&mut adapted.eye, index) {
        (_, index) if index < decoder => Trained::values_mut(&mut adapted.projector.weights, index),
        (Some(eye), index) if index >= encoder => {
            Trained::values_mut(&mut eye.encoder.weights, index - encoder)
        }
        _ => Model::values_mut(&mut adapted.model, index - decoder),
    }
}

#[test]
fn an_example_has_the_same_bits_in_any_batch() {
    let (adapted, texts) = (adapted(2), Texts::new());
    let together = adapted.losses(&texts.examples()).expect("they fit");
    for (at, example) in texts.examples().iter().enumerate() {
        let alone = adapted.losses(&[*example]).expect("it fits");
        assert_eq!(alone[0].to_bits(), together[at].to_bits());
    }
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let (adapted, picture) = (adapted(2), features(1, 0));
    let tokens = [1, MARKER, MARKER, MARKER, MARKER, 2];
    let answer = [false, false, false, false, false, true];
    let whole = Example {
        tokens: &tokens,
        answer: &answer,
        sight: Sight::Features(&picture),
    };
    let refused = |example: Example| {
        let error = adapted.losses(&[whole, example]).expect_err("it fits");
        error.to_string()
    };
    let sight = Sight::Features(&picture[1..]);
    let error = refused(Example { sight, ..whole });
    assert!(error.contains("an image has 45"), "{error}");
    for sight in [Sight::Features(&[]), Sight::None] {
        let error = refused(Example { sight, ..whole });
        assert!(error.contains("4 image tokens for 0 vectors"), "{error}");
    }
    for (answer, words) in [
        ([false; 6], "no token is an answer"),
        ([true; 6], "nothing before it"),
        ([false, true, false, false, false, false], "an image token"),
    ] {
        let error = refused(Example {
            answer: &answer,
            ..whole
        });
        assert!(
            error.starts_with("example 1: ") && error.contains(words),
            "{error}"
        );
    }
    let error = refused(Example {
        tokens: &[1, 99],
        answer: &[false, true],
        sight: Sight::None,
    });
    assert!(error.contains("token 99"), "{error}");
    assert!(matches!(trainer(BOTH).step(&[]), Err(AdaptError::Empty)));
    let config = ProjectorConfig {
        tokens: 5,
        ..adapted.projector().config().clone()
    };
    assert!(matches!(config.check(), Err(AdaptError::NotSquare(5))));
}

#[test]
fn projectors_are_read_as_they_were_written() {
    let projector = adapted(3).projector;
    let bytes = projector.encode().expect("memory");
    let again = Projector::load(projector.config(), &bytes).expect("what was written");
    assert_eq!(again.encode().expect("memory"), bytes);
}
