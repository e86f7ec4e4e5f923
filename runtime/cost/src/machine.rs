//! This machine: how fast its processor trains, scores and reads, as measured or as assumed.

use serde::{Deserialize, Serialize};

use crate::gpu::Gpus;
use crate::work::Work;

/// Version of the form in which speeds are kept.
pub const SCHEMA: u32 = 2;

/// ASSUMED where nothing was measured: FLOP/s of a thread in training. A core with AVX2 has a peak of
/// about 100 GFLOP/s in f32; small models reach a part of it.
pub const ROUGH: f64 = 50e9;

/// ASSUMED where nothing was measured: what each of several threads keeps of its speed.
const ROUGH_SHARED: f64 = 0.85;

/// A machine to compute on.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    /// Threads that jobs may use in all; at least 1.
    pub threads: u64,
    /// Bytes of memory, where they are known.
    pub memory: Option<u64>,
    /// How fast it is.
    pub speeds: Speeds,
    /// Whether that was measured.
    pub is_measured: bool,
    /// GPUs that trainings go to, where they were measured.
    pub gpus: Option<Gpus>,
}

/// What was measured of a machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Speeds {
    /// Training, for models of several sizes, in order of `flops_per_token`.
    pub training: Vec<Point>,
    /// Scoring text, in the same way.
    pub scoring: Vec<Point>,
    /// Seconds of a training step beside its FLOPs.
    pub step: f64,
    /// Bytes of text per second: made, learned from, and encoded.
    pub text: TextSpeeds,
}

/// Speeds with text, in bytes per second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextSpeeds {
    /// Made by the world.
    pub made: f64,
    /// Learned from by a tokenizer.
    pub learned: f64,
    /// Encoded, on one thread.
    pub encoded: f64,
}

/// The speed of models of one size, in FLOP/s of one job.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Model FLOPs of a token: the size.
    pub flops_per_token: f64,
    /// On one thread, nothing beside it.
    pub alone: f64,
    /// On all threads.
    pub all: f64,
    /// On one thread, beside as many others as there are threads.
    pub beside: f64,
}

/// How a job runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Company {
    /// Nothing else runs.
    Alone,
    /// Other jobs run.
    Beside,
}

impl Speeds {
    /// Speeds that are assumed where nothing was measured.
    pub fn rough(threads: u64) -> Self {
        let shared = if threads > 1 { ROUGH_SHARED } else { 1.0 };
        let point = |rate: f64| Point {
            flops_per_token: 1e7,
            alone: rate,
            all: rate * threads as f64 * shared,
            beside: rate * shared,
        };
        Self {
            training: vec![point(ROUGH)],
            scoring: vec![point(ROUGH)],
            step: 2e-4,
            text: TextSpeeds {
                made: 3e7,
                learned: 4e6,
                encoded: 3e6,
            },
        }
    }

    /// Whether all of it can be computed with.
    pub fn is_sound(&self) -> bool {
        let TextSpeeds {
            made,
            learned,
            encoded,
        } = self.text;
        let is_speed = |speed: f64| speed.is_finite() && speed > 0.0;
        let is_point = |point: &Point| {
            [point.flops_per_token, point.alone, point.all, point.beside]
                .into_iter()
                .all(is_speed)
        };
        let is_line = |line: &[Point]| {
            !line.is_empty()
                && line.iter().all(is_point)
                && line.is_sorted_by(|a, b| a.flops_per_token < b.flops_per_token)
        };
        is_line(&self.training)
            && is_line(&self.scoring)
            && self.step.is_finite()
            && self.step >= 0.0
            && [made, learned, encoded].into_iter().all(is_speed)
    }
}

impl Machine {
    /// Seconds of a job on so many of the machine's threads, or alone on a GPU where it goes to one.
    pub fn seconds(&self, work: &Work, threads: u64, company: Company) -> f64 {
        if let Some(seconds) = self.on_gpu(work, 1) {
            return seconds;
        }
        let Speeds {
            training,
            scoring,
            step,
            text,
        } = &self.speeds;
        let line = if work.steps > 0 { training } else { scoring };
        let computed = match work.flops {
            0.0 => 0.0,
            flops => flops / self.rate(line, work.flops_per_token, threads, company),
        };
        let read = work.text.made / text.made
            + work.text.learned / text.learned
            + work.text.encoded / (text.encoded * threads as f64);
        computed + work.steps as f64 * step + read
    }

