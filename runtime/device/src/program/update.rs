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

/// What an update moves, and what it goes by.
pub(super) struct Moved {
    /// f32; the numbers that decay come first.
    pub(super) weights: Span,
    pub(super) first: Span,
    pub(super) second: Span,
    pub(super) gradient: Span,
    /// bf16 copy of the weights, in the bf16 class.
    pub(super) copy: Option<Span>,
    /// Numbers that decay.
    pub(super) decaying: usize,
    /// f64 `[3]`; see [`Command::Judge`].
    pub(super) report: Span,
    /// f32 `[8]`; see [`Command::AdamW`].
    pub(super) settings: Span,
}

impl Moved {
    /// Norm of the gradient, judgement and update.
    pub(super) fn update(&self, recorder: &Recorder, sums: &Sums) {
        let Sums {
            scratch,
            loss,
            squares,
        } = sums;
        recorder.push(Command::SumOfSquares {
            out: squares.span(),
            scratch: scratch.span(),
            x: self.gradient,
        });
        recorder.push(Command::Judge {
            report: self.report,
            loss: loss.span(),
            squares: squares.span(),
            settings: self.settings,
        });
        let rest = self.weights.len - self.decaying;
        let parts = [(0, self.decaying, true), (self.decaying, rest, false)];
        for (start, len, decays) in parts.into_iter().filter(|part| part.1 > 0) {
            let part = |of: Span| slice(of, start, len);
            recorder.push(Command::AdamW {
                weights: part(self.weights),
                copy: self.copy.map(part),
                first: part(self.first),
                second: part(self.second),
                gradient: part(self.gradient),
                report: self.report,
                settings: self.settings,
                decays,
            });
        }
    }
}

impl Step {
    /// Norm of the gradient, judgement and update.
    pub(super) fn update(&self, recorder: &Recorder, sums: &Sums) {
        let lasting = &self.lasting;
        let moved = Moved {
            weights: lasting.weights,
            first: lasting.first,
            second: lasting.second,
            gradient: lasting.gradient,
            copy: lasting.copy,
            decaying: lasting.decaying,
            report: self.report,
            settings: self.settings,
        };
        moved.update(recorder, sums);
    }
}
