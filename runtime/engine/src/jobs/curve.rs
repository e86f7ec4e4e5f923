//! The loss curve of a run: one line a step, carried through checkpoints.

use std::fmt::Write;

use vpc_train::StepReport;

/// `step,loss,grad_norm,rate`, with a heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Curve(String);

impl Curve {
    pub(super) fn new() -> Self {
        Self("step,loss,grad_norm,rate\n".to_owned())
    }

    /// Takes up a curve from a checkpoint.
    pub(super) fn read(bytes: &[u8]) -> Self {
        Self(String::from_utf8_lossy(bytes).into_owned())
    }

    pub(super) fn add(&mut self, report: &StepReport) {
        let StepReport {
            step,
            loss,
            grad_norm,
            rate,
        } = report;
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{step},{loss},{grad_norm},{rate}");
    }

    /// How many of the last steps had a loss above a limit, without one below it in between.
    pub(super) fn above(&self, limit: f64) -> u64 {
        let loss = |line: &str| line.split(',').nth(1)?.parse::<f64>().ok();
        let last = self.0.lines().rev();
        last.take_while(|line| loss(line).is_some_and(|loss| loss > limit))
            .count() as u64
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_steps_above_a_limit_are_counted() {
        let mut curve = Curve::new();
        assert_eq!(curve.above(1.0), 0);
        for (step, loss) in [5.0, 0.5, 2.0, 3.0].into_iter().enumerate() {
            curve.add(&StepReport {
                step: step as u64,
                loss,
                grad_norm: 1.0,
                rate: 0.1,
            });
        }
        assert_eq!(curve.above(1.0), 2);
        assert_eq!(curve.above(2.5), 1);
        assert_eq!(curve.above(3.0), 0);
        assert_eq!(Curve::read(curve.bytes()).above(0.1), 4);
    }
}
