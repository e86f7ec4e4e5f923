//! The commands that models of images need besides a decoder's, each with what it computes.
//!
//! `T` is a number of rows and `W` their length. A place of [`NOWHERE`](super::NOWHERE) is none: nothing is put there,
//! and zeros are taken from it.

use vpc_train::ops::Activation;

use super::Span;

/// One thing a device does for models of images. Spans do not overlap, but where the text says "in place".
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SightCommand {
    /// `out[t] = (x[t] − mean[t])·inverse[t]·gain + bias`, with `inverse[t] = 1/√(variance(x[t]) + eps)`.
    LayerNorm {
        /// Activations `[T, W]`.
        out: Span,
        /// f32 `[T]`.
        mean: Span,
        /// f32 `[T]`.
        inverse: Span,
        /// Activations `[T, W]`.
        x: Span,
        /// f32 `[W]`.
        gain: Span,
        /// f32 `[W]`.
        bias: Span,
        /// W.
        width: usize,
        /// Added to the variance.
        eps: f32,
    },
    /// Gradients of [`SightCommand::LayerNorm`].
    ///
    /// With `n = (x − mean)·inverse` and `g = dy·gain`: `dx = (plus +) inverse·(g − mean(g) − n·mean(g·n))`,
    /// `dgain (+)= Σₜ dy[t]·n[t]` and `dbias (+)= Σₜ dy[t]`.
    LayerNormGradient {
        /// Activations `[T, W]`; may be `dy` or `plus` itself, in place.
        dx: Span,
        /// f32 `[W]`.
        dgain: Span,
        /// f32 `[W]`.
        dbias: Span,
        /// f32 scratch, `[rows of partial sums, W]`: at least two rows and 3 numbers.
        scratch: Span,
        /// Activations `[T, W]`.
        dy: Span,
        /// Activations `[T, W]`.
        x: Span,
        /// f32 `[T]`.
        mean: Span,
        /// f32 `[T]`.
        inverse: Span,
        /// f32 `[W]`.
        gain: Span,
        /// W.
        width: usize,
        /// Activations `[T, W]`: the gradient of the residual stream, added to `dx`.
        plus: Option<Span>,
        /// Whether to add to what `dgain` and `dbias` hold.
        add: bool,
    },
    /// `x[t] += bias`, in place.
    AddBias {
        /// Activations `[T, W]`.
        x: Span,
        /// f32 `[W]`.
        bias: Span,
        /// W.
        width: usize,
    },
    /// `dbias (+)= Σₜ dy[t]`.
    BiasGradient {
        /// f32 `[W]`.
        dbias: Span,
        /// f32 scratch, `[rows of partial sums, W]`: at least one row.
        scratch: Span,
        /// Activations `[T, W]`.
        dy: Span,
        /// W.
        width: usize,
        /// Whether to add to what `dbias` holds.
        add: bool,
    },
    /// `out = function(x)`, number by number.
    Activate {
        /// Activations; may be `x` itself, in place.
        out: Span,
        /// As long.
        x: Span,
        /// Which.
        function: Activation,
    },
    /// `dx = dy·function′(x)`, number by number.
    ActivateGradient {
        /// Activations; may be `dy` or `x` itself, in place.
        dx: Span,
        /// As long.
        dy: Span,
        /// As long.
        x: Span,
        /// Which.
        function: Activation,
    },
    /// `out[places[i]] = rows[i]`; zeros where there are no `rows`. Other rows of `out` stay.
    PutRows {
        /// Activations `[any, W]`.
        out: Span,
        /// Activations `[T, W]`.
        rows: Option<Span>,
        /// u32 `[T]`, each at most once, or [`NOWHERE`](super::NOWHERE).
        places: Span,
        /// W.
        width: usize,
    },
    /// `out[i] = x[places[i]]`; zeros from [`NOWHERE`](super::NOWHERE).
    TakeRows {
        /// Activations `[T, W]`.
        out: Span,
        /// Activations `[any, W]`.
        x: Span,
        /// u32 `[T]`.
        places: Span,
        /// W.
        width: usize,
    },
    /// Losses of rows of logits whose target is not [`NOWHERE`](super::NOWHERE), and their gradient in place.
    ///
    /// As [`super::Command::CrossEntropy`], with the scale in memory; other rows have loss and gradient 0.
    AnswerEntropy {
        /// Activations `[T, W]`.
        logits: Span,
        /// f32 `[T]`.
        losses: Span,
        /// u32 `[T]`.
        targets: Span,
        /// f32 `[1]`: 1 ÷ the number of answers of the whole batch.
        scale: Span,
        /// W, the vocabulary.
        width: usize,
    },
}
