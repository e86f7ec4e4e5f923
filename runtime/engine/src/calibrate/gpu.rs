//! How fast a GPU trains: the device's own trainer on four sizes, alone and with others beside it.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use vpc_cost::{GpuPoint, GpuSpeeds, PAYS, TOGETHER, training};
use vpc_device::cuda::{Cuda, available};
use vpc_device::program::{BatchShape, Precision};
use vpc_device::{Device, DeviceError, DeviceTrainer, TrainError, memory};
use vpc_train::{Activations, Batch, TrainConfig, with_threads};

use super::model::{Shape, prepared};
use crate::error::JobError;
use crate::gpus::RESERVED;

/// The sizes that are measured, with the words for them: the standard library's for a laptop, up to one
/// that fills a GPU by itself.
const SHAPES: [Shape; 4] = [
    Shape {
        layers: 4,
        width: 128,
        heads: 4,
        hidden: 344,
        context: 128,
        rows: 16,
        vocabulary: 1024,
    },
    Shape {
        layers: 6,
        width: 256,
        heads: 8,
        hidden: 688,
        context: 256,
        rows: 16,
        vocabulary: 1024,
    },
    Shape {
        layers: 8,
        width: 512,
        heads: 8,
        hidden: 1376,
        context: 512,
        rows: 16,
        vocabulary: 8192,
    },
    Shape {
        layers: 12,
        width: 768,
        heads: 12,
        hidden: 2048,
        context: 1024,
        rows: 32,
        vocabulary: 32_000,
    },
];

/// Steps before the clock runs: the first records the program, the second pays for what is new to it.
const WARM: usize = 2;

/// A GPU to measure, or what stands for one.
pub(super) struct Measured<'m, D> {
    /// Opens it anew, for a training of its own.
    pub(super) open: &'m (dyn Fn() -> Result<D, DeviceError> + Sync),
    /// Bytes that trainings may have of it.
    pub(super) bytes: u64,
    /// The sizes.
    pub(super) shapes: &'m [Shape],
    /// How long trainings of a size run beside one another.
    pub(super) window: Duration,
}

/// Measures GPU `index`, in about so much time, the preparation of each size not counted. `tell` hears
/// what is measured and the share of it that is done, from 0 to 1; `at` is the time of day, in milliseconds since
/// 1970.
///
/// Fails where there is no such GPU, with what to do about it.
pub fn calibrate_gpu(
    index: usize,
    time: Duration,
    at: u64,
    tell: &dyn Fn(&str, f64),
) -> Result<GpuSpeeds, JobError> {
    let there = available()?;
    let Some(info) = there.get(&index) else {
        vpc_device::cuda::usable(index)?;
        return Err(JobError::DeviceLost);
    };
    vpc_train::keep_freed_memory();
    let measured = Measured {
        open: &|| Cuda::open(index),
        bytes: (info.memory_bytes as u64).saturating_sub(RESERVED),
        shapes: &SHAPES,
        window: time / (2 * SHAPES.len() * TOGETHER.len()) as u32,
    };
    measured.speeds(at, tell)
}

