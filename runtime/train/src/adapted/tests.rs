//! Adapted models: against `transformers`, scalar code and finite differences, and what they keep to.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{
    AdaptError, AdaptTrainer, Adapted, AdaptedInference, Example, Llava, Parts, Projector,
    ProjectorConfig, Prompt, Question, resize,
};
use crate::course::Trained;
use crate::model::Start;
use crate::ops::Activation;
use crate::{Course, Model, ModelConfig, Optimizer, Schedule, TrainError, with_threads};

const MARKER: u32 = 12;
const BOTH: Parts = Parts {
    projector: true,
    model: true,
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
                features,
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
        let logits = adapted.logits(example.tokens, example.features);
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
    const STEP: f32 = 2e-3;
    let texts = Texts::new();
    for layers in [1, 2, 3] {
        let mut adapted = adapted(layers);
        let example = texts.examples()[2];
        let count = adapted.check(0, &example).expect("it fits");
        let shard = adapted.shard(&example, count, |_| true).expect("memory");
        let first = Trained::len(&adapted.projector.weights);
        for (index, gradient) in shard.gradients.iter().enumerate() {
            let size = gradient.iter().fold(0.05_f32, |size, g| size.max(g.abs()));
            for at in (0..gradient.len()).step_by(gradient.len().div_ceil(6)) {
                // A loss with a weight moved by `offset`, which comes back to where it was.
                let mut moved = |offset: f32| {
                    let values = match index.checked_sub(first) {
                        None => Trained::values_mut(&mut adapted.projector.weights, index),
                        Some(index) => Model::values_mut(&mut adapted.model, index),
                    };
                    let kept = std::mem::replace(&mut values[at], offset);
                    values[at] += kept;
                    let loss = adapted.losses(&[example]).expect("it fits")[0];
                    let values = match index.checked_sub(first) {
                        None => Trained::values_mut(&mut adapted.projector.weights, index),
                        Some(index) => Model::values_mut(&mut adapted.model, index),
                    };
                    values[at] = kept;
                    loss
                };
                // Two differences, so that the error is of the fourth order: these slopes are steep.
                let mut difference =
                    |step: f32| (moved(step) - moved(-step)) / (2.0 * f64::from(step));
                let (near, far) = (difference(STEP), difference(2.0 * STEP));
                let slope = ((4.0 * near - far) / 3.0) as f32;
                let error = (gradient[at] - slope).abs() / size;
                assert!(
                    error < 1e-2,
                    "{layers} layers, slab {index}[{at}]: {} is not {slope} (scale {size})",
                    gradient[at]
                );
            }
        }
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
fn bits_do_not_depend_on_threads_or_on_an_interruption() {
    let texts = Texts::new();
    // More examples than shards.
    let batch: Vec<Example> = (0..5).flat_map(|_| texts.examples()).collect();
    let run = |threads, interrupted: bool| {
        with_threads(threads, || {
            let mut one = trainer(BOTH);
            for step in 0..4 {
                if interrupted && step == 2 {
                    let state = one.save().expect("memory");
                    one = trainer(BOTH);
                    one.load(&state).expect("what was saved");
                    assert_eq!(one.steps_done(), 2);
                }
                one.step(&batch).expect("a sound step");
            }
            one.save().expect("memory")
        })
        .expect("a small pool")
    };
    let whole = run(1, false);
    assert!(run(3, false) == whole, "threads change bits");
    assert!(run(2, true) == whole, "an interruption changes bits");
}

#[test]
fn what_is_frozen_stays() {
    let texts = Texts::new();
    for (projector, model) in [(true, false), (false, true)] {
        let mut one = trainer(Parts { projector, model });
        let before = one.adapted().clone();
        one.step(&texts.examples()).expect("a sound step");
        let after = one.adapted();
        let same = |a: &dyn Trained, b: &dyn Trained| {
            (0..a.len()).all(|index| a.values(index) == b.values(index))
        };
        assert_eq!(
            same(&after.projector.weights, &before.projector.weights),
            !projector
        );
        assert_eq!(same(&after.model, &before.model), !model);
        let state = one.save().expect("memory");
        let error = trainer(BOTH).load(&state).expect_err("other moments");
        assert!(error.to_string().contains("is missing"), "{error}");
    }
}

#[test]
fn it_learns_what_images_say() {
    // The answer is told by the image alone.
    let tokens: Vec<Vec<u32>> = (0..6)
        .map(|answer| [&[1][..], &[MARKER; 4], &[2, 3 + answer]].concat())
        .collect();
    let images: Vec<Vec<f32>> = (0..6).map(|image| features(1, 3 * image)).collect();
    let answer = [false, false, false, false, false, false, true];
    let batch: Vec<Example> = tokens
        .iter()
        .zip(&images)
        .map(|(tokens, features)| Example {
            tokens,
            answer: &answer,
            features,
        })
        .collect();
    let course = Course {
        steps: 150,
        ..course()
    };
    let mut one = AdaptTrainer::new(&course, adapted(2), BOTH).expect("sound settings");
    let first = one.step(&batch).expect("a sound step").loss;
    let last = (1..150).map(|_| one.step(&batch).expect("a sound step").loss);
    let last = last.last().expect("steps");
    assert!(first > 1.5 && last < 0.3, "from {first} to {last}");
}

#[test]
fn options_and_texts_are_those_of_the_logits_in_any_company() {
    let (adapted, texts) = (adapted(2), Texts::new());
    let asked = AdaptedInference::new(&adapted);
    let examples = texts.examples();
    let prompts: Vec<Prompt> = examples
        .iter()
        .map(|example| Prompt {
            tokens: example.tokens,
            features: example.features,
        })
        .collect();
    let options: [&[u32]; 3] = [&[1, 2], &[3], &[4, 5, 6]];
    let questions: Vec<Question> = prompts
        .iter()
        .map(|&prompt| Question {
            prompt,
            options: &options,
        })
        .collect();
    let scores = asked.score(&questions).expect("they fit");
    let made = asked.generate(&prompts, 4, &[0], 3).expect("they fit");
    for (item, prompt) in prompts.iter().enumerate() {
        assert_eq!(
            asked.score(&questions[item..=item]).expect("it fits")[0],
            scores[item]
        );
        let alone = asked.generate(&prompts[item..=item], 4, &[0], 1);
        assert_eq!(alone.expect("it fits")[0], made[item]);
        for (option, found) in options.iter().zip(&scores[item]) {
            for (at, found) in found.iter().enumerate() {
                let read = [prompt.tokens, &option[..at]].concat();
                let logits = adapted.logits(&read, prompt.features).expect("it fits");
                let exact = loss_of(&logits[logits.len() - 13..], option[at]);
                assert!((found + exact).abs() < 1e-5, "{found} is not -{exact}");
            }
        }
        let mut read = prompt.tokens.to_vec();
        for token in &made[item].tokens {
            // A marker that was generated is a token like others, and no image is there for it.
            assert_ne!(*token, MARKER, "choose another seed");
            let logits = adapted.logits(&read, prompt.features).expect("it fits");
            let row = &logits[logits.len() - 13..];
            assert!(
                row.iter()
                    .all(|logit| *logit <= row[*token as usize] + 1e-5)
            );
            read.push(*token);
        }
    }
    assert!(made.iter().any(|made| !made.tokens.is_empty()));
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let (adapted, picture) = (adapted(2), features(1, 0));
    let tokens = [1, MARKER, MARKER, MARKER, MARKER, 2];
    let answer = [false, false, false, false, false, true];
    let whole = Example {
        tokens: &tokens,
        answer: &answer,
        features: &picture,
    };
    let refused = |example: Example| {
        let error = adapted.losses(&[whole, example]).expect_err("it fits");
        error.to_string()
    };
    let features = &picture[1..];
    let error = refused(Example { features, ..whole });
    assert!(error.contains("an image has 45"), "{error}");
    let features = &[];
    let error = refused(Example { features, ..whole });
    assert!(error.contains("4 image tokens for 0 vectors"), "{error}");
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
        features: &[],
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
fn a_diverged_step_leaves_everything_as_it_was() {
    let mut one = trainer(BOTH);
    let before = one.save().expect("memory");
    let (tokens, answer) = (
        [1, MARKER, MARKER, MARKER, MARKER, 2],
        [false, false, false, false, false, true],
    );
    let features = vec![f32::NAN; 45];
    let error = one.step(&[Example {
        tokens: &tokens,
        answer: &answer,
        features: &features,
    }]);
    let diverged = matches!(error, Err(AdaptError::Train(TrainError::Diverged { .. })));
    assert!(diverged && one.save().expect("memory") == before);
}

#[test]
fn projectors_are_read_as_they_were_written() {
    let projector = adapted(3).projector;
    let bytes = projector.encode().expect("memory");
    let again = Projector::load(projector.config(), &bytes).expect("what was written");
    assert_eq!(again.encode().expect("memory"), bytes);
}

/// What `transformers` gave, written by `dev/parity_llava.py --fixture`.
#[derive(Deserialize)]
struct Expected {
    tokens: Vec<u32>,
    logits: Vec<f32>,
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/llava")
}

#[test]
fn a_llava_folder_gives_the_logits_of_transformers_and_is_written_as_it_was() {
    let llava = Llava::read(&fixture()).expect("a sound folder");
    let text = fs::read(fixture().join("expected.json")).expect("recorded logits");
    let expected: Expected = serde_json::from_slice(&text).expect("recorded logits");
    let pixels: Vec<f32> = (0..108)
        .map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0)
        .collect();
    let features = llava.features(&pixels).expect("an image");
    let logits = llava.adapted.logits(&expected.tokens, &features);
    let logits = logits.expect("they fit");
    assert_eq!(logits.len(), expected.logits.len());
    for (found, expected) in logits.iter().zip(&expected.logits) {
        assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    llava.save(folder.path()).expect("room");
    let again = Llava::read(folder.path()).expect("what was written");
    assert!(again.files().expect("it fits") == llava.files().expect("it fits"));
}

#[test]
fn what_llavas_layout_cannot_hold_is_refused_by_name() {
    let mut llava = Llava::read(&fixture()).expect("a sound folder");
    let config = ProjectorConfig {
        layers: 3,
        ..llava.adapted.projector.config().clone()
    };
    llava.adapted.projector = Projector::initial(&config, 1).expect("a sound shape");
    let error = llava.files().expect_err("three layers").to_string();
    assert_eq!(error, "`layers` is 3; LLaVA's layout needs 2");
}
