//! A training step, recorded once.

use vpc_train::ops::Rope;
use vpc_train::{Activations, MatrixPlaces, MatrixShape, ModelConfig, TrainConfig, matrices};

use super::arena::{ALIGNMENT, Buffer};
use super::ops::{BlockWeights, Ops, Tokens};
use super::parts::{Parts, Share};
use super::tape::{Recorder, Tape, Weight};
use super::{AttentionShape, Command, Kind, Mask, Span};
use crate::TrainError;

/// What numbers activations are, and hence what a run computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Precision {
    /// IEEE single precision throughout.
    F32,
    /// bf16 activations and products, summed in f32; weights, moments and gradients of weights f32.
    Bf16,
}

impl Precision {
    /// The kind of activations.
    pub fn kind(self) -> Kind {
        match self {
            Self::F32 => Kind::F32,
            Self::Bf16 => Kind::Bf16,
        }
    }
}

/// The shape of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BatchShape {
    /// Sequences.
    pub rows: usize,
    /// Tokens of each.
    pub length: usize,
}

impl BatchShape {
    /// Tokens in all.
    pub fn tokens(self) -> usize {
        self.rows * self.length
    }
}

/// What lasts from step to step: one stretch for all weights, and others of the same layout.
#[derive(Clone, Debug)]
pub(crate) struct Lasting {
    /// f32 weights; matrices that decay come first.
    pub(crate) weights: Span,
    pub(crate) first: Span,
    pub(crate) second: Span,
    pub(crate) gradient: Span,
    /// bf16 copy of the weights, in the bf16 class.
    pub(crate) copy: Option<Span>,
    /// Where each matrix begins in them, in numbers.
    starts: Vec<usize>,
    shapes: Vec<MatrixShape>,
    /// Numbers that decay.
    pub(super) decaying: usize,
    pub(crate) cos: Span,
    pub(crate) sin: Span,
    /// Bytes of all of it.
    end: usize,
}

/// Matrices begin at a multiple of so many numbers: 256 bytes of bf16, which products read fastest.
pub(super) const PADDING: usize = 128;

impl Lasting {
    fn of(config: &ModelConfig, precision: Precision) -> Result<Self, TrainError> {
        let shapes = matrices(config).map_err(vpc_train::TrainError::from)?;
        let size = |shape: &MatrixShape| (shape.rows * shape.columns).next_multiple_of(PADDING);
        let decaying: usize = shapes.iter().filter(|one| one.decays).map(size).sum();
        let (mut next, mut next_gain) = (0, decaying);
        let place = |shape: &MatrixShape| {
            let next = if shape.decays {
                &mut next
            } else {
                &mut next_gain
            };
            let at = *next;
            *next += size(shape);
            at
        };
        let starts: Vec<usize> = shapes.iter().map(place).collect();
        let numbers: usize = shapes.iter().map(size).sum();
        let mut end = 0;
        let mut span = |len: usize, kind: Kind| {
            let at = end;
            end = (at + len * kind.bytes()).next_multiple_of(ALIGNMENT);
            Span { at, len, kind }
        };
        let angles = config.context * (config.width / config.heads) / 2;
        Ok(Self {
            weights: span(numbers, Kind::F32),
            first: span(numbers, Kind::F32),
            second: span(numbers, Kind::F32),
            gradient: span(numbers, Kind::F32),
            copy: (precision == Precision::Bf16).then(|| span(numbers, Kind::Bf16)),
            cos: span(angles, Kind::F32),
            sin: span(angles, Kind::F32),
            starts,
            shapes,
            decaying,
            end,
        })
    }

    /// One matrix within a stretch.
    pub(crate) fn part(&self, of: Span, index: usize) -> Span {
        let MatrixShape { rows, columns, .. } = self.shapes[index];
        slice(of, self.starts[index], rows * columns)
    }

    /// How many matrices there are.
    pub(crate) fn matrices(&self) -> usize {
        self.shapes.len()
    }

    fn weight(&self, index: usize) -> Weight {
        // Gains are read in f32: a norm multiplies by them.
        let read = match self.copy {
            Some(copy) if self.shapes[index].decays => copy,
            _ => self.weights,
        };
        Weight::new(self.part(read, index), self.part(self.gradient, index))
    }
}

/// `len` numbers of a span, from number `start` on.
pub(super) fn slice(of: Span, start: usize, len: usize) -> Span {
    Span {
        at: of.at + start * of.kind.bytes(),
        len,
        kind: of.kind,
    }
}

/// A training step on batches of one shape: what to do, and where its inputs and outputs lie.
#[derive(Clone, Debug)]
pub struct Step {
    /// Forward, backward and update; empty where they are `parts`.
    pub commands: Vec<Command>,
    /// The lists of a step that is not one list.
    pub parts: Option<Parts>,
    /// Commands to be run once after weights were written.
    pub first: Vec<Command>,
    /// Bytes of memory in all.
    pub bytes: usize,
    pub(crate) lasting: Lasting,
    pub(crate) inputs: Span,
    pub(crate) order: Span,
    pub(crate) targets: Span,
    pub(crate) settings: Span,
    pub(crate) report: Span,
}

