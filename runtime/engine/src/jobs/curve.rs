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

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}
