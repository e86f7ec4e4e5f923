//! Bytes of a GPU that a planned training takes, before anything runs: those of its recorded step.

use std::collections::BTreeMap;

use vpc_compiler::plan::{ModelSpec, Precision as Planned, PretrainTask};
use vpc_device::memory;
use vpc_device::program::{BatchShape, Precision};
use vpc_train::{Activations, TrainConfig};

use crate::gpus::RESERVED;
use crate::jobs::train_config;

/// What trainings take, each shape recorded once.
#[derive(Debug, Default)]
pub struct Footprints(BTreeMap<Shape, Option<u64>>);

/// All that the memory of a step depends on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Shape {
    model: ModelSpec,
    /// Sequences that go through at once.
    rows: u64,
    /// Sequences of a step.
    batch: u64,
    is_bf16: bool,
    recompute: bool,
}

/// What would fit a GPU where a training does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instead {
    /// The same training, whose inner values are computed again, takes so many bytes.
    Recomputed(u64),
    /// With inner values computed again and micro-batches of so many sequences it takes so many bytes.
    MicroBatch(u64, u64),
    /// Not even one sequence fits, which takes so many bytes with inner values computed again.
    Nothing(u64),
}

impl Footprints {
    /// Bytes that a training takes of a GPU with so many sequences at once; none where its settings are
    /// none that a trainer has.
    pub fn bytes(&mut self, task: &PretrainTask, rows: u64) -> Option<u64> {
        self.of(task, rows, *task.recompute.get())
    }

    fn of(&mut self, task: &PretrainTask, rows: u64, recompute: bool) -> Option<u64> {
        let shape = Shape {
            model: task.model.clone(),
            rows,
            // Its own micro-batches; any other number is taken for a whole batch.
            batch: match task.micro_batch {
                Some(own) if own == rows => task.batch,
                _ => rows,
            },
            is_bf16: task.precision == Planned::Bf16,
            recompute,
        };
        let found = self.0.entry(shape);
        *found.or_insert_with_key(|shape| shape.record(task))
    }

    /// What takes `there` bytes at most, where so many sequences at once do not fit: the same result where
    /// it can be had, else the largest power of two of sequences. None where its settings are none
    /// that a trainer has.
    pub fn instead(&mut self, task: &PretrainTask, rows: u64, there: u64) -> Option<Instead> {
        let whole = self.of(task, rows, true)?;
        if whole <= there {
            return Some(Instead::Recomputed(whole));
        }
        let mut fewer = rows.max(2).next_power_of_two() / 2;
        let mut bytes = self.of(task, fewer, true)?;
        while bytes > there && fewer > 1 {
            fewer /= 2;
            bytes = self.of(task, fewer, true)?;
        }
        Some(if bytes <= there {
            Instead::MicroBatch(fewer, bytes)
        } else {
            Instead::Nothing(bytes)
        })
    }
}

impl Shape {
    fn record(&self, task: &PretrainTask) -> Option<u64> {
        let config = TrainConfig {
            batch: usize::try_from(self.batch).ok()?,
            micro_batch: (self.rows < self.batch).then_some(self.rows as usize),
            ..train_config(task)
        };
        let batch = BatchShape {
            rows: config.batch,
            length: config.model.context,
        };
        let precision = if self.is_bf16 {
            Precision::Bf16
        } else {
            Precision::F32
        };
        let activations = if self.recompute {
            Activations::Recomputed
        } else {
            Activations::Kept
        };
        Some(memory(&config, batch, precision, activations).ok()? as u64)
    }
}

/// Bytes that trainings may have of a GPU with so many.
pub const fn lent(bytes: u64) -> u64 {
    bytes.saturating_sub(RESERVED)
}

#[cfg(test)]
mod tests {
    use vpc_compiler::plan::{Fraction, Operation, ScheduleShape, ScheduleSpec};

    use super::*;

    fn task(batch: u64, precision: Planned) -> PretrainTask {
        let share = |of| Fraction::new(1, of).expect("a share");
        PretrainTask {
            model: ModelSpec {
                layers: 6,
                width: 32,
                heads: 2,
                kv_heads: 1,
                hidden: 64,
                context: 64,
                vocabulary: 96,
                rope_base: 10_000,
                tied: false,
            },
            shares: vec![share(1)],
            tokens: 1000,
            batch,
            steps: 1,
            schedule: ScheduleSpec {
                shape: ScheduleShape::Constant,
                warmup: 0,
                decay: 0,
                floor: share(10),
            },
            rate: share(1000),
            weight_decay: share(10),
            beta1: share(2),
            beta2: share(2),
            clip: share(1),
            precision,
            micro_batch: None,
            recompute: Operation::new(false),
            seed: 1,
            keep: Operation::new(Vec::new()),
            max_epochs: Operation::new(None),
        }
    }

    #[test]
    fn they_are_those_of_the_recorded_step() {
        let mut all = Footprints::default();
        for planned in [Planned::F32, Planned::Bf16] {
            for rows in [1, 3, 16] {
                let task = task(16, planned);
                let config = train_config(&task);
                let batch = BatchShape {
                    rows: rows as usize,
                    length: 64,
                };
                let precision = match planned {
                    Planned::F32 => Precision::F32,
                    Planned::Bf16 => Precision::Bf16,
                };
                let recorded = memory(&config, batch, precision, Activations::Kept);
                let recorded = recorded.expect("a step") as u64;
                assert_eq!(all.bytes(&task, rows), Some(recorded));
                assert_eq!(all.bytes(&task, rows), Some(recorded), "the second time");
            }
        }
        assert_eq!(all.0.len(), 6);
    }

    #[test]
    fn what_would_fit_is_found() {
        let mut all = Footprints::default();
        let task = task(12, Planned::Bf16);
        let kept = all.bytes(&task, 12).expect("bytes");
        let again = all.of(&task, 12, true).expect("bytes");
        let [eight, four, one] = [8, 4, 1].map(|rows| all.of(&task, rows, true).expect("bytes"));
        assert!(one < four && four < eight && eight < again && again < kept);
        let mut instead = |there| all.instead(&task, 12, there).expect("a step");
        assert_eq!(instead(kept - 1), Instead::Recomputed(again));
        assert_eq!(instead(again - 1), Instead::MicroBatch(8, eight));
        assert_eq!(instead(eight - 1), Instead::MicroBatch(4, four));
        assert_eq!(instead(one), Instead::MicroBatch(1, one));
        assert_eq!(instead(one - 1), Instead::Nothing(one));
    }

    #[test]
    fn what_no_trainer_has_takes_nothing() {
        let mut task = task(1, Planned::F32);
        task.batch = 0;
        assert_eq!(Footprints::default().bytes(&task, 0), None);
    }

    #[test]
    fn something_is_left_to_the_driver() {
        assert_eq!(lent(80 << 30), 79 << 30);
        assert_eq!(lent(5), 0);
    }
}
