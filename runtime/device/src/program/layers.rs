//! The operations of models of images as commands, forwards and backwards.

use vpc_train::ops::Activation;

use super::arena::Buffer;
use super::ops::{Ops, Product};
use super::tape::{Tape, Value, Weight};
use super::{Command, Kind, SightCommand, Span};

/// Rows of partial sums of a bias's gradient.
const PARTIALS: usize = 64;

/// A linear layer's weights.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) weight: Weight,
    pub(crate) bias: Weight,
}

/// The weights of a LayerNorm, read only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LayerNorm {
    pub(crate) gain: Span,
    pub(crate) bias: Span,
}

/// Answers to learn: what they are, one over how many there are, and where their losses go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answers {
    pub(crate) targets: Span,
    pub(crate) scale: Span,
    pub(crate) losses: Span,
}

impl Ops {
    fn sight(&self, command: SightCommand) {
        self.recorder.push(Command::Sight(command));
    }

    /// x·Wᵀ + bias; hands a gradient on to `x` if `x` `wants` one.
    pub(crate) fn layer(&self, x: &Value, layer: &Layer, wants: bool, tape: &mut Tape) -> Value {
        let product = Product::of(x, &layer.weight);
        let out = self.value(product.rows, product.outputs);
        let width = product.outputs;
        self.recorder
            .push(product.forward(out.span(), x.span(), &layer.weight, None));
        self.sight(SightCommand::AddBias {
            x: out.span(),
            bias: layer.bias.read,
            width,
        });
        let (ops, layer, x, gradient) = (self.clone(), layer.clone(), x.clone(), out.gradient());
        tape.backwards(move || {
            let Some(dy) = gradient.take() else { return };
            if !layer.bias.is_frozen() {
                let scratch = ops.recorder.take(PARTIALS * width, Kind::F32);
                ops.sight(SightCommand::BiasGradient {
                    dbias: layer.bias.gradient,
                    scratch: scratch.span(),
                    dy: dy.span(),
                    width,
                    add: layer.bias.claim(),
                });
            }
            if wants {
                ops.product_gradients(&product, &layer.weight, &x, dy.span());
            } else if !layer.weight.is_frozen() {
                ops.recorder
                    .push(product.weight(&layer.weight, dy.span(), x.span()));
            }
        });
        out
    }

    /// The function of each number of `x`.
    pub(crate) fn activate(&self, x: &Value, function: Activation, tape: &mut Tape) -> Value {
        let out = self.value(x.rows(), x.columns);
        self.sight(SightCommand::Activate {
            out: out.span(),
            x: x.span(),
            function,
        });
        let (ops, x, gradient) = (self.clone(), x.clone(), out.gradient());
        tape.backwards(move || {
            let Some(dy) = gradient.take() else { return };
            ops.sight(SightCommand::ActivateGradient {
                dx: dy.span(),
                dy: dy.span(),
                x: x.span(),
                function,
            });
            x.gradient().put(dy);
        });
        out
    }

    /// `x` with `rows` at `places`, in the place of `x`; nothing reads that afterwards. Hands a gradient on to
    /// the rows if they `want` one.
    pub(crate) fn put_rows(
        &self,
        x: &Value,
        (rows, want): (&Value, bool),
        places: Span,
        tape: &mut Tape,
    ) -> Value {
        let width = x.columns;
        self.sight(SightCommand::PutRows {
            out: x.span(),
            rows: Some(rows.span()),
            places,
            width,
        });
        let out = Value::new(x.buffer.clone(), width);
        let (ops, rows, gradient, of_x) =
            (self.clone(), rows.clone(), out.gradient(), x.gradient());
        tape.backwards(move || {
            let Some(dy) = gradient.take() else { return };
            if want {
                let drows = ops.recorder.take(rows.span().len, ops.kind);
                ops.sight(SightCommand::TakeRows {
                    out: drows.span(),
                    x: dy.span(),
                    places,
                    width,
                });
                rows.gradient().put(drows);
            }
            ops.sight(SightCommand::PutRows {
                out: dy.span(),
                rows: None,
                places,
                width,
            });
            of_x.put(dy);
        });
        out
    }

    /// The rows of `x` at `places`, each place once.
    pub(crate) fn take_rows(&self, x: &Value, places: Span, tape: &mut Tape) -> Value {
        let (width, len) = (x.columns, x.span().len);
        let out = self.value(places.len, width);
        self.sight(SightCommand::TakeRows {
            out: out.span(),
            x: x.span(),
            places,
            width,
        });
        let (ops, gradient, of_x) = (self.clone(), out.gradient(), x.gradient());
        tape.backwards(move || {
            let Some(dy) = gradient.take() else { return };
            let dx = ops.recorder.take(len, ops.kind);
            ops.recorder.push(Command::Zero { out: dx.span() });
            ops.sight(SightCommand::PutRows {
                out: dx.span(),
                rows: Some(dy.span()),
                places,
                width,
            });
            of_x.put(dx);
        });
        out
    }

    /// Losses of answers, of their rows' vectors, and the gradient of their mean, chunk by chunk.
    pub(crate) fn answers(&self, x: &Value, head: &Weight, answers: Answers) {
        let dx = self.recorder.take(x.span().len, self.kind);
        self.by_chunks(x, head, Some(dx.span()), |logits, rows| {
            Command::Sight(SightCommand::AnswerEntropy {
                logits,
                losses: rows.of(answers.losses, 1),
                targets: rows.of(answers.targets, 1),
                scale: answers.scale,
                width: head.read.len / x.columns,
            })
        });
        x.gradient().put(dx);
    }

    /// Normalised rows, without a gradient.
    pub(crate) fn layer_norm(&self, x: &Value, norm: LayerNorm) -> Value {
        let (rows, width) = (x.rows(), x.columns);
        let out = self.value(rows, width);
        let [mean, inverse] = [(); 2].map(|()| self.recorder.take(rows, Kind::F32));
        self.sight(SightCommand::LayerNorm {
            out: out.span(),
            mean: mean.span(),
            inverse: inverse.span(),
            x: x.span(),
            gain: norm.gain,
            bias: norm.bias,
            width,
            eps: self.eps,
        });
        out
    }

    /// residual + x·Wᵀ + bias, without a gradient.
    pub(crate) fn layer_residual(&self, x: &Value, layer: &Layer, residual: &Value) -> Value {
        let out = self.linear_residual(x, &layer.weight, residual, &mut Tape::silent());
        self.add_bias(&out, layer.bias.read);
        out
    }

    /// Adds `bias` to each run of as many numbers, in place.
    pub(crate) fn add_bias(&self, x: &Value, bias: Span) {
        self.sight(SightCommand::AddBias {
            x: x.span(),
            bias,
            width: bias.len,
        });
    }

    /// Attention of projections without rotary embedding, and without a gradient.
    pub(crate) fn plain_attention(&self, qkv: &Value) -> Value {
        let (rows, shape) = (qkv.rows(), self.shape);
        let out = self.value(rows, shape.queries * shape.width);
        let log_sums: Buffer = self.recorder.take(rows * shape.queries, Kind::F32);
        self.recorder.push(Command::Attention {
            out: out.span(),
            log_sums: log_sums.span(),
            qkv: qkv.span(),
            shape,
        });
        out
    }
}
