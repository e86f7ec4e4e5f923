//! Whether a training has lost its way for good, though its loss is still a number.

use vpc_train::StepReport;

use super::curve::Curve;

/// What a loss of guessing every token alike is multiplied by.
const TIMES: f64 = 2.0;
/// Steps in a row above that: no run comes back from there in any useful way.
const STEPS: u64 = 100;

/// Steps in a row whose loss is far above that of guessing.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Explosion {
    /// Mean nats per token: twice the logarithm of the vocabulary.
    limit: f64,
    /// Steps in a row above it.
    above: u64,
}

impl Explosion {
    /// Takes up the count where a curve ends, so that an interrupted run ends where it would have.
    pub(super) fn of(vocabulary: u64, curve: &Curve) -> Self {
        let limit = TIMES * (vocabulary as f64).ln();
        Self {
            limit,
            above: curve.above(limit),
        }
    }

    /// Counts a step; says what is wrong where there have been too many.
    pub(super) fn look(&mut self, report: &StepReport) -> Option<String> {
        self.above = if report.loss > self.limit {
            self.above + 1
        } else {
            0
        };
        (self.above >= STEPS).then(|| {
            format!(
                "training exploded: the loss has been above {:.2} for {STEPS} steps, twice that of guessing \
                 every token alike, and is {:.2} at step {}",
                self.limit, report.loss, report.step
            )
        })
    }

    /// Whether the last step was above the limit.
    pub(super) fn is_near(&self) -> bool {
        self.above > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: u64, loss: f64) -> StepReport {
        StepReport {
            step,
            loss,
            grad_norm: 1.0,
            rate: 0.1,
        }
    }

    #[test]
    fn only_many_steps_in_a_row_are_an_explosion() {
        let mut curve = Curve::new();
        let mut explosion = Explosion::of(256, &curve);
        // 2 ln 256 is 11.09.
        for at in 0..300 {
            let loss = if at % 60 == 59 { 11.0 } else { 12.0 };
            curve.add(&step(at, loss));
            assert_eq!(explosion.look(&step(at, loss)), None, "{at}");
        }
        assert!(!explosion.is_near());
        for at in 300..399 {
            curve.add(&step(at, 12.0));
            assert_eq!(explosion.look(&step(at, 12.0)), None, "{at}");
        }
        assert!(explosion.is_near());
        let mut resumed = Explosion::of(256, &curve);
        assert_eq!(resumed, explosion);
        let what = resumed.look(&step(399, 50.0)).expect("a hundred steps");
        assert!(
            what.contains("above 11.09") && what.contains("50.00 at step 399"),
            "{what}"
        );
    }
}