    /// Seconds of a job on a GPU that it shares with others, so many in all; none where it goes to none.
    pub fn on_gpu(&self, work: &Work, trainings: u64) -> Option<f64> {
        let step = self.gpus.as_ref()?.speeds.step(work.gpu?, trainings)?;
        Some(work.steps as f64 * step)
    }

    /// How many trainings such as this one may share a GPU; none where it goes to none.
    pub fn trainings(&self, work: &Work) -> Option<u64> {
        Some(self.gpus.as_ref()?.speeds.trainings(work.gpu?))
    }

    /// FLOP/s for models of a size: between measured sizes the logarithm of the speed is
    /// interpolated along the logarithm of the size; beyond them it is that of the nearest.
    fn rate(&self, line: &[Point], size: f64, threads: u64, company: Company) -> f64 {
        let of = |point: &Point| self.on(point, threads, company).ln();
        let after = line.partition_point(|point| point.flops_per_token < size);
        let (low, high) = (line.get(after.wrapping_sub(1)), line.get(after));
        let ln = match (low, high) {
            (Some(low), Some(high)) => {
                let whole = (high.flops_per_token / low.flops_per_token).ln();
                let share = (size / low.flops_per_token).ln() / whole;
                of(low) * (1.0 - share) + of(high) * share
            }
            (Some(one), None) | (None, Some(one)) => of(one),
            (None, None) => ROUGH.ln(),
        };
        ln.exp()
    }

    /// FLOP/s at a measured size: between one thread and all of them a straight line.
    fn on(&self, point: &Point, threads: u64, company: Company) -> f64 {
        let one = match company {
            Company::Alone => point.alone,
            Company::Beside => point.beside,
        };
        match (threads.min(self.threads), self.threads) {
            (0 | 1, _) => one,
            (threads, all) if threads == all => point.all,
            (threads, all) => {
                let share = (threads - 1) as f64 / (all - 1) as f64;
                one + share * (point.all - one)
            }
        }
    }

    /// Bytes of memory of a job on so many threads.
    pub fn memory(work: &Work, threads: u64) -> f64 {
        work.memory.machine + work.memory.thread * threads as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Machine {
        let point = |flops_per_token, alone| Point {
            flops_per_token,
            alone,
            all: 3.0 * alone,
            beside: alone / 2.0,
        };
        let line = vec![point(1e6, 1e10), point(1e8, 4e10)];
        Machine {
            threads: 4,
            memory: None,
            speeds: Speeds {
                training: line.clone(),
                scoring: line,
                ..Speeds::rough(4)
            },
            is_measured: true,
            gpus: None,
        }
    }

    fn training(flops_per_token: f64) -> Work {
        Work {
            flops: 1e11,
            flops_per_token,
            steps: 100,
            ..Work::default()
        }
    }

    #[test]
    fn speeds_are_interpolated_between_sizes_and_threads() {
        let mut machine = machine();
        machine.speeds.step = 0.01;
        let rate = |size, threads, company| {
            1e11 / (machine.seconds(&training(size), threads, company) - 1.0)
        };
        let is = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-9, "{a} is not {b}");
        is(rate(1e6, 1, Company::Alone), 1e10);
        is(rate(1e6, 1, Company::Beside), 5e9);
        is(rate(1e6, 4, Company::Alone), 3e10);
        is(rate(1e6, 3, Company::Alone), 1e10 + 2.0 / 3.0 * 2e10);
        // Half-way in the logarithm of the size, half-way in that of the speed.
        is(rate(1e7, 1, Company::Alone), 2e10);
        // Beyond both ends, the nearest.
        is(rate(1e3, 1, Company::Alone), 1e10);
        is(rate(1e12, 1, Company::Alone), 4e10);
    }

    #[test]
    fn unsound_speeds_are_known() {
        assert!(machine().speeds.is_sound() && Speeds::rough(2).is_sound());
        for spoil in [
            |speeds: &mut Speeds| speeds.training.clear(),
            |speeds: &mut Speeds| speeds.training.reverse(),
            |speeds: &mut Speeds| speeds.step = f64::NAN,
            |speeds: &mut Speeds| speeds.text.encoded = 0.0,
        ] {
            let mut speeds = machine().speeds;
            spoil(&mut speeds);
            assert!(!speeds.is_sound(), "{speeds:?}");
        }
    }
}
