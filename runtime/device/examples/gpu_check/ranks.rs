//! Steps in parts, and steps on several devices, against a step of one device.

use std::error::Error;

use vpc_device::cuda::{Cuda, Nccl, available};
use vpc_device::group::{Communicator, GroupTrainer, ThroughHost};
use vpc_device::program::Precision;
use vpc_device::{Device, DeviceTrainer, Host, TrainError};
use vpc_train::{Batch, ModelConfig, Optimizer, Schedule, StepReport, TrainConfig, Trainer};

const LENGTH: usize = 64;
const STEPS: usize = 20;
/// How far losses may be from those of the whole batch on one device, in parts of them.
const ALLOWED: f64 = 1e-4;

/// Losses, and the weights' file.
type Run = (Vec<StepReport>, Vec<u8>);

fn config(micro_batch: Option<usize>) -> TrainConfig {
    TrainConfig {
        model: ModelConfig {
            layers: 2,
            width: 128,
            heads: 2,
            kv_heads: 2,
            hidden: 352,
            context: LENGTH,
            vocabulary: 512,
            rope_base: 10_000.0,
            norm_eps: 1e-5,
            tied: true,
        },
        optimizer: Optimizer {
            rate: 1e-3,
            beta1: 0.9,
            beta2: 0.95,
            eps: 1e-8,
            weight_decay: 0.1,
            clip: 1.0,
        },
        schedule: Schedule::Constant { warmup: 5 },
        batch: 8,
        micro_batch,
        steps: STEPS as u64,
        seed: 1,
    }
}

fn train(
    config: &TrainConfig,
    mut step: impl FnMut(&Batch<'_>) -> Result<StepReport, TrainError>,
) -> Result<Vec<StepReport>, TrainError> {
    let mut token = 1_u32;
    (0..STEPS)
        .map(|_| {
            let tokens: Vec<u32> = (0..=config.batch * LENGTH)
                .map(|place| {
                    token = (token * 5 + 3 + u32::from(place % 9 == 0)) % 512;
                    token
                })
                .collect();
            step(&Batch {
                inputs: &tokens[..tokens.len() - 1],
                targets: &tokens[1..],
                length: LENGTH,
            })
        })
        .collect()
}

fn file(trainer: &Trainer) -> Result<Vec<u8>, Box<dyn Error>> {
    Ok(trainer.model().encode()?)
}

fn alone<D: Device>(config: &TrainConfig, device: D) -> Result<Run, Box<dyn Error>> {
    let mut trainer = DeviceTrainer::new(config, Precision::F32, device)?;
    let reports = train(config, |batch| trainer.step(batch))?;
    Ok((reports, file(&trainer.to_host()?)?))
}

fn together<C: Communicator<Cuda>>(
    config: &TrainConfig,
    gpus: Vec<Cuda>,
    communicator: C,
) -> Result<Run, Box<dyn Error>> {
    let mut trainer = GroupTrainer::new(config, Precision::F32, gpus, communicator)?;
    let reports = train(config, |batch| trainer.step(batch))?;
    trainer.check_alike()?;
    Ok((reports, file(&trainer.to_host()?)?))
}

fn open(gpus: &[usize]) -> Result<Vec<Cuda>, Box<dyn Error>> {
    let gpus = gpus.iter().map(|index| Cuda::open(*index));
    Ok(gpus.collect::<Result<_, _>>()?)
}

/// Prints a table; whether all is right.
pub(crate) fn table() -> Result<bool, Box<dyn Error>> {
    println!("\n| {STEPS} steps | losses apart | allowed | same bits again |\n|---|---|---|---|");
    let (whole, cut) = (config(None), config(Some(6)));
    let theirs = alone(&whole, Host::new())?;
    let mut right = true;
    let mut row = |what: &str, once: &Run, again: &Run| {
        let apart = once.0.iter().zip(&theirs.0);
        let apart = apart.map(|(one, other)| (one.loss - other.loss).abs() / other.loss);
        let apart = apart.fold(0.0, f64::max);
        let repeats = once == again;
        right &= apart <= ALLOWED && repeats;
        let (mark, repeats) = (
            if apart <= ALLOWED { "" } else { " WRONG" },
            if repeats { "yes" } else { "NO" },
        );
        println!("| {what} | {apart:.1e}{mark} | {ALLOWED:.0e} | {repeats} |");
    };
    let twice = |config: &TrainConfig| -> Result<[Run; 2], Box<dyn Error>> {
        Ok([
            alone(config, Cuda::open(0)?)?,
            alone(config, Cuda::open(0)?)?,
        ])
    };
    let [once, again] = twice(&whole)?;
    row("the batch at once", &once, &again);
    let [once, again] = twice(&cut)?;
    row("micro-batches of 6 and 2", &once, &again);
    let once = together(&cut, open(&[0, 0])?, ThroughHost)?;
    let again = together(&cut, open(&[0, 0])?, ThroughHost)?;
    row("two ranks on one GPU", &once, &again);
    let gpus: Vec<usize> = available()?.into_keys().take(2).collect();
    if gpus.len() < 2 {
        println!("\nSKIPPED: two GPUs by NCCL: there is one GPU here");
        return Ok(right);
    }
    if let Err(error) = Nccl::check() {
        println!("\nSKIPPED: two GPUs by NCCL: {error}");
        return Ok(right);
    }
    // One addition for each number, in either order: so NCCL's bits are those of the host's sums.
    let host = together(&cut, open(&gpus)?, ThroughHost)?;
    let ours = open(&gpus)?;
    let nccl = Nccl::join(&ours)?;
    let once = together(&cut, ours, nccl)?;
    row("two GPUs by NCCL, and by way of the host", &once, &host);
    Ok(right)
}
