//! GPUs of this machine, as they were measured: how fast they train alone and shared, and how many
//! trainings of a size share one.

use serde::{Deserialize, Serialize};
use vpc_compiler::plan::{Precision, PretrainTask};

use crate::flops::{recomputing, training};

/// By how much the sum of speeds must grow when twice as many trainings share a GPU.
pub const PAYS: f64 = 1.05;

/// Trainings that a GPU is measured with beside one another.
pub const TOGETHER: [u64; 4] = [1, 2, 4, 8];

/// What was measured of a kind of GPU.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GpuSpeeds {
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// Training in f32, for models of several sizes, in order of `flops_per_step`.
    pub f32: Vec<GpuPoint>,
    /// Training in bf16, in the same way.
    pub bf16: Vec<GpuPoint>,
}

/// The speed of trainings of one size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GpuPoint {
    /// Model FLOPs of a step: the size.
    pub flops_per_step: f64,
    /// Tokens of a step.
    pub tokens_per_step: u64,
    /// Tokens per second of all trainings together, with as many as [`TOGETHER`] says. It ends with the
    /// first that does not pay, or before one for which memory does not suffice.
    pub tokens_per_second: Vec<f64>,
}

/// GPUs that trainings of this machine go to: so many of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Gpus {
    /// As their driver calls them.
    pub name: String,
    /// How many there are; at least 1.
    pub count: u64,
    /// Bytes that trainings may have of each.
    pub bytes: u64,
    /// What was measured of them.
    pub speeds: GpuSpeeds,
}

/// What a GPU has to do for a training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GpuWork {
    /// Whether it computes in bf16; else in f32.
    pub is_bf16: bool,
    /// Model FLOPs of a step.
    pub flops_per_step: f64,
}

/// What a GPU has to do for a training that goes to one.
pub fn gpu_work(task: &PretrainTask) -> GpuWork {
    GpuWork {
        is_bf16: task.precision == Precision::Bf16,
        flops_per_step: (task.batch * task.model.context) as f64 * per_token(task),
    }
}

/// Model FLOPs of a token of a training, with what is computed again.
pub(crate) fn per_token(task: &PretrainTask) -> f64 {
    let again = if *task.recompute.get() {
        recomputing(&task.model)
    } else {
        0.0
    };
    training(&task.model) + again
}

impl GpuPoint {
    /// Seconds of a step of a training that is alone.
    fn step(&self) -> f64 {
        self.tokens_per_step as f64 / self.tokens_per_second.first().copied().unwrap_or(f64::NAN)
    }

    /// How many times as fast as one all trainings are together; none where it was not measured.
    fn gain(&self, doublings: usize) -> Option<f64> {
        Some(self.tokens_per_second.get(doublings)? / self.tokens_per_second.first()?)
    }

    fn is_sound(&self) -> bool {
        let is_speed = |speed: &f64| speed.is_finite() && *speed > 0.0;
        let rates = &self.tokens_per_second;
        is_speed(&self.flops_per_step)
            && self.tokens_per_step > 0
            && (1..=TOGETHER.len()).contains(&rates.len())
            && rates.iter().all(is_speed)
    }
}

/// The measured sizes next to one, and how near it is to the second, from 0 to 1.
struct Between<'l> {
    low: &'l GpuPoint,
    high: &'l GpuPoint,
    share: f64,
}

impl<'l> Between<'l> {
    /// None where nothing was measured. Beyond both ends both are the nearest.
    fn of(line: &'l [GpuPoint], size: f64) -> Option<Self> {
        let after = line.partition_point(|point| point.flops_per_step < size);
        let (before, high) = (line.get(after.wrapping_sub(1)), line.get(after));
        let low = before.or(high)?;
        let high = high.unwrap_or(low);
        let whole = (high.flops_per_step / low.flops_per_step).ln();
        let share = if whole > 0.0 {
            ((size / low.flops_per_step).ln() / whole).clamp(0.0, 1.0)
        } else {
            0.0
        };
        Some(Self { low, high, share })
    }

    /// A number between those of both, along logarithms.
    fn mean(&self, low: f64, high: f64) -> f64 {
        (low.ln() * (1.0 - self.share) + high.ln() * self.share).exp()
    }

    /// How many times as fast as one all trainings are together; none where it was not measured of
    /// both sizes.
    fn gain(&self, doublings: usize) -> Option<f64> {
        Some(self.mean(self.low.gain(doublings)?, self.high.gain(doublings)?))
    }
}

impl GpuSpeeds {
    fn line(&self, is_bf16: bool) -> &[GpuPoint] {
        if is_bf16 { &self.bf16 } else { &self.f32 }
    }

    /// Whether all of it can be computed with.
    pub fn is_sound(&self) -> bool {
        [&self.f32, &self.bf16].into_iter().all(|line| {
            !line.is_empty()
                && line.iter().all(GpuPoint::is_sound)
                && line.is_sorted_by(|a, b| a.flops_per_step < b.flops_per_step)
        })
    }

    /// How many trainings of a size may share a GPU: twice as many as long as the sum of their speeds
    /// grows by more than [`PAYS`] says. 1 where nothing was measured.
    ///
    /// Between measured sizes the logarithm of the gain is interpolated along the logarithm of a
    /// step's FLOPs; beyond them it is that of the nearest. Memory is no question here.
    pub fn trainings(&self, work: GpuWork) -> u64 {
        let Some(between) = Between::of(self.line(work.is_bf16), work.flops_per_step) else {
            return 1;
        };
        let (mut most, mut before) = (1, 1.0);
        for (doublings, count) in TOGETHER.into_iter().enumerate().skip(1) {
            match between.gain(doublings) {
                Some(gain) if gain > before * PAYS => (most, before) = (count, gain),
                _ => break,
            }
        }
        most
    }

    /// Seconds of a step of each of so many trainings that share a GPU; none where nothing was measured.
    ///
    /// Below the smallest measured size a step takes as long as there, since launches bound it; above the
    /// largest the FLOP/s stay what they are. A number of trainings that was not measured has the gain of
    /// the next smaller one that was.
    pub fn step(&self, work: GpuWork, trainings: u64) -> Option<f64> {
        let between = Between::of(self.line(work.is_bf16), work.flops_per_step)?;
        let larger = (work.flops_per_step / between.high.flops_per_step).max(1.0);
        let alone = between.mean(between.low.step(), between.high.step()) * larger;
        let measured = TOGETHER.iter().enumerate();
        let gains = measured.take_while(|(_, count)| **count <= trainings);
        let gain = gains.map_while(|(doublings, _)| between.gain(doublings));
        Some(alone * trainings.max(1) as f64 / gain.last().unwrap_or(1.0))
    }
}

#[cfg(test)]
#[path = "gpu_tests.rs"]
mod tests;