impl<D: Device> Measured<'_, D> {
    /// Measures all sizes in both precisions.
    pub(super) fn speeds(&self, at: u64, tell: &dyn Fn(&str, f64)) -> Result<GpuSpeeds, JobError> {
        let all = (2 * self.shapes.len()) as f64;
        let line = |precision: Precision, word: &str, before: usize| {
            let mut points = Vec::new();
            for (done, shape) in self.shapes.iter().enumerate() {
                let share = (before + done) as f64 / all;
                tell(&format!("{word} at width {}", shape.width), share);
                points.extend(self.point(*shape, precision)?);
            }
            Ok::<_, JobError>(points)
        };
        let speeds = GpuSpeeds {
            at,
            bf16: line(Precision::Bf16, "bf16", 0)?,
            f32: line(Precision::F32, "f32", self.shapes.len())?,
        };
        tell("done", 1.0);
        Ok(speeds)
    }

    /// One size: twice as many trainings each time, as long as it pays and memory suffices. None where not
    /// even one fits.
    fn point(&self, shape: Shape, precision: Precision) -> Result<Option<GpuPoint>, JobError> {
        let (config, inputs, targets) = prepared(shape);
        let bytes = bytes(&config, precision)?;
        let mut rates: Vec<f64> = Vec::new();
        for count in TOGETHER {
            if bytes * count > self.bytes {
                break;
            }
            let trainings = Trainings {
                config: &config,
                batch: Batch {
                    inputs: &inputs,
                    targets: &targets,
                    length: shape.context as usize,
                },
                precision,
                count: count as usize,
            };
            let rate = match trainings.rate(self) {
                // Something else has of the GPU what these would need.
                Err(JobError::Device(DeviceError::Memory { .. })) if count > 1 => break,
                rate => rate?,
            };
            let pays = rates.last().is_none_or(|before| rate > before * PAYS);
            rates.push(rate);
            if !pays {
                break;
            }
        }
        let flops_per_step = training(&shape.spec()) * shape.tokens() as f64;
        Ok((!rates.is_empty()).then_some(GpuPoint {
            flops_per_step,
            tokens_per_step: shape.tokens(),
            tokens_per_second: rates,
        }))
    }
}

/// Bytes of a GPU that a training takes.
fn bytes(config: &TrainConfig, precision: Precision) -> Result<u64, JobError> {
    let shape = BatchShape {
        rows: config.batch,
        length: config.model.context,
    };
    Ok(memory(config, shape, precision, Activations::Kept)? as u64)
}

/// Trainings of one size beside one another.
struct Trainings<'t> {
    config: &'t TrainConfig,
    batch: Batch<'t>,
    precision: Precision,
    count: usize,
}

impl Trainings<'_> {
    /// Tokens per second of all of them together.
    fn rate<D: Device>(&self, on: &Measured<'_, D>) -> Result<f64, JobError> {
        let barrier = Barrier::new(self.count);
        let rates = thread::scope(|scope| {
            let one = || with_threads(1, || self.one(on, &barrier));
            let running: Vec<_> = (0..self.count).map(|_| scope.spawn(one)).collect();
            let ended = running.into_iter().map(thread::ScopedJoinHandle::join);
            ended.collect::<Vec<_>>()
        });
        let mut sum = 0.0;
        for rate in rates {
            let panicked = |_| JobError::Panicked("a measurement broke off".to_owned());
            sum += rate.map_err(panicked)???;
        }
        Ok(sum)
    }

    /// Tokens per second of one of them, from the moment on at which all are ready.
    fn one<D: Device>(&self, on: &Measured<'_, D>, barrier: &Barrier) -> Result<f64, JobError> {
        let ready = self.ready(on);
        // Whoever failed comes here as well, so that nobody waits for it.
        barrier.wait();
        let mut trainer = ready?;
        let (began, mut steps) = (Instant::now(), 0_u64);
        // A step is waited for, so what was counted was done.
        while steps < 2 || began.elapsed() < on.window {
            trainer.step(&self.batch)?;
            steps += 1;
        }
        let tokens = steps * self.batch.inputs.len() as u64;
        // A clock that stands still must not give a speed without end.
        Ok(tokens as f64 / began.elapsed().as_secs_f64().max(1e-9))
    }

    fn ready<D: Device>(&self, on: &Measured<'_, D>) -> Result<DeviceTrainer<D>, JobError> {
        let device = (on.open)().map_err(TrainError::from)?;
        let mut trainer = DeviceTrainer::new(self.config, self.precision, device)?;
        for _ in 0..WARM {
            trainer.step(&self.batch)?;
        }
        Ok(trainer)
    }
}

#[cfg(test)]
mod tests;
