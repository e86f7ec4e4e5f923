//! A training step of an adapted model, recorded once for each shape of its batches.

mod held;
mod shape;

use vpc_train::adapted::{PartShape, ProjectorConfig};
use vpc_train::{Activations, MatrixPlaces, ModelConfig};

use super::arena::Buffer;
use super::layers::{Answers, Layer};
use super::ops::{BlockWeights, Ops, Tokens};
use super::tape::{Recorder, Tape, Value, Weight};
use super::update::{Moved, Sums};
use super::{AttentionShape, Command, Kind, Mask, Span};
use crate::TrainError;
pub(crate) use held::Held;
pub use shape::AdaptShape;

/// An adapted model, as far as its step goes.
#[derive(Clone, Debug)]
pub(crate) struct AdaptModel {
    pub(crate) model: ModelConfig,
    pub(crate) projector: ProjectorConfig,
    /// Of the projector, then of the decoder.
    pub(crate) parts: Vec<PartShape>,
    /// Where the decoder's begin.
    pub(crate) decoder: usize,
    /// The token that stands for a vector of an image.
    pub(crate) marker: u32,
    pub(crate) activations: Activations,
}

/// A step on batches of one shape: what to do, and where its inputs and outputs lie.
#[derive(Clone, Debug)]
pub(crate) struct AdaptStep {
    pub(crate) commands: Vec<Command>,
    /// Bytes of memory in all.
    pub(crate) bytes: usize,
    /// u32 [rows·length]
    pub(crate) inputs: Span,
    /// u32 [rows·length]: positions sorted by token.
    pub(crate) order: Span,
    /// f32 [images·tokens, features]: resized features.
    pub(crate) features: Span,
    /// u32 [images·tokens]: the rows they go to.
    pub(crate) places: Span,
    /// u32 [answers]: the rows that answers follow.
    pub(crate) answers: Span,
    /// u32 [answers]
    pub(crate) targets: Span,
    /// f32 [1]: 1 ÷ the number of answers.
    pub(crate) scale: Span,
    /// f32 [8]
    pub(crate) settings: Span,
    /// f64 [3]
    pub(crate) report: Span,
}

impl AdaptStep {
    /// Records the step for batches of a shape.
    pub(crate) fn record(
        adapted: &AdaptModel,
        held: &Held,
        shape: AdaptShape,
    ) -> Result<Self, TrainError> {
        let recorder = Recorder::default();
        // What lasts lies first, and stays.
        let room = recorder.take(held.end.div_ceil(4), Kind::F32);
        let (tokens, config) = (shape.rows * shape.length, &adapted.projector);
        let vectors = shape.images * config.tokens;
        let take = |len: usize, kind: Kind| recorder.take(len, kind);
        let inputs = [
            take(tokens, Kind::U32),
            take(tokens, Kind::U32),
            take(vectors * config.features, Kind::F32),
            take(vectors, Kind::U32),
            take(shape.answers, Kind::U32),
            take(shape.answers, Kind::U32),
            take(1, Kind::F32),
            take(8, Kind::F32),
            take(3, Kind::F64),
            take(shape.answers, Kind::F32),
        ];
        let spans = inputs.each_ref().map(Buffer::span);
        let [
            inputs_at,
            order,
            features,
            places,
            answers,
            targets,
            scale,
            settings,
            report,
            losses,
        ] = spans;
        let step = Self {
            commands: Vec::new(),
            bytes: 0,
            inputs: inputs_at,
            order,
            features,
            places,
            answers,
            targets,
            scale,
            settings,
            report,
        };
        let matrices = held.matrices(&adapted.parts);
        step.pass(
            adapted,
            (held, &matrices),
            shape,
            (&recorder, &inputs[2], losses),
        )?;
        // What nothing has reached has no gradient, whatever an earlier step left there.
        for weight in matrices.iter().filter(|weight| !weight.is_frozen()) {
            if !weight.is_written() {
                recorder.push(Command::Zero {
                    out: weight.gradient,
                });
            }
        }
        step.update(held, &recorder, losses);
        drop(room);
        Ok(Self {
            commands: recorder.take_commands(),
            bytes: recorder.arena.bytes(),
            ..step
        })
    }

