//! Reading token by token over kept keys and values, recorded once.
//!
//! Several programs share one arena. A *pass* reads tokens of any sequences, each at a place of the cache,
//! and leaves their vectors in one span; a *head* makes logits or losses of some of these.

use vpc_train::{ConfigError, ModelConfig};

use super::arena::{Arena, Buffer};
use super::frozen::Frozen;
use super::ops::Tokens;
use super::tape::{Recorder, Tape, Value};
use super::{CacheShape, Command, Kind, Precision, SightCommand, Span};

/// Tokens of a pass over prompts and options, or as many as are ever kept.
const WIDE: usize = 512;
/// Rows whose losses are computed at a time, or as many as a pass has.
const LOSSES: usize = 256;

/// Programs that read with one model.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) frozen: Frozen,
    /// Sequences that are kept at a time, each as long as the context.
    pub(crate) slots: usize,
    /// Bytes of memory in all.
    pub(crate) bytes: usize,
    /// Over many tokens of a sequence.
    pub(crate) wide: Pass,
    /// The same, where vectors stand in the place of some.
    pub(crate) seeing: Pass,
    /// Over one token of each sequence.
    pub(crate) narrow: Pass,
    /// Logits of as many rows as there are slots.
    pub(crate) logits: Head,
    /// Losses of rows.
    pub(crate) losses: Head,
}

/// A pass over a fixed number of tokens.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    pub(crate) commands: Vec<Command>,
    /// u32, one for each token.
    pub(crate) tokens: Span,
    /// u32: where the token's sequence begins in the cache.
    pub(crate) starts: Span,
    /// u32: where in the cache it goes.
    pub(crate) places: Span,
    /// Activations `[tokens, width]`, and u32 `[tokens]`: vectors, and whose place they take.
    pub(crate) given: Option<(Span, Span)>,
}

/// What is made of vectors of the last pass.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) commands: Vec<Command>,
    /// u32: rows of the pass.
    pub(crate) wanted: Span,
    /// u32: the token after each, where losses are computed.
    pub(crate) targets: Option<Span>,
    /// Activations `[wanted, vocabulary]`, or f32 `[wanted]`.
    pub(crate) out: Span,
}

/// What all programs of a reading share.
struct Shared<'f> {
    frozen: &'f Frozen,
    arena: Arena,
    /// Activations `[slots·context, 2·keys·width]`, one for each layer.
    caches: Vec<Span>,
    /// Activations `[rows of the widest pass, width]`.
    hidden: Span,
    shape: CacheShape,
    /// Inputs and outputs, which the program that is recorded spares; others may use their room.
    stays: Vec<Buffer>,
}

impl Reading {
    /// Records the programs of a model that keeps `slots` sequences at a time.
    pub(crate) fn record(
        config: &ModelConfig,
        precision: Precision,
        slots: usize,
    ) -> Result<Self, ConfigError> {
        let frozen = Frozen::of(config, precision)?;
        let slots = slots.max(1);
        let wide_rows = WIDE.min(slots * config.context);
        let arena = Arena::default();
        let shape = CacheShape {
            queries: config.heads,
            keys: config.kv_heads,
            width: config.width / config.heads,
        };
        let (kind, kept) = (precision.kind(), slots * config.context * shape.kept());
        let mut stays = vec![arena.take(frozen.end.div_ceil(4), Kind::F32)];
        let hidden = arena.take(wide_rows.max(slots) * config.width, kind);
        let caches: Vec<Buffer> = (0..config.layers).map(|_| arena.take(kept, kind)).collect();
        let mut shared = Shared {
            frozen: &frozen,
            arena: arena.clone(),
            caches: caches.iter().map(Buffer::span).collect(),
            hidden: hidden.span(),
            shape,
            stays: Vec::new(),
        };
        stays.extend(caches);
        stays.push(hidden);
        let wide = shared.pass(wide_rows, kind, false);
        let seeing = shared.pass(wide_rows, kind, true);
        let narrow = shared.pass(slots, kind, false);
        let logits = shared.head(slots, kind, false);
        let losses = shared.head(LOSSES.min(wide_rows), kind, true);
        drop((stays, shared));
        Ok(Self {
            slots,
            bytes: arena.bytes(),
            wide,
            seeing,
            narrow,
            logits,
            losses,
            frozen,
        })
    }
}

impl Shared<'_> {
    /// Room for an input or output of the program that is recorded.
    fn own(&mut self, len: usize, kind: Kind) -> Span {
        let buffer = self.arena.take(len, kind);
        let span = buffer.span();
        self.stays.push(buffer);
        span
    }

    fn recorder(&self) -> Recorder {
        Recorder::over(&self.arena)
    }

    fn pass(&mut self, rows: usize, kind: Kind, is_given: bool) -> Pass {
        let width = self.frozen.config().width;
        let [tokens, starts, places] = [(); 3].map(|()| self.own(rows, Kind::U32));
        let given = is_given.then(|| (self.own(rows * width, kind), self.own(rows, Kind::U32)));
        let recorder = self.recorder();
        let ops = self.frozen.ops(&recorder, rows, 1);
        let inputs = Tokens {
            inputs: tokens,
            order: tokens,
        };
        let table = self.frozen.table();
        let x = ops.embed(&table, inputs, width, &mut Tape::silent());
        if let Some((vectors, places)) = given {
            recorder.push(Command::Sight(SightCommand::PutRows {
                out: x.span(),
                rows: Some(vectors),
                places,
                width,
            }));
        }
        let (cos, sin) = self.frozen.angles();
        let shape = self.shape;
        let attend = |layer: usize, qkv: &Value| {
            let (qkv, cache) = (qkv.span(), self.caches[layer]);
            recorder.push(Command::StoreKeys {
                qkv,
                cache,
                cos,
                sin,
                starts,
                places,
                shape,
            });
            let columns = shape.queries * shape.width;
            let out = Value::new(recorder.take(rows * columns, kind), columns);
            recorder.push(Command::CachedAttention {
                out: out.span(),
                qkv,
                cache,
                starts,
                places,
                shape,
            });
            out
        };
        let hidden = self.frozen.decode(&ops, x, attend);
        recorder.push(Command::Copy {
            out: Span {
                len: rows * width,
                ..self.hidden
            },
            x: hidden.span(),
        });
        Pass {
            commands: recorder.take_commands(),
            tokens,
            starts,
            places,
            given,
        }
    }

    fn head(&mut self, rows: usize, kind: Kind, is_loss: bool) -> Head {
        let config = self.frozen.config();
        let width = config.width;
        let wanted = self.own(rows, Kind::U32);
        let targets = is_loss.then(|| self.own(rows, Kind::U32));
        let recorder = self.recorder();
        let ops = self.frozen.ops(&recorder, rows, 1);
        let x = Value::new(recorder.take(rows * width, kind), width);
        // Rows of the last pass, as an embedding takes rows of its table.
        recorder.push(Command::Embed {
            out: x.span(),
            table: self.hidden,
            tokens: wanted,
            width,
        });
        let head = self.frozen.head();
        let out = if let Some(targets) = targets {
            let losses = self.own(rows, Kind::F32);
            ops.losses(&x, &head, targets, losses);
            losses
        } else {
            ops.linear(&x, &head, &mut Tape::silent()).span()
        };
        Head {
            commands: recorder.take_commands(),
            wanted,
            targets,
            out,
        }
    }
}
