//! Pre-training runs.

use serde::{Deserialize, Serialize};

use super::list;
use crate::plan::{Fraction, ModelSpec, Record};

/// A pre-training run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PretrainTask {
    /// Shape of the model.
    pub model: ModelSpec,
    /// Share of each category, in the order of the `tokens` inputs; zero shares are left out.
    pub shares: Vec<Fraction>,
    /// Tokens trained on: whole steps, at least the budget.
    pub tokens: u64,
    /// Sequences per step.
    pub batch: u64,
    /// Optimiser steps.
    pub steps: u64,
    /// Learning-rate schedule.
    pub schedule: ScheduleSpec,
    /// Peak learning rate.
    pub rate: Fraction,
    /// AdamW's decay of matrices.
    pub weight_decay: Fraction,
    /// AdamW's decay of the first moment.
    pub beta1: Fraction,
    /// AdamW's decay of the second moment.
    pub beta2: Fraction,
    /// Largest norm of the whole gradient; 0 for no clipping.
    pub clip: Fraction,
    /// Seed of all random streams of the run.
    pub seed: u64,
    /// Steps after which a checkpoint is kept. An operation: it does not bear identity.
    pub keep: Vec<u64>,
}

/// A learning-rate schedule in steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleSpec {
    /// Its shape after warm-up.
    pub shape: ScheduleShape,
    /// Steps of linear warm-up.
    pub warmup: u64,
    /// Steps of decay at the end; `wsd` only, else 0.
    pub decay: u64,
    /// Rate at the end, as a share of the peak.
    pub floor: Fraction,
}

/// The shape of a schedule after warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleShape {
    /// The peak rate throughout.
    Constant,
    /// Half a cosine down to the floor.
    Cosine,
    /// A straight line down to the floor.
    Linear,
    /// Warm-up, stable, decay.
    Wsd,
}

impl PretrainTask {
    pub(super) fn record(&self) -> Record<'_> {
        let record = self
            .model
            .record()
            .with("shares", list(&self.shares))
            .with("tokens", self.tokens)
            .with("batch", self.batch);
        self.schedule
            .onto(record)
            .with("rate", self.rate)
            .with("weight_decay", self.weight_decay)
            .with("beta1", self.beta1)
            .with("beta2", self.beta2)
            .with("clip", self.clip)
            .with("seed", self.seed)
    }
}

impl ScheduleSpec {
    /// Adds the schedule's fields to a record.
    pub(super) fn onto<'t>(&self, record: Record<'t>) -> Record<'t> {
        let shape = match self.shape {
            ScheduleShape::Constant => "constant",
            ScheduleShape::Cosine => "cosine",
            ScheduleShape::Linear => "linear",
            ScheduleShape::Wsd => "wsd",
        };
        record
            .with("schedule", shape)
            .with("warmup", self.warmup)
            .with("decay", self.decay)
            .with("floor", self.floor)
    }
}
