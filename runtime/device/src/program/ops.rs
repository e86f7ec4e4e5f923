//! The decoder's operations as commands, forwards and backwards.

use vpc_train::Activations;

use super::arena::Buffer;
use super::tape::{Recorder, Tape, Value, Weight};
use super::{AttentionShape, Command, Kind, Span};

/// Rows of partial sums of a norm's gain.
const PARTIALS: usize = 512;

/// Records operations.
#[derive(Clone, Debug)]
pub(crate) struct Ops {
    pub(crate) recorder: Recorder,
    /// The kind of activations.
    pub(crate) kind: Kind,
    pub(crate) eps: f32,
    pub(crate) shape: AttentionShape,
    pub(crate) cos: Span,
    pub(crate) sin: Span,
}

/// The weights of a block.
#[derive(Clone, Debug)]
pub(crate) struct BlockWeights {
    pub(crate) attention_norm: Weight,
    pub(crate) qkv: Weight,
    pub(crate) output: Weight,
    pub(crate) mlp_norm: Weight,
    pub(crate) gate_up: Weight,
    pub(crate) down: Weight,
}

/// The tokens a step reads, and the positions sorted by them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tokens {
    pub(crate) inputs: Span,
    pub(crate) order: Span,
}

/// x·Wᵀ and its gradients.
pub(super) struct Product {
    pub(super) rows: usize,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
}

impl Product {
    pub(super) fn of(x: &Value, weight: &Weight) -> Self {
        let inputs = x.columns;
        Self {
            rows: x.rows(),
            inputs,
            outputs: weight.read.len / inputs,
        }
    }

    pub(super) fn forward(
        &self,
        out: Span,
        x: Span,
        weight: &Weight,
        plus: Option<Span>,
    ) -> Command {
        Command::Gemm {
            out,
            a: x,
            b: weight.read,
            m: self.rows,
            n: self.outputs,
            k: self.inputs,
            a_transposed: false,
            b_transposed: true,
            plus,
        }
    }

    /// dx = dy·W.
    pub(super) fn input(&self, dx: Span, dy: Span, weight: &Weight) -> Command {
        Command::Gemm {
            out: dx,
            a: dy,
            b: weight.read,
            m: self.rows,
            n: self.inputs,
            k: self.outputs,
            a_transposed: false,
            b_transposed: false,
            plus: None,
        }
    }

    /// dW (+)= dyᵀ·x.
    pub(super) fn weight(&self, weight: &Weight, dy: Span, x: Span) -> Command {
        Command::Gemm {
            out: weight.gradient,
            a: dy,
            b: x,
            m: self.outputs,
            n: self.inputs,
            k: self.rows,
            a_transposed: true,
            b_transposed: false,
            plus: weight.claim().then_some(weight.gradient),
        }
    }
}

impl Ops {
    pub(super) fn value(&self, rows: usize, columns: usize) -> Value {
        Value::new(self.recorder.take(rows * columns, self.kind), columns)
    }

    /// Rows of a table.
    pub(crate) fn embed(
        &self,
        table: &Weight,
        tokens: Tokens,
        width: usize,
        tape: &mut Tape,
    ) -> Value {
        let out = self.value(tokens.inputs.len, width);
        self.recorder.push(Command::Embed {
            out: out.span(),
            table: table.read,
            tokens: tokens.inputs,
            width,
        });
        let (ops, table, gradient) = (self.clone(), table.clone(), out.gradient());
        tape.backwards(move || {
            let Some(dy) = gradient.take() else { return };
            if table.is_frozen() {
                return;
            }
            ops.recorder.push(Command::EmbedGradient {
                dtable: table.gradient,
                dy: dy.span(),
                tokens: tokens.inputs,
                order: tokens.order,
                width,
                add: table.claim(),
            });
        });
        out
    }

