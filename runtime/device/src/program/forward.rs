//! Losses of whole texts, recorded once.

use vpc_train::{ConfigError, ModelConfig};

use super::arena::Buffer;
use super::frozen::Frozen;
use super::ops::Tokens;
use super::tape::{Recorder, Tape};
use super::{BatchShape, Command, Kind, Precision, Span};

/// A forward pass over texts of one shape: what to do, and where its inputs and outputs lie.
#[derive(Clone, Debug)]
pub struct Forward {
    /// From tokens to the loss of each.
    pub commands: Vec<Command>,
    /// Bytes of memory in all.
    pub bytes: usize,
    pub(crate) frozen: Frozen,
    /// u32 `[rows, length]`.
    pub(crate) inputs: Span,
    /// u32 `[rows, length]`.
    pub(crate) targets: Span,
    /// f32 `[rows, length]`.
    pub(crate) losses: Span,
}

impl Forward {
    /// Records the pass of a model.
    pub fn record(
        config: &ModelConfig,
        shape: BatchShape,
        precision: Precision,
    ) -> Result<Self, ConfigError> {
        let frozen = Frozen::of(config, precision)?;
        let recorder = Recorder::default();
        // Weights lie first, and stay.
        let room = recorder.take(frozen.end.div_ceil(4), Kind::F32);
        let held =
            [Kind::U32, Kind::U32, Kind::F32].map(|kind| recorder.take(shape.tokens(), kind));
        let [inputs, targets, losses] = held.each_ref().map(Buffer::span);
        let ops = frozen.ops(&recorder, shape.rows, shape.length);
        let tokens = Tokens {
            inputs,
            order: inputs,
        };
        let x = ops.embed(&frozen.table(), tokens, config.width, &mut Tape::silent());
        let hidden = frozen.decode(&ops, x, |_, qkv| ops.attention(qkv, &mut Tape::silent()));
        ops.losses(&hidden, &frozen.head(), targets, losses);
        drop((hidden, room));
        Ok(Self {
            commands: recorder.take_commands(),
            bytes: recorder.arena.bytes(),
            frozen,
            inputs,
            targets,
            losses,
        })
    }
}
