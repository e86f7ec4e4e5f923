//! The end of a step: sums of losses and of squares, and the update.

use super::arena::Buffer;
use super::step::{Step, slice};
use super::tape::Recorder;
use super::{Command, Kind, Span};

/// Room for sums, the loss among them.
pub(super) struct Sums {
    scratch: Buffer,
    loss: Buffer,
    squares: Buffer,
}

impl Sums {
    /// Adds up the losses, in order, and takes room for what the update needs.
    pub(super) fn of(recorder: &Recorder, losses: Span) -> Self {
        let scratch = recorder.take(1024, Kind::F64);
        let [loss, squares] = [(); 2].map(|()| recorder.take(1, Kind::F64));
        recorder.push(Command::Sum {
            out: loss.span(),
            scratch: scratch.span(),
            x: losses,
        });
        Self {
            scratch,
            loss,
            squares,
        }
    }

    /// f64 `[1]`: the sum of the losses.
    pub(super) fn loss(&self) -> Span {
        self.loss.span()
    }
}

impl Step {
    /// Norm of the gradient, judgement and update.
    pub(super) fn update(&self, recorder: &Recorder, sums: &Sums) {
        let lasting = &self.lasting;
        let Sums {
            scratch,
            loss,
            squares,
        } = sums;
        recorder.push(Command::SumOfSquares {
            out: squares.span(),
            scratch: scratch.span(),
            x: lasting.gradient,
        });
        recorder.push(Command::Judge {
            report: self.report,
            loss: loss.span(),
            squares: squares.span(),
            settings: self.settings,
        });
        let numbers = lasting.weights.len;
        for (start, len, decays) in [
            (0, lasting.decaying, true),
            (lasting.decaying, numbers - lasting.decaying, false),
        ] {
            let part = |of: Span| slice(of, start, len);
            recorder.push(Command::AdamW {
                weights: part(lasting.weights),
                copy: lasting.copy.map(part),
                first: part(lasting.first),
                second: part(lasting.second),
                gradient: part(lasting.gradient),
                report: self.report,
                settings: self.settings,
                decays,
            });
        }
    }
}
