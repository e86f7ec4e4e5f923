//! Logits as many at a time as are held, and the losses that are made of them.

use super::ops::{Ops, Product};
use super::tape::{Gradient, Value, Weight};
use super::{Command, Span};

/// Most logits held at a time: 128 Mi, 256 MiB of bf16.
const LOGITS: usize = 1 << 27;

/// Rows of logits that are held at a time.
fn held_logits(rows: usize, vocabulary: usize) -> usize {
    let held = (LOGITS / vocabulary).clamp(1, rows);
    // Whole tiles of the products, where there is more than one chunk.
    if held < rows && held > 128 {
        held / 128 * 128
    } else {
        held
    }
}

impl Ops {
    /// Losses of all rows, and the gradient of their sum times `scale`, chunk by chunk.
    pub(crate) fn cross_entropy(
        &self,
        x: &Value,
        weight: &Weight,
        targets: Span,
        losses: Span,
        scale: f32,
    ) -> Gradient {
        let dx = self.recorder.take(x.span().len, self.kind);
        self.by_chunks(x, weight, Some(dx.span()), |logits, rows| {
            Command::CrossEntropy {
                logits,
                losses: rows.of(losses, 1),
                targets: rows.of(targets, 1),
                vocabulary: weight.read.len / x.columns,
                scale: Some(scale),
            }
        });
        x.gradient().put(dx);
        x.gradient()
    }

    /// Losses of all rows alone, chunk by chunk.
    pub(crate) fn losses(&self, x: &Value, weight: &Weight, targets: Span, losses: Span) {
        self.by_chunks(x, weight, None, |logits, rows| Command::CrossEntropy {
            logits,
            losses: rows.of(losses, 1),
            targets: rows.of(targets, 1),
            vocabulary: weight.read.len / x.columns,
            scale: None,
        });
    }

    /// Logits of all rows, as many at a time as are held, each chunk with the command that makes losses of it;
    /// with `dx`, which that command then left the logits' gradient for, also the gradients of `x` and of the head.
    pub(super) fn by_chunks(
        &self,
        x: &Value,
        head: &Weight,
        dx: Option<Span>,
        entropy: impl Fn(Span, Rows) -> Command,
    ) {
        let (rows, width) = (x.rows(), x.columns);
        let vocabulary = head.read.len / width;
        let held = held_logits(rows, vocabulary);
        let logits = self.recorder.take(held * vocabulary, self.kind);
        for start in (0..rows).step_by(held) {
            let here = Rows {
                start,
                count: held.min(rows - start),
            };
            let logits = Span {
                len: here.count * vocabulary,
                ..logits.span()
            };
            let product = Product {
                rows: here.count,
                inputs: width,
                outputs: vocabulary,
            };
            let x = here.of(x.span(), width);
            self.recorder.push(product.forward(logits, x, head, None));
            self.recorder.push(entropy(logits, here));
            if let Some(dx) = dx {
                self.recorder
                    .push(product.input(here.of(dx, width), logits, head));
                if !head.is_frozen() {
                    self.recorder.push(product.weight(head, logits, x));
                }
            }
        }
    }
}

/// A run of rows.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    start: usize,
    count: usize,
}

impl Rows {
    /// These rows of a span of so many columns.
    pub(super) fn of(self, span: Span, columns: usize) -> Span {
        Span {
            at: span.at + self.start * columns * span.kind.bytes(),
            len: self.count * columns,
            kind: span.kind,
        }
    }
}
