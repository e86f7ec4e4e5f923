//! A training step, recorded once.

use vpc_train::ops::Rope;
use vpc_train::{Activations, MatrixPlaces, MatrixShape, ModelConfig, TrainConfig, matrices};

use super::arena::{ALIGNMENT, Buffer};
use super::ops::{BlockWeights, Ops, Tokens};
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
    decaying: usize,
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
    /// Forward, backward and update.
    pub commands: Vec<Command>,
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

impl Step {
    /// Records the step of a run.
    pub fn record(
        config: &TrainConfig,
        batch: BatchShape,
        precision: Precision,
        activations: Activations,
    ) -> Result<Self, TrainError> {
        config.check().map_err(vpc_train::TrainError::from)?;
        let lasting = Lasting::of(&config.model, precision)?;
        let recorder = Recorder::default();
        // What lasts lies first, and stays.
        let room = recorder.take(lasting.end.div_ceil(4), Kind::F32);
        let tokens = batch.tokens();
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
        step.pass(config, batch, precision, activations, &recorder)?;
        drop(room);
        Ok(Self {
            commands: recorder.commands(),
            bytes: recorder.arena.bytes(),
            ..step
        })
    }

    /// Forward, backward, norm and update.
    fn pass(
        &self,
        config: &TrainConfig,
        batch: BatchShape,
        precision: Precision,
        activations: Activations,
        recorder: &Recorder,
    ) -> Result<(), TrainError> {
        let model = &config.model;
        let places = MatrixPlaces::of(model);
        let lasting = &self.lasting;
        let ops = Ops {
            recorder: recorder.clone(),
            kind: precision.kind(),
            eps: model.norm_eps as f32,
            shape: AttentionShape {
                sequences: batch.rows,
                length: batch.length,
                queries: model.heads,
                keys: model.kv_heads,
                width: model.width / model.heads,
                mask: Mask::Causal,
            },
            cos: lasting.cos,
            sin: lasting.sin,
        };
        let tokens = Tokens {
            inputs: self.inputs,
            order: self.order,
        };
        let losses = recorder.take(batch.tokens(), Kind::F32);
        let table = lasting.weight(MatrixPlaces::EMBEDDING);
        let head = if model.tied {
            table.clone()
        } else {
            lasting.weight(places.head())
        };
        let mut tape = Tape::recording();
        let mut x = ops.embed(&table, tokens, model.width, &mut tape);
        for layer in 0..model.layers {
            let at = |offset| lasting.weight(places.block(layer) + offset);
            let weights = BlockWeights {
                attention_norm: at(0),
                qkv: at(1),
                output: at(2),
                mlp_norm: at(3),
                gate_up: at(4),
                down: at(5),
            };
            x = ops.block_as(&x, &weights, activations, &mut tape);
        }
        let hidden = ops.rms_norm(&x, &lasting.weight(places.norm()), &mut tape);
        drop(x);
        ops.cross_entropy(
            &hidden,
            &head,
            self.targets,
            losses.span(),
            model.vocabulary,
        );
        drop(hidden);
        tape.run().map_err(vpc_train::TrainError::from)?;
        self.update(recorder, losses.span());
        Ok(())
    }

    fn update(&self, recorder: &Recorder, losses: Span) {
        let lasting = &self.lasting;
        let scratch = recorder.take(1024, Kind::F64);
        let [loss, squares] = [(); 2].map(|()| recorder.take(1, Kind::F64));
        recorder.push(Command::Sum {
            out: loss.span(),
            scratch: scratch.span(),
            x: losses,
        });
        recorder.push(Command::SumOfSquares {
            out: squares.span(),
            scratch: scratch.span(),
            x: lasting.gradient,
        });
        recorder.push(Command::Judge {
            report: self.report,
            loss: loss.span(),
            squares: squares.span(),
            settings: self.settings,
        });
        let numbers = lasting.weights.len;
        for (start, len, decays) in [
            (0, lasting.decaying, true),
            (lasting.decaying, numbers - lasting.decaying, false),
        ] {
            let part = |of: Span| slice(of, start, len);
            recorder.push(Command::AdamW {
                weights: part(lasting.weights),
                copy: lasting.copy.map(part),
                first: part(lasting.first),
                second: part(lasting.second),
                gradient: part(lasting.gradient),
                report: self.report,
                settings: self.settings,
                decays,
            });
        }
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
