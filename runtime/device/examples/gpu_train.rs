//! Trains on the GPU at hand, for comparison: `dev/bench_gpu.py` runs it.
//!
//! `gpu_train curve FOLDER cpu|f32|bf16` reads `config.json` (a `TrainConfig`), `model.safetensors`
//! and `batches.bin` (per step all inputs, then all targets, little-endian u32), trains, and writes
//! `losses.txt` (loss and gradient norm of each step).
//!
//! `gpu_train speed FOLDER f32|bf16 SECONDS` reads `config.json`, trains on random tokens, and prints
//! best and median tokens per second and the memory in GiB.
//!
//! `gpu_train memory FOLDER f32|bf16` reads `config.json` and prints what training takes of each GPU, in GiB,
//! with activations kept and recomputed; it needs no GPU.
//!
//! All take a number of GPUs at the end; the batch is shared out among them, and gradients are added up by
//! NCCL.
#![expect(clippy::print_stdout, reason = "a command-line program")]

use std::error::Error;
use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use vpc_device::cuda::{Cuda, Nccl};
use vpc_device::group::{GroupTrainer, memory};
use vpc_device::program::{BatchShape, Precision, Share};
use vpc_device::{DeviceError, DeviceTrainer, TrainError};
use vpc_train::{Activations, Batch, StepReport, TrainConfig, Trainer, with_threads};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["curve", folder, how] => curve(Path::new(folder), how, None),
        ["curve", folder, how, gpus] => curve(Path::new(folder), how, Some(gpus.parse()?)),
        ["speed", folder, how, seconds] => speed(Path::new(folder), how, seconds.parse()?, None),
        ["speed", folder, how, seconds, gpus] => {
            speed(Path::new(folder), how, seconds.parse()?, Some(gpus.parse()?))
        }
        ["memory", folder, how] => needed(Path::new(folder), how, 1),
        ["memory", folder, how, gpus] => needed(Path::new(folder), how, gpus.parse()?),
        _ => Err(
            "usage: gpu_train curve FOLDER cpu|f32|bf16 [GPUS], speed FOLDER f32|bf16 SECONDS [GPUS], or \
             memory FOLDER f32|bf16 [GPUS]"
                .into(),
        ),
    }
}

fn needed(folder: &Path, how: &str, ranks: usize) -> Result<(), Box<dyn Error>> {
    let config = config(folder)?;
    let batch = BatchShape {
        rows: config.batch,
        length: config.model.context,
    };
    let share = Share { batch, ranks };
    for activations in [Activations::Kept, Activations::Recomputed] {
        let bytes = memory(&config, share, precision(how)?, activations)?;
        println!("{activations:?} {:.1}", bytes as f64 / f64::from(1 << 30));
    }
    Ok(())
}

/// A trainer on one GPU, or on the first few.
enum OnGpus {
    One(Box<DeviceTrainer<Cuda>>),
    Several(Box<GroupTrainer<Cuda, Nccl>>),
}

impl OnGpus {
    fn of(
        config: &TrainConfig,
        host: Trainer,
        precision: Precision,
        gpus: Option<usize>,
    ) -> Result<Self, DeviceError> {
        let Some(gpus) = gpus else {
            let trainer = DeviceTrainer::of(config, host, precision, Cuda::open(0)?);
            return Ok(Self::One(Box::new(trainer)));
        };
        let gpus = (0..gpus).map(Cuda::open).collect::<Result<Vec<_>, _>>()?;
        let nccl = Nccl::join(&gpus)?;
        let trainer = GroupTrainer::of(config, host, precision, gpus, nccl);
        Ok(Self::Several(Box::new(trainer)))
    }

    fn step(&mut self, batch: &Batch<'_>) -> Result<StepReport, TrainError> {
        match self {
            Self::One(trainer) => trainer.step(batch),
            Self::Several(trainer) => trainer.step(batch),
        }
    }

    /// Bytes of each GPU.
    fn memory(&self) -> usize {
        match self {
            Self::One(trainer) => trainer.memory(),
            Self::Several(trainer) => trainer.memory(),
        }
    }
}

fn precision(how: &str) -> Result<Precision, String> {
    match how {
        "f32" => Ok(Precision::F32),
        "bf16" => Ok(Precision::Bf16),
        _ => Err(format!("`{how}` is neither f32 nor bf16")),
    }
}

fn config(folder: &Path) -> Result<TrainConfig, Box<dyn Error>> {
    Ok(serde_json::from_slice(&std::fs::read(
        folder.join("config.json"),
    )?)?)
}

fn curve(folder: &Path, how: &str, gpus: Option<usize>) -> Result<(), Box<dyn Error>> {
    let config = config(folder)?;
    let mut optimizer = Vec::new();
    Trainer::new(&config)?.save_optimizer(&mut optimizer)?;
    let model = std::fs::read(folder.join("model.safetensors"))?;
    let mut host = Trainer::resume(&config, &model, &optimizer)?;
    let bytes = std::fs::read(folder.join("batches.bin"))?;
    let tokens: Vec<u32> = bytes
        .as_chunks()
        .0
        .iter()
        .map(|word| u32::from_le_bytes(*word))
        .collect();
    let length = config.model.context;
    let size = config.batch * length;
    let steps = || {
        tokens.chunks_exact(2 * size).map(|step| {
            let (inputs, targets) = step.split_at(size);
            Batch {
                inputs,
                targets,
                length,
            }
        })
    };
    let reports: Vec<StepReport> = if how == "cpu" {
        let threads = std::thread::available_parallelism()?.get();
        with_threads(threads, || {
            steps()
                .map(|batch| host.step(&batch))
                .collect::<Result<_, _>>()
        })??
    } else {
        let mut trainer = OnGpus::of(&config, host, precision(how)?, gpus)?;
        steps()
            .map(|batch| trainer.step(&batch))
            .collect::<Result<_, _>>()?
    };
    let mut losses = String::new();
    for report in reports {
        writeln!(losses, "{:.9} {:.9}", report.loss, report.grad_norm)?;
    }
    Ok(std::fs::write(folder.join("losses.txt"), losses)?)
}

fn speed(
    folder: &Path,
    how: &str,
    seconds: f64,
    gpus: Option<usize>,
) -> Result<(), Box<dyn Error>> {
    let config = config(folder)?;
    let (length, vocabulary) = (config.model.context, config.model.vocabulary as u64);
    let mut state = 1_u64;
    let tokens: Vec<u32> = (0..=config.batch * length)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % vocabulary) as u32
        })
        .collect();
    let batch = Batch {
        inputs: &tokens[..tokens.len() - 1],
        targets: &tokens[1..],
        length,
    };
    let mut trainer = OnGpus::of(&config, Trainer::new(&config)?, precision(how)?, gpus)?;
    for _ in 0..4 {
        trainer.step(&batch)?;
    }
    let (mut times, start) = (Vec::new(), Instant::now());
    while times.len() < 5 || start.elapsed() < Duration::from_secs_f64(seconds) {
        let start = Instant::now();
        trainer.step(&batch)?;
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let count = batch.inputs.len() as f64;
    println!(
        "{:.0} {:.0} {:.2}",
        count / times[0],
        count / times[times.len() / 2],
        trainer.memory() as f64 / f64::from(1 << 30)
    );
    Ok(())
}
