//! An encoder's way from patches to the vectors of a layer, recorded once.

use vpc_train::vision::{EncoderParts, LinearParts, NormParts, VisionConfig};

use super::arena::Buffer;
use super::layers::{Layer, LayerNorm};
use super::ops::Ops;
use super::tape::{Recorder, Tape, Value, Weight};
use super::{AttentionShape, Command, Kind, Mask, Span};

/// Where an encoder's numbers lie on a device, with what they are.
pub(crate) type Places<'p> = Vec<(Span, &'p [f32])>;

/// Images to vectors: what to do, and where its input and output lie.
#[derive(Clone, Debug)]
pub(crate) struct EncoderProgram {
    pub(crate) commands: Vec<Command>,
    /// Bytes of memory in all.
    pub(crate) bytes: usize,
    /// f32 [images·(patches + 1), 3·patch²]
    pub(crate) rows: Span,
    /// f32 [images·(patches + 1), width]
    pub(crate) out: Span,
}

/// Hands out places of weights.
struct Weights<'p> {
    recorder: Recorder,
    held: Vec<Buffer>,
    places: Places<'p>,
}

impl<'p> Weights<'p> {
    fn span(&mut self, numbers: &'p [f32]) -> Span {
        let buffer = self.recorder.take(numbers.len(), Kind::F32);
        let span = buffer.span();
        self.held.push(buffer);
        self.places.push((span, numbers));
        span
    }

    fn norm(&mut self, norm: &'p NormParts) -> LayerNorm {
        LayerNorm {
            gain: self.span(&norm.gain),
            bias: self.span(&norm.bias),
        }
    }

    fn layer(&mut self, layer: &'p LinearParts) -> Layer {
        Layer {
            weight: Weight::frozen(self.span(&layer.weight)),
            bias: Weight::frozen(self.span(&layer.bias)),
        }
    }
}

impl EncoderProgram {
    /// Records the way of so many images, in f32; tells also where weights are to be written.
    pub(crate) fn record<'p>(
        config: &VisionConfig,
        parts: &'p EncoderParts,
        images: usize,
    ) -> (Self, Places<'p>) {
        let recorder = Recorder::default();
        let length = config.patches() + 1;
        let patch = parts.projection.len() / config.width;
        let input = Value::new(recorder.take(images * length * patch, Kind::F32), patch);
        let mut weights = Weights {
            recorder: recorder.clone(),
            held: Vec::new(),
            places: Vec::new(),
        };
        let projection = Weight::frozen(weights.span(&parts.projection));
        let start = weights.span(&parts.start);
        let first = parts.first_norm.as_ref().map(|norm| weights.norm(norm));
        let blocks = parts.blocks.iter().map(|block| {
            let norms = [&block.first_norm, &block.second_norm].map(|norm| weights.norm(norm));
            let layers = [&block.qkv, &block.output, &block.inner, &block.outer];
            (norms, layers.map(|layer| weights.layer(layer)))
        });
        let blocks: Vec<_> = blocks.collect();
        let last = parts.last_norm.as_ref().map(|norm| weights.norm(norm));
        // There is no rotary embedding to turn by.
        let none = Span { len: 0, ..start };
        let ops = Ops {
            recorder: recorder.clone(),
            kind: Kind::F32,
            eps: config.norm_eps as f32,
            shape: AttentionShape {
                sequences: images,
                length,
                queries: config.heads,
                keys: config.heads,
                width: config.width / config.heads,
                mask: Mask::Full,
            },
            cos: none,
            sin: none,
        };
        let tape = &mut Tape::silent();
        let mut x = ops.linear(&input, &projection, tape);
        ops.add_bias(&x, start);
        if let Some(norm) = first {
            x = ops.layer_norm(&x, norm);
        }
        for ([before_attention, before_mlp], [qkv, output, inner, outer]) in &blocks {
            let normed = ops.layer_norm(&x, *before_attention);
            let qkv = ops.layer(&normed, qkv, false, tape);
            drop(normed);
            let mixed = ops.plain_attention(&qkv);
            drop(qkv);
            x = ops.layer_residual(&mixed, output, &x);
            drop(mixed);
            let normed = ops.layer_norm(&x, *before_mlp);
            let before = ops.layer(&normed, inner, false, tape);
            let after = if config.gated {
                ops.swiglu(&before, tape)
            } else {
                ops.activate(&before, config.activation, tape)
            };
            x = ops.layer_residual(&after, outer, &x);
        }
        if let Some(norm) = last {
            x = ops.layer_norm(&x, norm);
        }
        let program = Self {
            commands: recorder.take_commands(),
            bytes: recorder.arena.bytes(),
            rows: input.span(),
            out: x.span(),
        };
        (program, weights.places)
    }
}
