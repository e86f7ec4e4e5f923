//! A model on a device against the same model on the processor.

use vpc_data::items::Form;
use vpc_data::questions::Answer;
use vpc_device::Host;
use vpc_train::adapted::{Projector, ProjectorConfig};
use vpc_train::ops::Activation;
use vpc_train::{Optimizer, Schedule, TrainConfig, Trainer};

use super::*;
use crate::jobs::adapted::Manner;

const MARKER: u32 = 39;

fn filed(sees: bool) -> Filed {
    let model = ModelConfig {
        layers: 2,
        width: 16,
        heads: 2,
        kv_heads: 1,
        hidden: 24,
        context: 24,
        vocabulary: 40,
        rope_base: 10_000.0,
        norm_eps: 1e-5,
        tied: true,
    };
    let config = TrainConfig {
        model,
        optimizer: Optimizer {
            rate: 1e-3,
            beta1: 0.9,
            beta2: 0.95,
            eps: 1e-8,
            weight_decay: 0.0,
            clip: 0.0,
        },
        schedule: Schedule::Constant { warmup: 0 },
        batch: 1,
        micro_batch: None,
        steps: 1,
        seed: 11,
    };
    let projector = ProjectorConfig {
        features: 3,
        grid: 2,
        tokens: 4,
        layers: 2,
        width: 8,
        outputs: 16,
        activation: Activation::Gelu,
    };
    Filed {
        model: Trainer::new(&config).expect("a shape").model().clone(),
        manner: sees.then(|| Manner {
            template: String::new(),
            marker: MARKER,
            projector: Some(projector.clone()),
            layer: None,
        }),
        projector: sees.then(|| Projector::initial(&projector, 2).expect("a shape")),
        encoder: None,
    }
}

fn question(id: usize) -> Question {
    Question {
        id: format!("q{id}"),
        before: Vec::new(),
        text: String::new(),
        options: Vec::new(),
        answer: Answer::None,
        form: Form::Asked,
    }
}

/// What is given of five questions, with a picture for every other one where there are any.
fn given(sees: bool) -> Vec<Given> {
    let one = |at: u32| {
        let is_seen = sees && at.is_multiple_of(2);
        let mut tokens = vec![0];
        tokens.resize(if is_seen { 5 } else { 1 }, MARKER);
        tokens.extend((0..=at).map(|i| (at * 7 + i * 3 + 1) % 39));
        let feature = |i: u32| (at * 5 + i * 2) as f32 / 10.0 - 1.0;
        Given {
            tokens,
            features: if is_seen {
                (0..12).map(feature).collect()
            } else {
                Vec::new()
            },
        }
    };
    (0..5).map(one).collect()
}

/// On the processor, and on the host device with two sequences at a time.
fn both(sees: bool) -> [Mind; 2] {
    let filed = filed(sees);
    let there = Mind::on(&filed, Host::new(), 2).expect("a device");
    [Mind::of(&filed).expect("a model"), there]
}

#[test]
fn options_score_alike_on_a_device() {
    for sees in [false, true] {
        let options = vec![vec![vec![1], vec![2, 30, 4]]; 5];
        let (given, all) = (given(sees), (0..5).map(question).collect::<Vec<_>>());
        let questions: Vec<&Question> = all.iter().collect();
        let scores = both(sees).map(|mind| {
            let scores = mind.score(&questions, &given, &options, 2);
            scores.expect("scores")
        });
        let [theirs, ours] = scores;
        for (ours, theirs) in ours.iter().flatten().zip(theirs.iter().flatten()) {
            assert!((ours - theirs).abs() < 1e-5, "{ours} is not {theirs}");
        }
        assert_eq!(ours.len(), 5);
        // What is seen matters: without it, others are found.
        if sees {
            let [blind, _] = both(false);
            let scores = blind.score(&questions, &given, &options, 2);
            let scores = scores.expect("scores");
            assert!((scores[2][0] - ours[2][0]).abs() > 1e-4);
        }
    }
}

#[test]
fn the_same_is_written_on_a_device() {
    for sees in [false, true] {
        let (given, questions) = (given(sees), (0..5).map(question).collect::<Vec<_>>());
        let [theirs, ours] = both(sees).map(|mind| {
            let written = mind.write(&questions, &given, (9, 7), 2);
            written.expect("tokens")
        });
        assert_eq!(ours, theirs);
        assert!(ours.iter().any(|tokens| !tokens.is_empty()));
    }
}

#[test]
fn a_question_that_cannot_be_read_is_named() {
    for mind in both(false) {
        let given = [
            Given {
                tokens: vec![1],
                features: Vec::new(),
            },
            Given {
                tokens: vec![1; 25],
                features: Vec::new(),
            },
        ];
        let questions = [question(0), question(1)];
        let error = mind.write(&questions, &given, (1, 7), 2).expect_err("long");
        assert!(
            matches!(&error, JobError::Question { id, .. } if id == "q1"),
            "{error}"
        );
    }
}