    /// Normalised rows of `x`; the gradient is added to that which `x` has from elsewhere.
    pub(crate) fn rms_norm(&self, x: &Value, gain: &Weight, tape: &mut Tape) -> Value {
        let (rows, width) = (x.rows(), x.columns);
        let out = self.value(rows, width);
        let inverse = self.recorder.take(rows, Kind::F32);
        self.recorder.push(Command::RmsNorm {
            out: out.span(),
            inverse: inverse.span(),
            x: x.span(),
            gain: gain.read,
            width,
            eps: self.eps,
        });
        let (ops, gain, x, gradient) = (self.clone(), gain.clone(), x.clone(), out.gradient());
        tape.backwards(move || {
            let Some(dy) = gradient.take() else { return };
            let scratch = ops.recorder.take(PARTIALS * width, Kind::F32);
            let plus = x.gradient().take();
            // The kernel gives it in any case.
            let unread = gain
                .is_frozen()
                .then(|| ops.recorder.take(width, Kind::F32));
            ops.recorder.push(Command::RmsNormGradient {
                dx: dy.span(),
                dgain: unread.as_ref().map_or(gain.gradient, Buffer::span),
                scratch: scratch.span(),
                dy: dy.span(),
                x: x.span(),
                inverse: inverse.span(),
                gain: gain.read,
                width,
                plus: plus.as_ref().map(Buffer::span),
                add: unread.is_none() && gain.claim(),
            });
            x.gradient().put(dy);
        });
        out
    }

    /// x·Wᵀ.
    pub(crate) fn linear(&self, x: &Value, weight: &Weight, tape: &mut Tape) -> Value {
        let product = Product::of(x, weight);
        let out = self.value(product.rows, product.outputs);
        self.recorder
            .push(product.forward(out.span(), x.span(), weight, None));
        let (ops, weight, x, gradient) = (self.clone(), weight.clone(), x.clone(), out.gradient());
        tape.backwards(move || {
            let Some(dy) = gradient.take() else { return };
            ops.product_gradients(&product, &weight, &x, dy.span());
        });
        out
    }

    /// residual + x·Wᵀ: the residual's gradient is that of the sum.
    pub(crate) fn linear_residual(
        &self,
        x: &Value,
        weight: &Weight,
        residual: &Value,
        tape: &mut Tape,
    ) -> Value {
        let product = Product::of(x, weight);
        let out = self.value(product.rows, product.outputs);
        let plus = Some(residual.span());
        self.recorder
            .push(product.forward(out.span(), x.span(), weight, plus));
        let (ops, weight, x) = (self.clone(), weight.clone(), x.clone());
        let (gradient, of_residual) = (out.gradient(), residual.gradient());
        tape.backwards(move || {
            let Some(dy) = gradient.take() else { return };
            ops.product_gradients(&product, &weight, &x, dy.span());
            of_residual.put(dy);
        });
        out
    }

    pub(super) fn product_gradients(
        &self,
        product: &Product,
        weight: &Weight,
        x: &Value,
        dy: Span,
    ) {
        if !weight.is_frozen() {
            self.recorder.push(product.weight(weight, dy, x.span()));
        }
        let dx = self.recorder.take(x.span().len, self.kind);
        self.recorder.push(product.input(dx.span(), dy, weight));
        x.gradient().put(dx);
    }

    fn rope(&self, x: Span, back: bool) -> Command {
        let AttentionShape {
            queries,
            keys,
            width,
            length,
            ..
        } = self.shape;
        Command::Rope {
            x,
            cos: self.cos,
            sin: self.sin,
            row: (queries + 2 * keys) * width,
            heads: queries + keys,
            width,
            length,
            back,
        }
    }

