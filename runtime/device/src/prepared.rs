//! A recorded step in a device's memory, with the numbers it moves.

use vpc_train::ops::Rope;
use vpc_train::{Batch, MatrixState, State, StepReport, TrainConfig, TrainError as Cpu};

use crate::program::{Command, Share, Span, Step};
use crate::{Device, DeviceError, TrainError};

/// A step made ready on a device.
#[derive(Debug)]
pub(crate) struct Prepared<G> {
    pub(crate) share: Share,
    pub(crate) step: Step,
    graphs: Graphs<G>,
}

#[derive(Debug)]
enum Graphs<G> {
    /// The batch at once, with the update.
    Whole(G),
    /// As [`crate::program::Parts`] has them.
    Parts {
        /// Sequences of each part, and which pass it takes.
        turns: Vec<(usize, usize)>,
        passes: Vec<G>,
        keep: Vec<G>,
        total: G,
        update: G,
    },
}

impl<G> Prepared<G> {
    /// Takes memory, puts the numbers of `state` there, and makes the lists ready.
    pub(crate) fn new<D: Device<Graph = G>>(
        device: &mut D,
        share: Share,
        step: Step,
        state: &State,
        rope: &Rope,
    ) -> Result<Self, DeviceError> {
        device.reserve(step.bytes)?;
        let lasting = &step.lasting;
        for (of, pick) in [
            (lasting.weights, weights as fn(&MatrixState) -> &[f32]),
            (lasting.first, first),
            (lasting.second, second),
        ] {
            // Matrices are padded; what lies between them is zero and stays so.
            let mut all = vec![0_f32; of.len];
            for (index, matrix) in state.matrices.iter().enumerate() {
                let part = lasting.part(of, index);
                let start = (part.at - of.at) / of.kind.bytes();
                all[start..start + part.len].copy_from_slice(pick(matrix));
            }
            device.write(of, bytemuck::cast_slice(&all))?;
        }
        let (cos, sin) = rope.angles();
        device.write(lasting.cos, bytemuck::cast_slice(cos))?;
        device.write(lasting.sin, bytemuck::cast_slice(sin))?;
        let first = device.prepare(&step.first)?;
        device.run(&first)?;
        let mut ready = |commands: &Vec<Command>| device.prepare(commands);
        let graphs = match &step.parts {
            None => Graphs::Whole(ready(&step.commands)?),
            Some(parts) => Graphs::Parts {
                turns: parts
                    .rows
                    .iter()
                    .copied()
                    .zip(parts.turns.clone())
                    .collect(),
                passes: parts
                    .passes
                    .iter()
                    .map(&mut ready)
                    .collect::<Result<_, _>>()?,
                keep: parts
                    .keep
                    .iter()
                    .map(&mut ready)
                    .collect::<Result<_, _>>()?,
                total: ready(&parts.total)?,
                update: ready(&parts.update)?,
            },
        };
        Ok(Self {
            share,
            step,
            graphs,
        })
    }

