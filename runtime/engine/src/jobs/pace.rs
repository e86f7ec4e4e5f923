//! When a training files its next checkpoint.

use std::time::{Duration, Instant};

/// Of the time of a training, one part in so many goes into filing checkpoints on the way.
const PARTS: u32 = 400;

/// The shortest and the longest time between two checkpoints, where it was left to the engine.
const SHORTEST: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_hours(1);

/// Bytes that are copied, digested and written in a microsecond, until it was measured.
const GUESS: u64 = 1_000;

/// The time between two checkpoints.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    asked: Option<Duration>,
    cost: Duration,
    last: Instant,
}

impl Pace {
    /// The pace of a training that begins now, from the interval that was asked for, if any, and the size of a
    /// checkpoint.
    pub(super) fn new(asked: Option<Duration>, bytes: u64) -> Self {
        Self {
            asked,
            cost: Duration::from_micros(bytes / GUESS),
            last: Instant::now(),
        }
    }

    /// Notes that a checkpoint has its state from now.
    pub(super) fn begin(&mut self) {
        self.last = Instant::now();
    }

    /// Notes what a checkpoint has cost the training.
    pub(super) fn learn(&mut self, cost: Duration) {
        self.cost = cost;
    }

    /// Whether it is time for a checkpoint.
    pub(super) fn is_due(&self) -> bool {
        self.last.elapsed() >= self.interval()
    }

    /// As asked for, else so long that filing takes one part in [`PARTS`] of it.
    fn interval(&self) -> Duration {
        self.asked
            .unwrap_or_else(|| self.cost.saturating_mul(PARTS).clamp(SHORTEST, LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_interval_follows_from_what_a_checkpoint_costs() {
        let mut pace = Pace::new(None, 207_000_000);
        assert_eq!(pace.interval(), Duration::from_millis(82_800));
        pace.learn(SECOND / 2);
        assert_eq!(pace.interval(), 200 * SECOND);
        pace.learn(SECOND / 1000);
        assert_eq!(pace.interval(), SHORTEST);
        pace.learn(Duration::MAX);
        assert_eq!(pace.interval(), LONGEST);
        assert_eq!(Pace::new(None, u64::MAX).interval(), LONGEST);
    }

    #[test]
    fn what_was_asked_for_holds() {
        let mut pace = Pace::new(Some(Duration::ZERO), 207_000_000);
        pace.learn(SECOND);
        assert!(pace.is_due());
        pace = Pace::new(Some(3600 * SECOND), 0);
        assert!(!pace.is_due());
        pace.begin();
        assert!(!pace.is_due());
    }
}
