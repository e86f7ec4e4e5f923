//! Weights that are read alone: no gradients, no moments.

use half::bf16;
use vpc_train::{ConfigError, MatrixPlaces, Model, ModelConfig, matrices};

use super::arena::ALIGNMENT;
use super::ops::{BlockWeights, Ops};
use super::tape::{Recorder, Tape, Value, Weight};
use super::{AttentionShape, Kind, Mask, Precision, Span, angles};
use crate::{Device, DeviceError};

/// A decoder's weights, from the arena's beginning on, as products read them.
#[derive(Clone, Debug)]
pub(crate) struct Frozen {
    config: ModelConfig,
    precision: Precision,
    /// One for each matrix: of the precision's kind, gains f32.
    matrices: Vec<Span>,
    cos: Span,
    sin: Span,
    /// Bytes of all of it.
    pub(crate) end: usize,
}

impl Frozen {
    pub(crate) fn of(config: &ModelConfig, precision: Precision) -> Result<Self, ConfigError> {
        let shapes = matrices(config)?;
        let mut end = 0;
        let mut span = |len: usize, kind: Kind| {
            let at = end;
            end = (at + len * kind.bytes()).next_multiple_of(ALIGNMENT);
            Span { at, len, kind }
        };
        let matrices = shapes.iter().map(|shape| {
            // Gains are read in f32: a norm multiplies by them.
            let kind = if shape.decays {
                precision.kind()
            } else {
                Kind::F32
            };
            span(shape.rows * shape.columns, kind)
        });
        let matrices = matrices.collect();
        let angles = config.context * (config.width / config.heads) / 2;
        Ok(Self {
            config: config.clone(),
            precision,
            matrices,
            cos: span(angles, Kind::F32),
            sin: span(angles, Kind::F32),
            end,
        })
    }

    /// Brings the weights of a model of this shape to the device.
    pub(crate) fn write<D: Device>(
        &self,
        model: &Model,
        device: &mut D,
    ) -> Result<(), DeviceError> {
        for (span, values) in self.matrices.iter().zip(model.matrices()) {
            device.write(*span, &rounded(values, span.kind))?;
        }
        let rope = angles(&self.config);
        let (cos, sin) = rope.angles();
        device.write(self.cos, bytemuck::cast_slice(cos))?;
        device.write(self.sin, bytemuck::cast_slice(sin))
    }

    pub(crate) fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Cosines and sines of the angles.
    pub(crate) fn angles(&self) -> (Span, Span) {
        (self.cos, self.sin)
    }

    /// The embedding table.
    pub(crate) fn table(&self) -> Weight {
        self.weight(MatrixPlaces::EMBEDDING)
    }

    /// The output projection.
    pub(crate) fn head(&self) -> Weight {
        self.weight(MatrixPlaces::of(&self.config).head())
    }

    /// Records operations on `sequences` sequences of `length` tokens.
    pub(crate) fn ops(&self, recorder: &Recorder, sequences: usize, length: usize) -> Ops {
        let config = &self.config;
        Ops {
            recorder: recorder.clone(),
            kind: self.precision.kind(),
            eps: config.norm_eps as f32,
            shape: AttentionShape {
                sequences,
                length,
                queries: config.heads,
                keys: config.kv_heads,
                width: config.width / config.heads,
                mask: Mask::Causal,
            },
            cos: self.cos,
            sin: self.sin,
        }
    }

    /// All blocks and the last norm; `attend` is what block `layer` makes of its projections.
    pub(crate) fn decode(
        &self,
        ops: &Ops,
        mut x: Value,
        attend: impl Fn(usize, &Value) -> Value,
    ) -> Value {
        let places = MatrixPlaces::of(&self.config);
        let mut tape = Tape::silent();
        for layer in 0..self.config.layers {
            let at = |offset| self.weight(places.block(layer) + offset);
            let weights = BlockWeights {
                attention_norm: at(0),
                qkv: at(1),
                output: at(2),
                mlp_norm: at(3),
                gate_up: at(4),
                down: at(5),
            };
            x = ops.block_with(&x, &weights, &mut tape, |qkv, _| attend(layer, qkv));
        }
        ops.rms_norm(&x, &self.weight(places.norm()), &mut tape)
    }

    fn weight(&self, index: usize) -> Weight {
        let read = self.matrices[index];
        // Nothing goes backwards, so that nobody asks for a gradient.
        Weight::new(read, Span { len: 0, ..read })
    }
}

/// Numbers as bytes of a kind of activations, rounded to nearest even.
pub(crate) fn rounded(values: &[f32], kind: Kind) -> Vec<u8> {
    if kind == Kind::Bf16 {
        let bits = values.iter().map(|value| bf16::from_f32(*value));
        bits.flat_map(bf16::to_le_bytes).collect()
    } else {
        bytemuck::cast_slice(values).to_vec()
    }
}