    /// Forward and backward over what `rank` has of a batch; with the update, where that is one list.
    pub(crate) fn begin<D: Device<Graph = G>>(
        &self,
        device: &mut D,
        (batch, rank): (&Batch<'_>, usize),
        vocabulary: usize,
        settings: &[f32; 8],
    ) -> Result<(), DeviceError> {
        let plan = &self.step;
        device.write(plan.settings, bytemuck::cast_slice(settings))?;
        match &self.graphs {
            Graphs::Whole(graph) => {
                self.feed(device, batch, vocabulary)?;
                device.run(graph)
            }
            Graphs::Parts {
                turns,
                passes,
                keep,
                total,
                ..
            } => {
                let mut start = 0;
                for (at, (rows, pass)) in turns.iter().enumerate() {
                    let from = (start + rank * rows) * batch.length;
                    let range = from..from + rows * batch.length;
                    let part = Batch {
                        inputs: &batch.inputs[range.clone()],
                        targets: &batch.targets[range],
                        length: batch.length,
                    };
                    self.feed(device, &part, vocabulary)?;
                    device.run(&passes[*pass])?;
                    if let Some(keep) = keep.get(at) {
                        device.run(keep)?;
                    }
                    start += self.share.ranks * rows;
                }
                device.run(total)
            }
        }
    }

    /// The update, where it is a list of its own.
    pub(crate) fn finish<D: Device<Graph = G>>(&self, device: &mut D) -> Result<(), DeviceError> {
        match &self.graphs {
            Graphs::Parts { update, .. } => device.run(update),
            Graphs::Whole(_) => Ok(()),
        }
    }

    /// Sum of the losses, norm of the gradient, and the update's factor.
    pub(crate) fn report<D: Device>(&self, device: &mut D) -> Result<[f64; 3], DeviceError> {
        let bytes = device.read(self.step.report)?;
        let mut report = [0.0; 3];
        for (number, bytes) in report.iter_mut().zip(bytes.as_chunks().0) {
            *number = f64::from_le_bytes(*bytes);
        }
        Ok(report)
    }

    /// The numbers after `done` steps, off the device.
    pub(crate) fn fetch<D: Device>(&self, device: &mut D, done: u64) -> Result<State, DeviceError> {
        let lasting = &self.step.lasting;
        let mut stretch = |of: Span| -> Result<Vec<f32>, DeviceError> {
            let bytes = device.read(of)?;
            Ok(bytes
                .as_chunks()
                .0
                .iter()
                .map(|four| f32::from_le_bytes(*four))
                .collect())
        };
        let [weights, first, second] = [
            stretch(lasting.weights)?,
            stretch(lasting.first)?,
            stretch(lasting.second)?,
        ];
        let matrices = (0..lasting.matrices()).map(|index| {
            let part = lasting.part(lasting.weights, index);
            let start = (part.at - lasting.weights.at) / part.kind.bytes();
            let of = |all: &[f32]| all[start..start + part.len].to_vec();
            MatrixState {
                weights: of(&weights),
                first: of(&first),
                second: of(&second),
            }
        });
        Ok(State {
            steps_done: done,
            matrices: matrices.collect(),
        })
    }

    /// Writes tokens: the beginning of their spans, where a part is shorter than others.
    fn feed<D: Device>(
        &self,
        device: &mut D,
        part: &Batch<'_>,
        vocabulary: usize,
    ) -> Result<(), DeviceError> {
        let plan = &self.step;
        let order = order(part.inputs, vocabulary);
        for (span, tokens) in [
            (plan.inputs, part.inputs),
            (plan.targets, part.targets),
            (plan.order, &order),
        ] {
            let span = Span {
                len: tokens.len(),
                ..span
            };
            device.write(span, bytemuck::cast_slice(tokens))?;
        }
        Ok(())
    }
}

/// What a step after `done` others is given, and its learning rate.
pub(crate) fn settings(config: &TrainConfig, done: u64) -> ([f32; 8], f64) {
    let TrainConfig {
        schedule,
        optimizer,
        steps,
        ..
    } = config;
    let rate = schedule.rate(optimizer.rate, done, *steps);
    let [beta1, beta2, step, keep, root, eps] = optimizer.numbers(done, rate);
    let clip = optimizer.clip as f32;
    ([clip, beta1, beta2, step, keep, root, eps, 0.0], rate)
}

/// What the device reports of a step over so many targets, or that it diverged.
pub(crate) fn judged(
    report: [f64; 3],
    targets: usize,
    step: u64,
    rate: f64,
) -> Result<StepReport, TrainError> {
    let (loss, grad_norm) = (report[0] / targets as f64, report[1]);
    if loss.is_finite() && grad_norm.is_finite() {
        return Ok(StepReport {
            step,
            loss,
            grad_norm,
            rate,
        });
    }
    Err(TrainError::Train(Cpu::Diverged {
        step,
        loss,
        grad_norm,
    }))
}

fn weights(matrix: &MatrixState) -> &[f32] {
    &matrix.weights
}

fn first(matrix: &MatrixState) -> &[f32] {
    &matrix.first
}

fn second(matrix: &MatrixState) -> &[f32] {
    &matrix.second
}

/// Positions sorted by token, then by position: a counting sort.
pub(crate) fn order(tokens: &[u32], vocabulary: usize) -> Vec<u32> {
    let mut starts = vec![0_u32; vocabulary + 1];
    for token in tokens {
        starts[*token as usize + 1] += 1;
    }
    for at in 0..vocabulary {
        starts[at + 1] += starts[at];
    }
    let mut order = vec![0; tokens.len()];
    for (position, token) in tokens.iter().enumerate() {
        let place = &mut starts[*token as usize];
        order[*place as usize] = position as u32;
        *place += 1;
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_sorted_by_token_then_by_place() {
        assert_eq!(order(&[3, 1, 3, 0, 1], 4), [3, 1, 4, 0, 2]);
    }
}
