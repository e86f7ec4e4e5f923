//! Reads with models on the GPU at hand: compares with the processor, then tells how fast it is.
//!
//! `gpu_read` prints two tables. `gpu_read host` checks the same on the host's interpreter, with a smaller model,
//! and times nothing. The exit status is 1 where results are further apart than rounding makes them.
#![expect(clippy::print_stdout, reason = "a command-line program")]

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use vpc_device::cuda::Cuda;
use vpc_device::program::{BatchShape, Precision};
use vpc_device::{Device, DeviceError, Host, ReadError, Reader, Scorer};
use vpc_train::{
    Batch, Generated, Generation, Inference, Model, ModelConfig, Optimizer, Options, Request,
    Sampling, Schedule, TrainConfig, Trainer, with_threads,
};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let threads = std::thread::available_parallelism()?.get();
    let is_host = std::env::args().nth(1).is_some_and(|word| word == "host");
    let is_right = if is_host {
        check(&shape(2, 32, 61, 32), || Ok(Host::new()))?
    } else {
        let config = shape(4, 512, 4096, 256);
        with_threads(threads, || {
            check(&config, || Cuda::open(0)).map_err(|error| error.to_string())
        })??
    };
    if !is_host {
        println!(
            "\n| model | class | held-out tok/s | options/s | generated tok/s |\n|---|---|---|---|---|"
        );
        speed("124M", &shape(12, 768, 32_000, 1024))?;
        speed("1B", &shape(16, 2048, 32_000, 2048))?;
    }
    Ok(if is_right {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Heads of 64, or of 8 in a narrow model; half as many for keys.
fn shape(layers: usize, width: usize, vocabulary: usize, context: usize) -> TrainConfig {
    let heads = (width / 64).max(4);
    TrainConfig {
        model: ModelConfig {
            layers,
            width,
            heads,
            kv_heads: heads / 2,
            hidden: width * 8 / 3 / 16 * 16,
            context,
            vocabulary,
            rope_base: 10_000.0,
            norm_eps: 1e-5,
            tied: true,
        },
        optimizer: Optimizer {
            rate: 3e-3,
            beta1: 0.9,
            beta2: 0.95,
            eps: 1e-8,
            weight_decay: 0.0,
            clip: 1.0,
        },
        schedule: Schedule::Constant { warmup: 5 },
        batch: 4,
        micro_batch: None,
        steps: 20,
        seed: 1,
    }
}

/// Tokens that can be learnt a little.
fn text(config: &ModelConfig, salt: usize, length: usize) -> Vec<u32> {
    let token = |at: usize| (at * at * 31 + at * 7 + salt * 13) % config.vocabulary;
    (0..length).map(|at| token(at) as u32).collect()
}

/// A model after a few steps, so that its choices are no ties.
fn learnt(config: &TrainConfig) -> Result<Model, Box<dyn Error>> {
    let mut trainer = Trainer::new(config)?;
    let length = config.model.context;
    for step in 0..config.steps as usize {
        let all = text(&config.model, step, config.batch * length + 1);
        trainer.step(&Batch {
            inputs: &all[..all.len() - 1],
            targets: &all[1..],
            length,
        })?;
    }
    Ok(trainer.model().clone())
}

/// Prompts of several lengths, the same options after each.
fn questions(config: &ModelConfig) -> (Vec<Vec<u32>>, Vec<Vec<u32>>) {
    let context = config.context;
    let prompts = (0..9).map(|at| text(config, at, 1 + at * context / 18));
    let options = (0..4).map(|at| text(config, 50 + at, 1 + at * context / 32));
    (prompts.collect(), options.collect())
}

fn greedy(most: usize, batch: usize) -> Generation {
    Generation {
        sampling: Sampling::Greedy,
        most,
        stop: Vec::new(),
        batch,
    }
}

fn check<D: Device>(
    config: &TrainConfig,
    open: impl Fn() -> Result<D, DeviceError>,
) -> Result<bool, Box<dyn Error>> {
    let model = learnt(config)?;
    let (config, length) = (&config.model, config.model.context);
    let (prompts, options) = questions(config);
    let options: Vec<&[u32]> = options.iter().map(Vec::as_slice).collect();
    let asked = |prompt| Options {
        prompt,
        options: &options,
    };
    let asked: Vec<Options> = prompts.iter().map(|prompt| asked(prompt)).collect();
    let requests = (0..).zip(&prompts);
    let requests: Vec<Request> = requests
        .map(|(id, prompt)| Request { id, prompt })
        .collect();
    let all = text(config, 99, 5 * length + 1);
    let (inputs, targets) = (&all[..all.len() - 1], &all[1..]);
    let batch = |rows: std::ops::Range<usize>| Batch {
        inputs: &inputs[rows.start * length..rows.end * length],
        targets: &targets[rows.start * length..rows.end * length],
        length,
    };
    let how = greedy(length / 4, 4);
    let nats = model.negative_log_likelihood(&batch(0..5))?;
    let inference = Inference::new(&model);
    let (scores, tokens) = (
        inference.score_options(&asked, 4)?,
        inference.generate(&requests, &how)?,
    );
    println!(
        "| class | held-out loss, relative | log p, largest difference | the same tokens | the same bits alone |\n|---|---|---|---|---|"
    );
    let mut is_right = true;
    for (precision, allowed) in [(Precision::F32, 1e-4), (Precision::Bf16, 0.2)] {
        let shape = BatchShape { rows: 3, length };
        let mut scorer = Scorer::new(&model, shape, precision, open()?)?;
        let together = scorer.losses(&batch(0..5))?;
        let alone = (0..5).map(|row| scorer.losses(&batch(row..row + 1)));
        let alone: Vec<f32> = alone.collect::<Result<Vec<_>, _>>()?.concat();
        let sum: f64 = together.iter().map(|loss| f64::from(*loss)).sum();
        drop(scorer);
        let mut reader = Reader::new(&model, 4, precision, open()?)?;
        let ours = reader.score_options(&asked, &[])?;
        let mut bits = together == alone;
        for (asked, ours) in asked.iter().zip(&ours).rev() {
            bits &= &reader.score_options(&[*asked], &[])?[0] == ours;
        }
        let written = reader.generate(&requests, &how, &[])?;
        let (loss, apart) = ((sum - nats).abs() / nats, farthest(&ours, &scores));
        println!(
            "| {precision:?} | {loss:.1e} | {apart:.1e} | {:.3} | {bits} |",
            alike(&written, &tokens)
        );
        is_right &= loss < allowed && apart < allowed;
    }
    Ok(is_right)
}

fn farthest(ours: &[Vec<Vec<f64>>], theirs: &[Vec<Vec<f64>>]) -> f64 {
    let pairs = ours.iter().flatten().flatten();
    let pairs = pairs.zip(theirs.iter().flatten().flatten());
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// The share of new tokens that are the same.
fn alike(ours: &[Generated], theirs: &[Generated]) -> f64 {
    let pairs = ours.iter().zip(theirs);
    let pairs = pairs.flat_map(|(a, b)| a.tokens.iter().zip(&b.tokens));
    let same: Vec<bool> = pairs.map(|(a, b)| a == b).collect();
    same.iter().filter(|same| **same).count() as f64 / same.len().max(1) as f64
}

/// Prints a row for each class: a warm-up, then one measurement of each kind of work.
fn speed(name: &str, config: &TrainConfig) -> Result<(), Box<dyn Error>> {
    let trainer = Trainer::new(config)?;
    let (model, config) = (trainer.model(), &config.model);
    let length = config.context;
    let all = text(config, 3, 16 * length + 1);
    let batch = Batch {
        inputs: &all[..all.len() - 1],
        targets: &all[1..],
        length,
    };
    let prompts: Vec<Vec<u32>> = (0..32).map(|at| text(config, at, 128)).collect();
    let options: Vec<Vec<u32>> = (0..4).map(|at| text(config, at + 40, 8)).collect();
    let options: Vec<&[u32]> = options.iter().map(Vec::as_slice).collect();
    let asked = prompts.iter().map(|prompt| Options {
        prompt,
        options: &options,
    });
    let asked: Vec<Options> = asked.collect();
    let requests = (0..).zip(&prompts);
    let requests: Vec<Request> = requests
        .map(|(id, prompt)| Request { id, prompt })
        .collect();
    for precision in [Precision::F32, Precision::Bf16] {
        let shape = BatchShape { rows: 16, length };
        let mut scorer = Scorer::new(model, shape, precision, Cuda::open(0)?)?;
        let held_out = timed(|| scorer.losses(&batch).map(drop))?;
        drop(scorer);
        let mut reader = Reader::new(model, 32, precision, Cuda::open(0)?)?;
        let scoring = timed(|| reader.score_options(&asked, &[]).map(drop))?;
        let how = greedy(64, 32);
        let writing = timed(|| reader.generate(&requests, &how, &[]).map(drop))?;
        println!(
            "| {name} | {precision:?} | {:.0} | {:.0} | {:.0} |",
            (16 * length) as f64 / held_out,
            128.0 / scoring,
            2048.0 / writing
        );
    }
    Ok(())
}

/// Seconds of the second of two calls.
fn timed(mut work: impl FnMut() -> Result<(), ReadError>) -> Result<f64, ReadError> {
    work()?;
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64())
}
