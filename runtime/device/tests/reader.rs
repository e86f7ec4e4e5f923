//! Scores and generation by recorded programs on the host device, against inference on the host.

mod common;

use common::run;
use vpc_device::program::Precision;
use vpc_device::{DeviceTrainer, Host, ReadError, Reader, reader_memory};
use vpc_train::{
    Generation, Inference, InferenceError, Model, Options, Request, Sampling, TrainConfig,
};

/// A model that has learnt a little, so that its choices are no ties.
fn model(tied: bool) -> Model {
    let config = TrainConfig {
        steps: 30,
        ..run(tied)
    };
    let trainer = DeviceTrainer::new(&config, Precision::F32, Host::new());
    let mut trainer = trainer.expect("a sound shape");
    for step in 0..30 {
        common::with_batch(&config, step, 16, |batch| {
            trainer.step(batch).expect("a step");
        });
    }
    trainer.to_host().expect("numbers").model().clone()
}

fn reader(model: &Model, slots: usize, precision: Precision) -> Reader<Host> {
    Reader::new(model, slots, precision, Host::new()).expect("a sound shape")
}

/// Prompts of several lengths, one of a single token.
fn prompts() -> Vec<Vec<u32>> {
    (0..5_u32)
        .map(|at| {
            (0..=at * 2 % 7)
                .map(|i| (at * 11 + i * 5 + 1) % 29)
                .collect()
        })
        .collect()
}

const OPTIONS: [&[u32]; 4] = [&[3], &[4, 9, 28, 0, 1], &[17, 2], &[3, 3, 3]];

fn scores(reader: &mut Reader<Host>, prompts: &[Vec<u32>]) -> Vec<Vec<Vec<f64>>> {
    let asked: Vec<Options> = prompts
        .iter()
        .enumerate()
        .map(|(at, prompt)| Options {
            prompt,
            options: &OPTIONS[..=at % 4],
        })
        .collect();
    reader.score_options(&asked, &[]).expect("scores")
}

#[test]
fn options_score_as_on_the_host() {
    for tied in [false, true] {
        let (model, prompts) = (model(tied), prompts());
        let asked: Vec<Options> = prompts
            .iter()
            .enumerate()
            .map(|(at, prompt)| Options {
                prompt,
                options: &OPTIONS[..=at % 4],
            })
            .collect();
        let theirs = Inference::new(&model).score_options(&asked, 8);
        let theirs = theirs.expect("scores");
        for (precision, tolerance) in [(Precision::F32, 1e-5), (Precision::Bf16, 0.1)] {
            let ours = scores(&mut reader(&model, 2, precision), &prompts);
            let lengths = |all: &Vec<Vec<Vec<f64>>>| -> Vec<usize> {
                all.iter().flatten().map(Vec::len).collect()
            };
            assert_eq!(lengths(&ours), lengths(&theirs));
            let both = ours.iter().flatten().flatten();
            for (ours, theirs) in both.zip(theirs.iter().flatten().flatten()) {
                assert!(
                    (ours - theirs).abs() < tolerance,
                    "{precision:?}: {ours} is not {theirs}"
                );
            }
        }
    }
}

#[test]
fn the_bits_of_scores_depend_on_no_company() {
    let (model, prompts) = (model(true), prompts());
    for precision in [Precision::F32, Precision::Bf16] {
        let together = scores(&mut reader(&model, 3, precision), &prompts);
        let mut reader = reader(&model, 3, precision);
        for (at, prompt) in prompts.iter().enumerate().rev() {
            let asked = Options {
                prompt,
                options: &OPTIONS[..=at % 4],
            };
            let alone = reader.score_options(&[asked], &[]).expect("scores");
            assert_eq!(alone[0], together[at]);
        }
    }
}

fn how(sampling: Sampling, batch: usize) -> Generation {
    Generation {
        sampling,
        most: 9,
        stop: vec![5],
        batch,
    }
}

