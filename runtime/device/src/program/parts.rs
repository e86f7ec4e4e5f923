//! How a step's batch is cut: into micro-batches, one after the other, and among devices, side by side.

use super::step::{Step, Way, slice};
use super::tape::Recorder;
use super::update::Sums;
use super::{BatchShape, Command, Kind, Span};
use crate::TrainError;

/// What one of several devices does of each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Share {
    /// The whole batch.
    pub batch: BatchShape,
    /// Devices that take an equal part of each micro-batch; 1 where one takes all.
    pub ranks: usize,
}

impl Share {
    /// All of a batch.
    pub fn whole(batch: BatchShape) -> Self {
        Self { batch, ranks: 1 }
    }

    /// Sequences that each device takes at a time, in order.
    ///
    /// Micro-batches have `micro_batch` sequences, the last one what is left; without one the batch is
    /// taken at once. Fails with [`TrainError::Uneven`] where one cannot be shared out evenly.
    pub fn parts(self, micro_batch: Option<usize>) -> Result<Vec<usize>, TrainError> {
        let rows = self.batch.rows;
        let at_once = micro_batch.unwrap_or(rows).min(rows).max(1);
        (0..rows)
            .step_by(at_once)
            .map(|start| {
                let part = at_once.min(rows - start);
                if part.is_multiple_of(self.ranks) {
                    Ok(part / self.ranks)
                } else {
                    Err(TrainError::Uneven {
                        part,
                        batch: rows,
                        ranks: self.ranks,
                    })
                }
            })
            .collect()
    }
}

/// The lists of a step that is not one list: its batch is cut, or numbers of other devices are added to
/// its gradient before the update.
///
/// They are run in this order: for each turn its pass, then its `keep` where there is one; `total`;
/// here the gradient and the loss may be added up over devices; `update`.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Sequences of each part, in the order of the batch.
    pub rows: Vec<usize>,
    /// Forward and backward passes: one that sets the gradient, and those that add to it.
    pub passes: Vec<Vec<Command>>,
    /// For each part, which pass it takes.
    pub turns: Vec<usize>,
    /// For each part, what puts its losses beside those of the others; none where there is one part.
    pub keep: Vec<Vec<Command>>,
    /// Adds up the losses of all parts, in order.
    pub total: Vec<Command>,
    /// Norm of the gradient, and the update.
    pub update: Vec<Command>,
    /// f64 `[1]`: the sum of the losses, after `total`.
    pub loss: Span,
    /// f32: the gradient of all weights, after the last pass.
    pub gradient: Span,
}

impl Step {
    /// The one list, or the lists of parts of so many sequences.
    pub(super) fn record_lists(
        mut self,
        way: &Way<'_>,
        rows: &[usize],
        ranks: usize,
        recorder: &Recorder,
    ) -> Result<Self, TrainError> {
        let losses = recorder.take(self.inputs.len, Kind::F32);
        if let ([rows], 1) = (rows, ranks) {
            self.pass(way, (*rows, false), losses.span(), recorder)?;
            let sums = Sums::of(recorder, losses.span());
            self.update(recorder, &sums);
            self.commands = recorder.take_commands();
            return Ok(self);
        }
        // Losses of all parts side by side, each beginning where a span may; gaps are 0.
        let room = self.inputs.len.next_multiple_of(4);
        let all = (rows.len() > 1).then(|| recorder.take(room * rows.len(), Kind::F32));
        let (turns, kinds) = turns(rows);
        let mut passes = Vec::new();
        for kind in &kinds {
            self.pass(way, *kind, losses.span(), recorder)?;
            passes.push(recorder.take_commands());
        }
        let mut keep = Vec::new();
        if let Some(all) = &all {
            self.first.push(Command::Zero { out: all.span() });
            for (at, rows) in rows.iter().enumerate() {
                let tokens = rows * way.length;
                keep.push(vec![Command::Copy {
                    out: slice(all.span(), at * room, tokens),
                    x: slice(losses.span(), 0, tokens),
                }]);
            }
        }
        let sums = Sums::of(recorder, all.as_ref().unwrap_or(&losses).span());
        let total = recorder.take_commands();
        self.update(recorder, &sums);
        self.parts = Some(Parts {
            rows: rows.to_vec(),
            passes,
            turns,
            keep,
            total,
            update: recorder.take_commands(),
            loss: sums.loss(),
            gradient: self.lasting.gradient,
        });
        Ok(self)
    }
}

/// For each part, which of the passes it takes; and the passes, by their rows and whether they add.
///
/// The first pass sets the gradient.
fn turns(rows: &[usize]) -> (Vec<usize>, Vec<(usize, bool)>) {
    let mut passes: Vec<(usize, bool)> = Vec::new();
    let turns = rows.iter().enumerate().map(|(at, rows)| {
        let wanted = (*rows, at > 0);
        let known = passes.iter().position(|pass| *pass == wanted);
        known.unwrap_or_else(|| {
            passes.push(wanted);
            passes.len() - 1
        })
    });
    (turns.collect(), passes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(rows: usize, micro_batch: Option<usize>, ranks: usize) -> Result<Vec<usize>, String> {
        let batch = BatchShape { rows, length: 3 };
        let share = Share { batch, ranks };
        share.parts(micro_batch).map_err(|error| error.to_string())
    }

    #[test]
    fn batches_are_cut_in_order() {
        assert_eq!(parts(8, None, 1), Ok(vec![8]));
        assert_eq!(parts(8, Some(8), 1), Ok(vec![8]));
        assert_eq!(parts(8, Some(100), 1), Ok(vec![8]));
        assert_eq!(parts(8, Some(3), 1), Ok(vec![3, 3, 2]));
        assert_eq!(parts(8, Some(1), 1), Ok(vec![1; 8]));
        assert_eq!(parts(8, None, 4), Ok(vec![2]));
        assert_eq!(parts(10, Some(4), 2), Ok(vec![2, 2, 1]));
    }

    #[test]
    fn what_cannot_be_shared_out_is_refused_with_its_sizes() {
        let error = parts(10, None, 4).expect_err("10 is no multiple of 4");
        assert!(
            error.contains("10 sequences") && error.contains("4 GPUs"),
            "{error}"
        );
        let error = parts(10, Some(4), 4).expect_err("the last has 2");
        assert!(error.contains("2 of 10 sequences"), "{error}");
    }

    #[test]
    fn equal_parts_take_one_pass_but_for_the_first() {
        assert_eq!(turns(&[8]), (vec![0], vec![(8, false)]));
        assert_eq!(turns(&[3, 3]), (vec![0, 1], vec![(3, false), (3, true)]));
        assert_eq!(
            turns(&[3, 3, 3, 2]),
            (vec![0, 1, 1, 2], vec![(3, false), (3, true), (2, true)])
        );
    }
}
