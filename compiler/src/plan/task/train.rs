//! Pre-training runs.

use serde::{Deserialize, Serialize};

use super::list;
use crate::plan::{Fraction, ModelSpec, Operation, Record};

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
    /// What numbers activations are.
    #[serde(default, skip_serializing_if = "Precision::is_f32")]
    pub precision: Precision,
    /// Sequences whose gradient is computed at once, fewer than `batch`; `None` for the whole batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micro_batch: Option<u64>,
    /// Whether the backward pass computes inner values again.
    #[serde(default, skip_serializing_if = "Operation::is_false")]
    pub recompute: Operation<bool>,
    /// Seed of all random streams of the run.
    pub seed: u64,
    /// Steps after which a checkpoint is kept.
    pub keep: Operation<Vec<u64>>,
    /// How often the text of a category may be gone through at most.
    #[serde(default, skip_serializing_if = "Operation::is_none")]
    pub max_epochs: Operation<Option<Fraction>>,
}

/// What numbers a run computes with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// IEEE single precision throughout.
    #[default]
    F32,
    /// bf16 activations and products, summed in f32; weights, moments and their gradients are f32.
    Bf16,
}

impl Precision {
    /// As it is written.
    pub const fn word(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        }
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde hands over references"
    )]
    const fn is_f32(&self) -> bool {
        matches!(self, Self::F32)
    }
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
        let record = self.common().with("tokens", self.tokens);
        self.schedule.onto(record)
    }

    /// What bears on the steps that do not depend on the length of the run.
    pub(in crate::plan) fn trunk_record(&self) -> Record<'_> {
        self.common().with("warmup", self.schedule.warmup)
    }

    /// What does not depend on the length of the run.
    pub(in crate::plan) fn common(&self) -> Record<'_> {
        // Taken apart whole, so that a new field must say here what it is.
        let Self {
            model,
            shares,
            tokens: _, // the length
            batch,
            steps: _,    // tokens / (batch · context)
            schedule: _, // depends on the length
            rate,
            weight_decay,
            beta1,
            beta2,
            clip,
            precision,
            micro_batch,
            recompute: Operation { .. },
            seed,
            keep: Operation { .. },
            max_epochs: Operation { .. },
        } = self;
        let record = model
            .record()
            .with("shares", list(shares))
            .with("batch", *batch)
            .with("rate", *rate)
            .with("weight_decay", *weight_decay)
            .with("beta1", *beta1)
            .with("beta2", *beta2)
            .with("clip", *clip)
            .with("seed", *seed);
        // The order in which gradients are added up is part of what is computed.
        let record = match micro_batch {
            None => record,
            Some(sequences) => record.with("micro_batch", *sequences),
        };
        match precision {
            // What runs were before there was another.
            Precision::F32 => record,
            Precision::Bf16 => record.with("precision", precision.word()),
        }
    }
}

impl ScheduleSpec {
    /// Adds the schedule's fields to a record.
    pub(super) fn onto<'t>(&self, record: Record<'t>) -> Record<'t> {
        let Self {
            shape,
            warmup,
            decay,
            floor,
        } = self;
        let shape = match shape {
            ScheduleShape::Constant => "constant",
            ScheduleShape::Cosine => "cosine",
            ScheduleShape::Linear => "linear",
            ScheduleShape::Wsd => "wsd",
        };
        record
            .with("schedule", shape)
            .with("warmup", *warmup)
            .with("decay", *decay)
            .with("floor", *floor)
    }
}