    /// Forward and backward.
    fn pass(
        &self,
        adapted: &AdaptModel,
        (held, matrices): (&Held, &[Weight]),
        shape: AdaptShape,
        (recorder, features, losses): (&Recorder, &Buffer, Span),
    ) -> Result<(), TrainError> {
        let model = &adapted.model;
        let (between, decoder) = matrices.split_at(adapted.decoder);
        let places = MatrixPlaces::of(model);
        let ops = Ops {
            recorder: recorder.clone(),
            kind: Kind::F32,
            eps: model.norm_eps as f32,
            shape: AttentionShape {
                sequences: shape.rows,
                length: shape.length,
                queries: model.heads,
                keys: model.kv_heads,
                width: model.width / model.heads,
                mask: Mask::Causal,
            },
            cos: held.cos,
            sin: held.sin,
        };
        let moves = |weights: &[Weight]| weights.iter().any(|weight| !weight.is_frozen());
        let projects = moves(between) && shape.images > 0;
        let mut tape = if projects || moves(decoder) {
            Tape::recording()
        } else {
            Tape::silent()
        };
        let tokens = Tokens {
            inputs: self.inputs,
            order: self.order,
        };
        let table = &decoder[MatrixPlaces::EMBEDDING];
        let mut x = ops.embed(table, tokens, model.width, &mut tape);
        if shape.images > 0 {
            let seen = Value::new(features.clone(), adapted.projector.features);
            let mut silent = Tape::silent();
            let own = if projects { &mut tape } else { &mut silent };
            let vectors = project(&ops, &adapted.projector, between, seen, own);
            x = ops.put_rows(&x, (&vectors, projects), self.places, &mut tape);
        }
        for layer in 0..model.layers {
            let at = |offset: usize| decoder[places.block(layer) + offset].clone();
            let weights = BlockWeights {
                attention_norm: at(0),
                qkv: at(1),
                output: at(2),
                mlp_norm: at(3),
                gate_up: at(4),
                down: at(5),
            };
            x = ops.block_as(&x, &weights, adapted.activations, &mut tape);
        }
        let hidden = ops.rms_norm(&x, &decoder[places.norm()], &mut tape);
        drop(x);
        let rows = ops.take_rows(&hidden, self.answers, &mut tape);
        drop(hidden);
        let answers = Answers {
            targets: self.targets,
            scale: self.scale,
            losses,
        };
        ops.answers(&rows, &decoder[places.head()], answers);
        drop(rows);
        tape.run().map_err(vpc_train::TrainError::from)?;
        Ok(())
    }

    /// Norm and update of what is moved.
    fn update(&self, held: &Held, recorder: &Recorder, losses: Span) {
        let moved = Moved {
            weights: held.weights,
            first: held.first,
            second: held.second,
            gradient: held.gradient,
            copy: None,
            decaying: held.decaying,
            report: self.report,
            settings: self.settings,
        };
        moved.update(recorder, &Sums::of(recorder, losses));
    }
}

/// The projector's vectors of resized features.
fn project(
    ops: &Ops,
    config: &ProjectorConfig,
    weights: &[Weight],
    seen: Value,
    tape: &mut Tape,
) -> Value {
    let mut x = seen;
    for (index, pair) in weights.chunks_exact(2).enumerate() {
        if index > 0 {
            x = ops.activate(&x, config.activation, tape);
        }
        let layer = Layer {
            weight: pair[0].clone(),
            bias: pair[1].clone(),
        };
        // Features are numbers from outside, and get no gradient.
        x = ops.layer(&x, &layer, index > 0, tape);
    }
    x
}