fn requests(prompts: &[Vec<u32>]) -> Vec<Request<'_>> {
    let both = (0..).zip(prompts);
    both.map(|(id, prompt)| Request { id, prompt }).collect()
}

#[test]
fn the_same_tokens_are_written_as_on_the_host() {
    let random = Sampling::Random {
        temperature: 0.8,
        top_k: Some(20),
        top_p: Some(0.95),
        seed: 4,
    };
    for tied in [false, true] {
        let (model, prompts) = (model(tied), prompts());
        let requests = requests(&prompts);
        let inference = Inference::new(&model);
        for sampling in [Sampling::Greedy, random.clone()] {
            let how = how(sampling, 8);
            let theirs = inference.generate(&requests, &how).expect("tokens");
            // Fewer slots than requests, and more.
            for slots in [1, 2, 8] {
                let mut reader = reader(&model, slots, Precision::F32);
                let ours = reader.generate(&requests, &how, &[]).expect("tokens");
                assert_eq!(ours, theirs, "{slots} slots");
                // A second time in the same slots.
                let again = reader.generate(&requests, &how, &[]).expect("tokens");
                assert_eq!(again, theirs, "{slots} slots, again");
            }
        }
    }
}

#[test]
fn prompts_longer_than_a_pass_are_read_in_several() {
    let config = vpc_train::ModelConfig {
        context: 1200,
        layers: 1,
        width: 8,
        heads: 2,
        kv_heads: 1,
        hidden: 8,
        ..run(true).model
    };
    let config = TrainConfig {
        model: config,
        ..run(true)
    };
    let trainer = vpc_train::Trainer::new(&config).expect("a sound shape");
    let model = trainer.model();
    let long: Vec<u32> = (0..1100).map(|at| at * at % 29).collect();
    let asked = [
        Options {
            prompt: &long[..700],
            options: &[&long[700..1100], &[3]],
        },
        Options {
            prompt: &long[..512],
            options: &[&[1], &[2, 3]],
        },
    ];
    let theirs = Inference::new(model).score_options(&asked, 8);
    let mut reader = reader(model, 2, Precision::F32);
    let ours = reader.score_options(&asked, &[]).expect("scores");
    let pairs = ours.iter().flatten().flatten();
    let theirs = theirs.expect("scores");
    assert_eq!(ours[0][0].len(), 400);
    for (ours, theirs) in pairs.zip(theirs.iter().flatten().flatten()) {
        assert!((ours - theirs).abs() < 1e-5, "{ours} is not {theirs}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_as_on_the_host() {
    let model = model(true);
    let inference = Inference::new(&model);
    let mut reader = reader(&model, 2, Precision::F32);
    let long = [1; 17];
    let bad = [
        Options {
            prompt: &[],
            options: &[&[1]],
        },
        Options {
            prompt: &[1],
            options: &[&[]],
        },
        Options {
            prompt: &long,
            options: &[&[1]],
        },
        Options {
            prompt: &[29],
            options: &[&[1]],
        },
    ];
    for bad in bad {
        let good = Options {
            prompt: &[1],
            options: &[&[2]],
        };
        let theirs = inference
            .score_options(&[good, bad], 4)
            .expect_err("refused");
        match reader.score_options(&[good, bad], &[]) {
            Err(ReadError::Inference(ours)) => assert_eq!(ours, theirs),
            other => panic!("{other:?} is not {theirs}"),
        }
    }
    let long = [Request {
        id: 0,
        prompt: &[1; 9],
    }];
    match reader.generate(&long, &how(Sampling::Greedy, 1), &[]) {
        Err(ReadError::Inference(InferenceError::TooLong { tokens: 17, .. })) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn memory_grows_with_what_is_kept() {
    let config = run(true).model;
    let bytes = |slots, precision| reader_memory(&config, slots, precision).expect("bytes");
    let one = bytes(1, Precision::F32);
    // A slot keeps keys and values of the context in each layer; beyond that come its logits.
    let kept = 2 * config.kv_heads * (config.width / config.heads) * 4;
    let slot = config.layers * config.context * kept;
    assert!(bytes(65, Precision::F32) >= one + 64 * slot);
    assert!(bytes(65, Precision::Bf16) < bytes(65, Precision::F32));
}

mod sight {
    //! Vectors of images in the place of tokens.

    use vpc_train::adapted::{
        Adapted, AdaptedInference, Projector, ProjectorConfig, Prompt, Question, Sight,
    };
    use vpc_train::ops::Activation;

    use super::*;

    const MARKER: u32 = 28;

    fn adapted() -> Adapted {
        let config = ProjectorConfig {
            features: 3,
            grid: 2,
            tokens: 4,
            layers: 2,
            width: 8,
            outputs: 24,
            activation: Activation::Gelu,
        };
        let projector = Projector::initial(&config, 5).expect("a shape");
        Adapted::new(model(true), projector, MARKER).expect("a model that sees")
    }

    /// Texts with an image in front, in the midst, and none.
    fn texts() -> Vec<(Vec<u32>, Vec<f32>)> {
        let image = |salt: u32| -> Vec<f32> {
            let number = |i: u32| ((i * 7 + salt * 5) % 11) as f32 / 4.0 - 1.2;
            (0..12).map(number).collect()
        };
        vec![
            (vec![MARKER, MARKER, MARKER, MARKER, 3, 9], image(1)),
            (vec![7, 2, 1], Vec::new()),
            (vec![0, 4, MARKER, MARKER, MARKER, MARKER, 1], image(2)),
        ]
    }

    #[test]
    fn what_is_seen_is_read_as_on_the_host() {
        let (adapted, own) = (adapted(), texts());
        let prompts: Vec<Prompt> = own
            .iter()
            .map(|(tokens, features)| Prompt {
                tokens,
                sight: Sight::Features(features),
            })
            .collect();
        let given = prompts.iter().enumerate();
        let given: Vec<_> = given
            .map(|(item, prompt)| adapted.given(item, prompt).expect("a prompt"))
            .collect();
        assert_eq!(
            given.iter().map(Option::is_some).collect::<Vec<_>>(),
            [true, false, true]
        );
        let inference = AdaptedInference::new(&adapted);
        let questions: Vec<Question> = prompts
            .iter()
            .map(|prompt| Question {
                prompt: *prompt,
                options: &OPTIONS,
            })
            .collect();
        let theirs = inference.score(&questions, 3).expect("scores");
        let asked: Vec<Options> = own
            .iter()
            .map(|(prompt, _)| Options {
                prompt,
                options: &OPTIONS,
            })
            .collect();
        let mut reader = reader(adapted.model(), 2, Precision::F32);
        let ours = reader.score_options(&asked, &given).expect("scores");
        let pairs = ours.iter().flatten().flatten();
        for (ours, theirs) in pairs.zip(theirs.iter().flatten().flatten()) {
            assert!((ours - theirs).abs() < 1e-5, "{ours} is not {theirs}");
        }
        // One by one, the last first: the same bits, whoever else sees something.
        for item in (0..asked.len()).rev() {
            let alone = reader.score_options(&asked[item..=item], &given[item..=item]);
            assert_eq!(alone.expect("scores")[0], ours[item]);
        }
        let blind = reader.score_options(&asked, &[]).expect("scores");
        assert_ne!(blind[0], ours[0]);
        assert_eq!(blind[1], ours[1]);

        let theirs = inference.generate(&prompts, 8, &[5], 3).expect("tokens");
        let requests = (0..).zip(&own);
        let requests: Vec<Request> = requests
            .map(|(id, (prompt, _))| Request { id, prompt })
            .collect();
        let how = Generation {
            most: 8,
            ..how(Sampling::Greedy, 2)
        };
        let ours = reader.generate(&requests, &how, &given).expect("tokens");
        assert_eq!(ours, theirs);
    }
}
