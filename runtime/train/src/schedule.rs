//! The learning rate over a run.

use serde::{Deserialize, Serialize};

use crate::ConfigError;
use crate::config::within;

/// How the learning rate moves over a run; `floor` is the final rate as a share of the peak.
///
/// Steps count from 0 for the first update. All schedules warm up linearly: during the first
/// `warmup` steps the rate is peak · (step + 1) ÷ warmup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Schedule {
    /// The peak rate to the end.
    Constant {
        /// Steps of warm-up.
        warmup: u64,
    },
    /// Half a cosine from the peak to the floor (Loshchilov & Hutter 2017).
    Cosine {
        /// Steps of warm-up.
        warmup: u64,
        /// Final rate ÷ peak rate.
        floor: f64,
    },
    /// A straight line from the peak to the floor.
    Linear {
        /// Steps of warm-up.
        warmup: u64,
        /// Final rate ÷ peak rate.
        floor: f64,
    },
    /// Warm-up, stable, decay: the peak rate, then a straight line to the floor over the last
    /// `decay` steps (Hu et al. 2024). Runs of different lengths share everything before the decay.
    Wsd {
        /// Steps of warm-up.
        warmup: u64,
        /// Steps of decay, at the end of the run.
        decay: u64,
        /// Final rate ÷ peak rate.
        floor: f64,
    },
}

impl Schedule {
    /// Learning rate of update `step` in a run of `total` steps.
    ///
    /// With t = (step − start) ÷ (total − start), where start is the end of warm-up (or the start of
    /// decay for `Wsd`), the factor on the peak is 1 for `Constant`,
    /// floor + (1 − floor)·(1 + cos πt)/2 for `Cosine` and 1 − (1 − floor)·t for the others.
    /// The floor is reached at step = total, just past the last update, and holds from there on.
    pub fn rate(&self, peak: f64, step: u64, total: u64) -> f64 {
        let warmup = self.warmup();
        if step < warmup {
            return peak * (step + 1) as f64 / warmup as f64;
        }
        peak * match *self {
            Self::Constant { .. } => 1.0,
            Self::Cosine { floor, .. } => {
                let t = progress(step, warmup, total);
                floor + (1.0 - floor) * 0.5 * (1.0 + (std::f64::consts::PI * t).cos())
            }
            Self::Linear { floor, .. } => 1.0 - (1.0 - floor) * progress(step, warmup, total),
            Self::Wsd { decay, floor, .. } => {
                let start = total.saturating_sub(decay).max(warmup);
                1.0 - (1.0 - floor) * progress(step, start, total)
            }
        }
    }

    /// Checks that the floor is a share.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let floor = match *self {
            Self::Constant { .. } => 0.0,
            Self::Cosine { floor, .. } | Self::Linear { floor, .. } | Self::Wsd { floor, .. } => {
                floor
            }
        };
        within(
            "floor",
            floor,
            (0.0..=1.0).contains(&floor),
            "between 0 and 1",
        )
    }

    fn warmup(&self) -> u64 {
        match *self {
            Self::Constant { warmup }
            | Self::Cosine { warmup, .. }
            | Self::Linear { warmup, .. }
            | Self::Wsd { warmup, .. } => warmup,
        }
    }
}

/// How far `step` is from `start` to `end`, from 0 to 1.
fn progress(step: u64, start: u64, end: u64) -> f64 {
    if step <= start {
        0.0
    } else if step >= end {
        1.0
    } else {
        (step - start) as f64 / (end - start) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(schedule: &Schedule, total: u64, steps: &[u64]) -> Vec<f64> {
        let rounded = |rate: f64| (rate * 1e6).round() / 1e6;
        steps
            .iter()
            .map(|&step| rounded(schedule.rate(2.0, step, total)))
            .collect()
    }

    fn assert_rates(schedule: &Schedule, total: u64, expected: &[(u64, f64)]) {
        let steps: Vec<u64> = expected.iter().map(|e| e.0).collect();
        let values: Vec<f64> = expected.iter().map(|e| e.1).collect();
        assert_eq!(rates(schedule, total, &steps), values, "{schedule:?}");
    }

    #[test]
    fn known_points() {
        let constant = Schedule::Constant { warmup: 4 };
        assert_rates(
            &constant,
            10,
            &[(0, 0.5), (1, 1.0), (3, 2.0), (4, 2.0), (9, 2.0)],
        );
        let cosine = Schedule::Cosine {
            warmup: 10,
            floor: 0.1,
        };
        assert_rates(
            &cosine,
            110,
            &[
                (0, 0.2),
                (9, 2.0),
                (10, 2.0),
                (35, 1.736_396),
                (60, 1.1),
                (110, 0.2),
                (500, 0.2),
            ],
        );
        let linear = Schedule::Linear {
            warmup: 0,
            floor: 0.0,
        };
        assert_rates(&linear, 100, &[(0, 2.0), (25, 1.5), (99, 0.02), (100, 0.0)]);
        let wsd = Schedule::Wsd {
            warmup: 5,
            decay: 20,
            floor: 0.5,
        };
        assert_rates(
            &wsd,
            100,
            &[
                (0, 0.4),
                (4, 2.0),
                (5, 2.0),
                (79, 2.0),
                (80, 2.0),
                (90, 1.5),
                (99, 1.05),
            ],
        );
    }

    #[test]
    fn wsd_trunk_does_not_depend_on_the_end() {
        let wsd = Schedule::Wsd {
            warmup: 5,
            decay: 20,
            floor: 0.0,
        };
        for step in 0..80 {
            assert_eq!(
                wsd.rate(1e-3, step, 100).to_bits(),
                wsd.rate(1e-3, step, 1000).to_bits()
            );
        }
    }

    #[test]
    fn degenerate_lengths_stay_finite() {
        for total in 0..5 {
            for schedule in [
                Schedule::Cosine {
                    warmup: 7,
                    floor: 0.0,
                },
                Schedule::Linear {
                    warmup: 0,
                    floor: 0.0,
                },
                Schedule::Wsd {
                    warmup: 3,
                    decay: 9,
                    floor: 0.0,
                },
            ] {
                assert!((0..20).all(|step| schedule.rate(1.0, step, total).is_finite()));
            }
        }
    }
}