/// What is recorded, but for the sequences of each part.
pub(super) struct Way<'c> {
    config: &'c TrainConfig,
    precision: Precision,
    activations: Activations,
    /// Tokens of a sequence.
    pub(super) length: usize,
    /// Tokens of the whole batch.
    tokens: usize,
}

impl Step {
    /// Records the step of a run; in parts where the run takes micro-batches.
    pub fn record(
        config: &TrainConfig,
        batch: BatchShape,
        precision: Precision,
        activations: Activations,
    ) -> Result<Self, TrainError> {
        Self::record_share(config, Share::whole(batch), precision, activations)
    }

    /// Records what one of several devices does of a step: the same list for each.
    ///
    /// Fails where a batch, or a micro-batch, cannot be shared out evenly.
    pub fn record_share(
        config: &TrainConfig,
        share: Share,
        precision: Precision,
        activations: Activations,
    ) -> Result<Self, TrainError> {
        config.check().map_err(vpc_train::TrainError::from)?;
        let rows = share.parts(config.micro_batch)?;
        let lasting = Lasting::of(&config.model, precision)?;
        let recorder = Recorder::default();
        // What lasts lies first, and stays.
        let room = recorder.take(lasting.end.div_ceil(4), Kind::F32);
        let tokens = rows.iter().max().unwrap_or(&0) * share.batch.length;
        let held = [
            recorder.take(tokens, Kind::U32),
            recorder.take(tokens, Kind::U32),
            recorder.take(tokens, Kind::U32),
            recorder.take(8, Kind::F32),
            recorder.take(3, Kind::F64),
        ];
        let [inputs, order, targets, settings, report] = held.each_ref().map(Buffer::span);
        let first = lasting.copy.map(|copy| Command::Copy {
            out: copy,
            x: lasting.weights,
        });
        let step = Self {
            commands: Vec::new(),
            parts: None,
            first: [
                Some(Command::Zero {
                    out: lasting.gradient,
                }),
                first,
            ]
            .into_iter()
            .flatten()
            .collect(),
            bytes: 0,
            lasting,
            inputs,
            order,
            targets,
            settings,
            report,
        };
        let way = Way {
            config,
            precision,
            activations,
            length: share.batch.length,
            tokens: share.batch.tokens(),
        };
        let step = step.record_lists(&way, &rows, share.ranks, &recorder)?;
        drop(room);
        Ok(Self {
            bytes: recorder.arena.bytes(),
            ..step
        })
    }

    /// Forward and backward over so many sequences, whose gradient is set, or added to what is there.
    pub(super) fn pass(
        &self,
        way: &Way<'_>,
        (rows, adds): (usize, bool),
        losses: Span,
        recorder: &Recorder,
    ) -> Result<(), TrainError> {
        let model = &way.config.model;
        let places = MatrixPlaces::of(model);
        let lasting = &self.lasting;
        let ops = Ops {
            recorder: recorder.clone(),
            kind: way.precision.kind(),
            eps: model.norm_eps as f32,
            shape: AttentionShape {
                sequences: rows,
                length: way.length,
                queries: model.heads,
                keys: model.kv_heads,
                width: model.width / model.heads,
                mask: Mask::Causal,
            },
            cos: lasting.cos,
            sin: lasting.sin,
        };
        let part = |of: Span| slice(of, 0, rows * way.length);
        let tokens = Tokens {
            inputs: part(self.inputs),
            order: part(self.order),
        };
        let weight = |index| {
            let weight = lasting.weight(index);
            if adds {
                weight.claim();
            }
            weight
        };
        let table = weight(MatrixPlaces::EMBEDDING);
        let head = if model.tied {
            table.clone()
        } else {
            weight(places.head())
        };
        let mut tape = Tape::recording();
        let mut x = ops.embed(&table, tokens, model.width, &mut tape);
        for layer in 0..model.layers {
            let at = |offset| weight(places.block(layer) + offset);
            let weights = BlockWeights {
                attention_norm: at(0),
                qkv: at(1),
                output: at(2),
                mlp_norm: at(3),
                gate_up: at(4),
                down: at(5),
            };
            x = ops.block_as(&x, &weights, way.activations, &mut tape);
        }
        let hidden = ops.rms_norm(&x, &weight(places.norm()), &mut tape);
        drop(x);
        ops.cross_entropy(
            &hidden,
            &head,
            part(self.targets),
            part(losses),
            (1.0 / way.tokens as f64) as f32,
        );
        drop(hidden);
        Ok(tape.run().map_err(vpc_train::TrainError::from)?)
    }
}

/// Rotary angles of a model: cosines and sines.
pub(crate) fn angles(config: &ModelConfig) -> Rope {
    Rope::new(
        config.width / config.heads,
        config.context,
        config.rope_base,
    )
}
