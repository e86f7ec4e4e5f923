//! The commands a device knows, each with what it computes.
//!
//! Matrices are row-major. `T` is the number of tokens of a batch, `W` the model's width, `V` its
//! vocabulary, `H` the MLP's hidden width. *Activations* are f32 or bf16, one kind throughout a
//! program; all arithmetic inside a command is f32 (sums of losses and of squares f64) and is rounded
//! once, when it is stored. Each command gives the same bits whenever it is run on the same device:
//! sums have a fixed order, and no command uses floating-point atomics.

use super::SightCommand;

/// What numbers a span holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// IEEE single precision.
    F32,
    /// The upper half of an f32, rounded to nearest even.
    Bf16,
    /// Token numbers and indices.
    U32,
    /// Double precision: sums.
    F64,
}

impl Kind {
    /// Bytes of one number.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Bf16 => 2,
            Self::F32 | Self::U32 => 4,
            Self::F64 => 8,
        }
    }
}

/// A run of numbers in a device's arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// Where it begins, in bytes from the arena's beginning; a multiple of 16.
    pub at: usize,
    /// How many numbers.
    pub len: usize,
    /// Of what kind.
    pub kind: Kind,
}

/// Which keys a query sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mask {
    /// Those up to its own place.
    Causal,
    /// All of its sequence.
    Full,
}

/// The shape of an attention: `sequences` sequences of `length` tokens.
///
/// A row of `qkv` is `(queries + 2·keys)·width` long: all query heads, all key heads, all value heads.
/// Query head `h` reads key head `h / (queries / keys)`. Scores are scaled by 1/√width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttentionShape {
    /// Sequences in the batch.
    pub sequences: usize,
    /// Tokens of each.
    pub length: usize,
    /// Query heads; a multiple of `keys`.
    pub queries: usize,
    /// Key heads, and value heads.
    pub keys: usize,
    /// Length of a head; even, at most 256.
    pub width: usize,
    /// Which keys a query sees.
    pub mask: Mask,
}

/// The shape of an attention over kept keys and values.
///
/// A row of the cache is `2·keys·width` long: all key heads, all value heads of one token. Query head `h`
/// reads key head `h / (queries / keys)`. Scores are scaled by 1/√width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CacheShape {
    /// Query heads; a multiple of `keys`.
    pub queries: usize,
    /// Key heads, and value heads.
    pub keys: usize,
    /// Length of a head; even, at most 256.
    pub width: usize,
}

impl CacheShape {
    /// Numbers of a token's row of `qkv`: all query heads, all key heads, all value heads.
    pub const fn row(self) -> usize {
        (self.queries + 2 * self.keys) * self.width
    }

    /// Numbers of a token's row of the cache.
    pub const fn kept(self) -> usize {
        2 * self.keys * self.width
    }
}

/// The place of a row that has none: it is passed over.
pub const NOWHERE: u32 = u32::MAX;

