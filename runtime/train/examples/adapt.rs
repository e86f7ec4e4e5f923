//! Speed of adaptation: `adapt KIND SECONDS THREADS` prints best and median examples per second.
//!
//! The shapes are those of the laptop editions: a decoder of 2 blocks of width 64, 36 visual tokens of an
//! encoder of 3 blocks, batches of 32. The kinds: `align` trains the projector, `instruct` the decoder
//! too.
#![expect(clippy::print_stdout, reason = "a command-line program")]

use std::error::Error;
use std::time::{Duration, Instant};

use vpc_train::adapted::{
    AdaptTrainer, Adapted, Example, Parts, Projector, ProjectorConfig, Sight,
};
use vpc_train::ops::Activation;
use vpc_train::{Course, Model, ModelConfig, Optimizer, Schedule, TrainConfig, Trainer};
use vpc_train::{keep_freed_memory, with_threads};

const BATCH: usize = 32;
const VISUAL: usize = 36;
const WIDTH: usize = 64;
const MARKER: u32 = 1023;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, kind, seconds, threads] = arguments.as_slice() else {
        return Err("usage: adapt align|instruct SECONDS THREADS".into());
    };
    let parts = Parts {
        projector: true,
        model: match kind.as_str() {
            "align" => false,
            "instruct" => true,
            _ => return Err("the kinds are align and instruct".into()),
        },
        encoder: false,
    };
    keep_freed_memory();
    let time = Duration::from_secs_f64(seconds.parse()?);
    let mut times = with_threads(threads.parse()?, || {
        measure(parts, time).map_err(|error| error.to_string())
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
fn measure(parts: Parts, time: Duration) -> Result<Vec<Duration>, Box<dyn Error>> {
    let course = course();
    let mut trainer = AdaptTrainer::new(&course, adapted(&course)?, parts)?;
    let texts: Vec<(Vec<u32>, Vec<bool>, Vec<f32>)> = (0..BATCH).map(text).collect();
    let batch: Vec<Example> = texts
        .iter()
        .map(|(tokens, answer, features)| Example {
            tokens,
            answer,
            sight: Sight::Features(features),
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
    Ok(Adapted::new(model, projector, MARKER)?)
}

/// An end, a picture, a question of 14 to 26 tokens and an answer of 8.
fn text(item: usize) -> (Vec<u32>, Vec<bool>, Vec<f32>) {
    let said = 22 + item % 13;
    let mut tokens = vec![0];
    tokens.resize(1 + VISUAL, MARKER);
    tokens.extend((0..said).map(|at| ((item * 131 + at * 37) % 1000) as u32));
    let first = tokens.len() - 8;
    let answer = (0..tokens.len()).map(|at| at >= first).collect();
    let number = |i: usize| ((i + item) * 31 % 97) as f32 / 48.0 - 1.0;
    (tokens, answer, (0..VISUAL * WIDTH).map(number).collect())
}