    /// Attention of projections `qkv`, whose queries and keys are turned in place.
    pub(crate) fn attention(&self, qkv: &Value, tape: &mut Tape) -> Value {
        let (rows, shape) = (qkv.rows(), self.shape);
        self.recorder.push(self.rope(qkv.span(), false));
        let out = self.value(rows, shape.queries * shape.width);
        let log_sums = self.recorder.take(rows * shape.queries, Kind::F32);
        self.recorder.push(Command::Attention {
            out: out.span(),
            log_sums: log_sums.span(),
            qkv: qkv.span(),
            shape,
        });
        let (ops, qkv, kept) = (self.clone(), qkv.clone(), out.buffer.clone());
        let gradient = out.gradient();
        tape.backwards(move || {
            let Some(dout) = gradient.take() else { return };
            let delta = ops.recorder.take(rows * shape.queries, Kind::F32);
            let dqkv = ops.recorder.take(qkv.span().len, ops.kind);
            ops.recorder.push(Command::AttentionGradient {
                dqkv: dqkv.span(),
                delta: delta.span(),
                dout: dout.span(),
                qkv: qkv.span(),
                out: kept.span(),
                log_sums: log_sums.span(),
                shape,
            });
            ops.recorder.push(ops.rope(dqkv.span(), true));
            qkv.gradient().put(dqkv);
        });
        out
    }

    /// silu(gate)·up.
    pub(crate) fn swiglu(&self, gate_up: &Value, tape: &mut Tape) -> Value {
        let hidden = gate_up.columns / 2;
        let out = self.value(gate_up.rows(), hidden);
        self.recorder.push(Command::SwiGlu {
            out: out.span(),
            gate_up: gate_up.span(),
            hidden,
        });
        let (ops, gate_up, gradient) = (self.clone(), gate_up.clone(), out.gradient());
        tape.backwards(move || {
            let Some(dout) = gradient.take() else { return };
            // Nothing reads the inputs after this.
            ops.recorder.push(Command::SwiGluGradient {
                dgate_up: gate_up.span(),
                dout: dout.span(),
                gate_up: gate_up.span(),
                hidden,
            });
            gate_up.gradient().put(gate_up.buffer.clone());
        });
        out
    }

    /// A decoder block.
    pub(crate) fn block(&self, x: &Value, weights: &BlockWeights, tape: &mut Tape) -> Value {
        self.block_with(x, weights, tape, |qkv, tape| self.attention(qkv, tape))
    }

    /// The same, where `attend` is what is made of projections.
    pub(crate) fn block_with(
        &self,
        x: &Value,
        weights: &BlockWeights,
        tape: &mut Tape,
        attend: impl FnOnce(&Value, &mut Tape) -> Value,
    ) -> Value {
        let normed = self.rms_norm(x, &weights.attention_norm, tape);
        let qkv = self.linear(&normed, &weights.qkv, tape);
        let mixed = attend(&qkv, tape);
        let x = self.linear_residual(&mixed, &weights.output, x, tape);
        let normed = self.rms_norm(&x, &weights.mlp_norm, tape);
        let gate_up = self.linear(&normed, &weights.gate_up, tape);
        let inner = self.swiglu(&gate_up, tape);
        self.linear_residual(&inner, &weights.down, &x, tape)
    }

    /// A block whose inner values are kept, or computed again for its gradient.
    pub(crate) fn block_as(
        &self,
        x: &Value,
        weights: &BlockWeights,
        activations: Activations,
        tape: &mut Tape,
    ) -> Value {
        if activations == Activations::Kept {
            return self.block(x, weights, tape);
        }
        let out = self.block(x, weights, &mut Tape::silent());
        let out = Value::new(out.buffer, out.columns);
        let (ops, x, weights, gradient) =
            (self.clone(), x.clone(), weights.clone(), out.gradient());
        tape.backwards(move || {
            let Some(dy) = gradient.take() else { return };
            let mut inner = Tape::recording();
            let again = ops.block(&x, &weights, &mut inner);
            again.gradient().put(dy);
            // The inner tape's numbers are spans, whose handing out cannot fail.
            _ = inner.run();
        });
        out
    }
}