/// One thing a device does. Spans of one command do not overlap, but where the text says "in place".
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Command {
    /// Sets every number of `out` (any kind) to zero.
    Zero {
        /// Any span.
        out: Span,
    },
    /// `out = x`, converted if the kinds (f32, bf16) differ.
    Copy {
        /// Same length as `x`.
        out: Span,
        /// f32 or bf16.
        x: Span,
    },
    /// `out += x`, both activations.
    Add {
        /// Read and written.
        out: Span,
        /// Same length.
        x: Span,
    },
    /// `out[t] = table[tokens[t]]`.
    Embed {
        /// Activations `[T, W]`.
        out: Span,
        /// Activations' kind `[V, W]`.
        table: Span,
        /// u32 `[T]`.
        tokens: Span,
        /// W.
        width: usize,
    },
    /// `dtable[v] (+)= Σ dy[t]` over the tokens t that are v, in ascending t.
    ///
    /// `order` sorts the positions by token, then by position; rows of tokens that do not occur are
    /// set to zero unless `add`.
    EmbedGradient {
        /// f32 `[V, W]`.
        dtable: Span,
        /// Activations `[T, W]`.
        dy: Span,
        /// u32 `[T]`.
        tokens: Span,
        /// u32 `[T]`.
        order: Span,
        /// W.
        width: usize,
        /// Whether to add to what `dtable` holds.
        add: bool,
    },
    /// `out = op(a)·op(b) (+ residual) (+ out)`, an m×n matrix; inner dimension k.
    ///
    /// `a` is `[m, k]`, or `[k, m]` if `a_transposed`; `b` is `[k, n]`, or `[n, k]` if `b_transposed`. `a`
    /// and `b` are of one kind; `out` is of that kind, or f32 (weight gradients from bf16).
    Gemm {
        /// `[m, n]`.
        out: Span,
        /// First factor.
        a: Span,
        /// Second factor.
        b: Span,
        /// Rows of the result.
        m: usize,
        /// Columns of the result.
        n: usize,
        /// Inner dimension.
        k: usize,
        /// Whether `a` lies transposed.
        a_transposed: bool,
        /// Whether `b` lies transposed.
        b_transposed: bool,
        /// Added to the product, `[m, n]`, the kind of `out`; may be `out` itself, to accumulate.
        plus: Option<Span>,
    },
    /// `out[t] = x[t]·inverse[t]·gain`, with `inverse[t] = 1/√(mean(x[t]²) + eps)`.
    RmsNorm {
        /// Activations `[T, W]`.
        out: Span,
        /// f32 `[T]`.
        inverse: Span,
        /// Activations `[T, W]`.
        x: Span,
        /// f32 `[W]`.
        gain: Span,
        /// W.
        width: usize,
        /// Added to the mean square.
        eps: f32,
    },
    /// Gradients of [`Command::RmsNorm`].
    ///
    /// `dx = (plus +) inverse·(g − x·inverse²·mean(g·x))` with `g = dy·gain`, and
    /// `dgain (+)= Σₜ dy[t]·x[t]·inverse[t]`.
    RmsNormGradient {
        /// Activations `[T, W]`; may be `dy` or `plus` itself, in place.
        dx: Span,
        /// f32 `[W]`.
        dgain: Span,
        /// f32 scratch, `[rows of partial sums, W]`: as many rows as there is room for.
        scratch: Span,
        /// Activations `[T, W]`.
        dy: Span,
        /// Activations `[T, W]`.
        x: Span,
        /// f32 `[T]`.
        inverse: Span,
        /// f32 `[W]`.
        gain: Span,
        /// W.
        width: usize,
        /// Activations `[T, W]`: the gradient of the residual stream, added to `dx`.
        plus: Option<Span>,
        /// Whether to add to what `dgain` holds.
        add: bool,
    },
    /// Turns the first `heads` heads of each row in place: the half-split rotary embedding.
    ///
    /// With `c, s` the angles' cosine and sine at position `t mod length` and pair `i`, of
    /// `(a, b) = (x[i], x[i + width/2])`: `(a·c − b·s, b·c + a·s)`, or with `−s` if `back`.
    Rope {
        /// Activations `[T, row]`.
        x: Span,
        /// f32 `[context, width/2]`.
        cos: Span,
        /// f32 `[context, width/2]`.
        sin: Span,
        /// Numbers in a row of `x`.
        row: usize,
        /// Heads to turn.
        heads: usize,
        /// Length of a head.
        width: usize,
        /// Tokens of a sequence.
        length: usize,
        /// Whether to turn back (the gradient).
        back: bool,
    },
    /// Softmax attention of each sequence; `log_sums[t, h]` is the natural log of the sum of
    /// exponentials of query t's scaled scores.
    Attention {
        /// Activations `[T, queries·width]`.
        out: Span,
        /// f32 `[T, queries]`.
        log_sums: Span,
        /// Activations `[T, (queries + 2·keys)·width]`.
        qkv: Span,
        /// Its shape.
        shape: AttentionShape,
    },
    /// Gradient of [`Command::Attention`]: all of `dqkv` is written.
    AttentionGradient {
        /// Activations, as `qkv`.
        dqkv: Span,
        /// f32 scratch `[T, queries]`: `Σ dout·out` of each head.
        delta: Span,
        /// Activations `[T, queries·width]`.
        dout: Span,
        /// As the forward pass took it.
        qkv: Span,
        /// As the forward pass gave it.
        out: Span,
        /// As the forward pass gave it.
        log_sums: Span,
        /// Its shape.
        shape: AttentionShape,
    },
    /// Turns queries and keys to their positions, and keeps keys and values: row `places[t]` of the cache
    /// becomes those of row t.
    ///
    /// The position of row t in its sequence is `places[t] − starts[t]`. Its queries are turned in place, as by
    /// [`Command::Rope`]; its keys are turned on their way into the cache, and stay as they are in `qkv`. A row whose
    /// place is [`NOWHERE`] is left alone. No place occurs twice.
    StoreKeys {
        /// Activations `[T, (queries + 2·keys)·width]`; queries are changed in place.
        qkv: Span,
        /// Activations `[places, 2·keys·width]`; other rows stay as they are.
        cache: Span,
        /// f32 `[context, width/2]`.
        cos: Span,
        /// f32 `[context, width/2]`.
        sin: Span,
        /// u32 `[T]`: where the row's sequence begins in the cache.
        starts: Span,
        /// u32 `[T]`: where the row's keys and values go.
        places: Span,
        /// Its shape.
        shape: CacheShape,
    },
    /// Softmax attention of each row's queries over what is kept of its sequence: rows `starts[t]` to `places[t]` of
    /// the cache, both among them.
    ///
    /// A row whose place is [`NOWHERE`] becomes zero.
    CachedAttention {
        /// Activations `[T, queries·width]`.
        out: Span,
        /// Activations `[T, (queries + 2·keys)·width]`, of which queries are read, turned.
        qkv: Span,
        /// Activations `[places, 2·keys·width]`.
        cache: Span,
        /// u32 `[T]`.
        starts: Span,
        /// u32 `[T]`.
        places: Span,
        /// Its shape.
        shape: CacheShape,
    },
    /// `out[t] = silu(gate)·up`, where row t of `gate_up` is gate then up.
    SwiGlu {
        /// Activations `[T, H]`.
        out: Span,
        /// Activations `[T, 2·H]`.
        gate_up: Span,
        /// H.
        hidden: usize,
    },
    /// Gradient of [`Command::SwiGlu`].
    SwiGluGradient {
        /// Activations `[T, 2·H]`; may be `gate_up` itself, in place.
        dgate_up: Span,
        /// Activations `[T, H]`.
        dout: Span,
        /// Activations `[T, 2·H]`.
        gate_up: Span,
        /// H.
        hidden: usize,
    },
    /// Losses of rows of logits, and their gradient in place.
    ///
    /// `losses[t] = log Σ exp(logits[t]) − logits[t, targets[t]]`, then
    /// `logits[t] = scale·(softmax(logits[t]) − one-hot(targets[t]))` if there is a `scale`.
    CrossEntropy {
        /// Activations `[rows, V]`.
        logits: Span,
        /// f32 `[rows]`.
        losses: Span,
        /// u32 `[rows]`.
        targets: Span,
        /// V.
        vocabulary: usize,
        /// 1/T of the whole batch; none to leave the logits undefined.
        scale: Option<f32>,
    },
    /// `out = Σ x`, in f64.
    Sum {
        /// f64 `[1]`.
        out: Span,
        /// f64 scratch, at least 1024.
        scratch: Span,
        /// f32.
        x: Span,
    },
    /// `out = Σ x²`, in f64.
    SumOfSquares {
        /// f64 `[1]`.
        out: Span,
        /// f64 scratch, at least 1024.
        scratch: Span,
        /// f32.
        x: Span,
    },
    /// From the loss and the gradient's squares: what the update needs to know.
    ///
    /// `norm = √Σ squares` (ascending), `factor = settings[0] = 0 ? 1 : min(1, settings[0]/(norm + 10⁻⁶))`,
    /// and 0 if the loss or the norm is not finite. Writes `report = [loss sum, norm, factor]`.
    Judge {
        /// f64 `[3]`.
        report: Span,
        /// f64 `[1]`.
        loss: Span,
        /// f64, one for each part of the gradient.
        squares: Span,
        /// f32 `[8]`; see [`Command::AdamW`].
        settings: Span,
    },
    /// What models of images need besides.
    Sight(SightCommand),
    /// One AdamW update, unless the report's factor is 0, which changes nothing.
    ///
    /// `settings = [clip, beta1, beta2, step, keep, root, eps, 0]`, as `vpc_train`'s update has them:
    /// with `g = factor·gradient`: `m = beta1·m + (1−beta1)·g`, `v = beta2·v + (1−beta2)·g²`,
    /// `w = keep·w − step·m/(√v·root + eps)` (`keep` is 1 unless `decays`).
    AdamW {
        /// f32: the weights themselves.
        weights: Span,
        /// bf16 copy of the weights for the next step, if the program's activations are bf16.
        copy: Option<Span>,
        /// f32: first moment.
        first: Span,
        /// f32: second moment.
        second: Span,
        /// f32.
        gradient: Span,
        /// f64 `[3]`.
        report: Span,
        /// f32 `[8]`.
        settings: Span,
        /// Whether weight decay applies.
        decays: bool,
    },
}
