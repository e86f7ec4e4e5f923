//! Speed of adaptation: `adapt KIND SECONDS THREADS` prints best and median examples per second.
//!
//! The shapes are those of the laptop editions: a decoder of 2 blocks of width 64, 36 visual tokens of an
//! encoder of 3 blocks, batches of 32. The kinds: `align` trains the projector, `instruct` the decoder
//! too, both on features; `whole` trains all three on pixels, and `pixels` is `instruct` on pixels.
#![expect(clippy::print_stdout, reason = "a command-line program")]

use std::error::Error;
use std::time::{Duration, Instant};

use vpc_train::adapted::{
    AdaptTrainer, Adapted, Example, Parts, Projector, ProjectorConfig, Sight,
};
use vpc_train::ops::Activation;
use vpc_train::vision::{Encoder, Family, Layer, VisionConfig};
use vpc_train::{Course, Model, ModelConfig, Optimizer, Schedule, TrainConfig, Trainer};
use vpc_train::{keep_freed_memory, with_threads};

const BATCH: usize = 32;
const VISUAL: usize = 36;
const WIDTH: usize = 64;
const IMAGE: usize = 48;
const MARKER: u32 = 1023;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, kind, seconds, threads] = arguments.as_slice() else {
        return Err("usage: adapt align|instruct|pixels|whole SECONDS THREADS".into());
    };
    let parts = Parts {
        projector: true,
        model: kind != "align",
        encoder: kind == "whole",
    };
    let is_pixels = match kind.as_str() {
        "align" | "instruct" => false,
        "pixels" | "whole" => true,
        _ => return Err("the kinds are align, instruct, pixels and whole".into()),
    };
    keep_freed_memory();
    let time = Duration::from_secs_f64(seconds.parse()?);
    let mut times = with_threads(threads.parse()?, || {
        measure(parts, is_pixels, time).map_err(|error| error.to_string())
    })??;
    times.sort_unstable();
    let speed = |time: Duration| BATCH as f64 / time.as_secs_f64();
    println!(
        "{kind}: {:.0} examples/s at best, {:.0} in the median, {} steps",
        speed(times[0]),
        speed(times[times.len() / 2]),
        times.len()
    );
    Ok(())
}

/// The time of each step.
fn measure(parts: Parts, is_pixels: bool, time: Duration) -> Result<Vec<Duration>, Box<dyn Error>> {
    let course = course();
    let mut trainer = AdaptTrainer::new(&course, adapted(&course)?, parts)?;
    let numbers = if is_pixels {
        3 * IMAGE * IMAGE
    } else {
        VISUAL * WIDTH
    };
    let texts: Vec<(Vec<u32>, Vec<bool>, Vec<f32>)> =
        (0..BATCH).map(|item| text(item, numbers)).collect();
    let batch: Vec<Example> = texts
        .iter()
        .map(|(tokens, answer, numbers)| Example {
            tokens,
            answer,
            sight: if is_pixels {
                Sight::Pixels(numbers)
            } else {
                Sight::Features(numbers)
            },
        })
        .collect();
    trainer.step(&batch)?;
    let (begun, mut times) = (Instant::now(), Vec::new());
    while begun.elapsed() < time || times.is_empty() {
        let step = Instant::now();
        trainer.step(&batch)?;
        times.push(step.elapsed());
    }
    Ok(times)
}

fn course() -> Course {
    Course {
        optimizer: Optimizer {
            rate: 1e-3,
            beta1: 0.9,
            beta2: 0.95,
            eps: 1e-8,
            weight_decay: 0.1,
            clip: 1.0,
        },
        schedule: Schedule::Constant { warmup: 0 },
        steps: u64::MAX,
        seed: 0,
    }
}

fn adapted(course: &Course) -> Result<Adapted, Box<dyn Error>> {
    let config = TrainConfig {
        model: ModelConfig {
            layers: 2,
            width: WIDTH,
            heads: 4,
            kv_heads: 4,
            hidden: 176,
            context: 128,
            vocabulary: 1024,
            rope_base: 10_000.0,
            norm_eps: 1e-5,
            tied: false,
        },
        optimizer: course.optimizer.clone(),
        schedule: course.schedule.clone(),
        batch: BATCH,
        micro_batch: None,
        steps: u64::MAX,
        seed: 0,
    };
    let model: Model = Trainer::new(&config)?.model().clone();
    let projector = ProjectorConfig {
        features: WIDTH,
        grid: VISUAL.isqrt(),
        tokens: VISUAL,
        layers: 2,
        width: WIDTH,
        outputs: WIDTH,
        activation: Activation::Gelu,
    };
    let projector = Projector::initial(&projector, 0)?;
    let encoder = VisionConfig {
        family: Family::Clip,
        layers: 3,
        width: WIDTH,
        heads: 4,
        hidden: 4 * WIDTH,
        gated: false,
        patch: 8,
        image: IMAGE,
        activation: Activation::QuickGelu,
        norm_eps: 1e-5,
    };
    let adapted = Adapted::new(model, projector, MARKER)?;
    Ok(adapted.with_encoder(Encoder::initial(&encoder, 0)?, Layer::Last)?)
}

/// An end, a picture of so many numbers, a question of 14 to 26 tokens and an answer of 8.
fn text(item: usize, numbers: usize) -> (Vec<u32>, Vec<bool>, Vec<f32>) {
    let said = 22 + item % 13;
    let mut tokens = vec![0];
    tokens.resize(1 + VISUAL, MARKER);
    tokens.extend((0..said).map(|at| ((item * 131 + at * 37) % 1000) as u32));
    let first = tokens.len() - 8;
    let answer = (0..tokens.len()).map(|at| at >= first).collect();
    let number = |i: usize| ((i + item) * 31 % 97) as f32 / 48.0 - 1.0;
    (tokens, answer, (0..numbers).map(number).collect())
}
