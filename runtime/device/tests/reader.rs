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
