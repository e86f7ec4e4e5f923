//! The gradient of a batch, in shards that threads can take without waiting for each other.

use rayon::prelude::*;

use crate::kernels::norm::sum_of_squares;
use crate::kernels::sum::add;
use crate::ops::Recording;
use crate::{Batch, Model, ModelConfig, TrainError};

/// Fewest tokens worth a shard.
const TOKENS: usize = 512;
/// Most shards of a batch.
const SHARDS: usize = 8;
/// Most numbers all shards' gradients may hold together: 256 MiB. Larger models keep all threads busy
/// within each operation, and adding up their gradients would cost more than it saves.
const NUMBERS: u64 = 1 << 26;

/// What becomes of a block's inner values between the forward and the backward pass.
///
/// Results are the same bits either way: this is how work is done, not what it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activations {
    /// They are kept.
    #[default]
    Kept,
    /// They are computed again from the block's input: far less memory, one more forward pass.
    Recomputed,
}

/// Loss and gradient of a batch.
pub(crate) struct Gradient {
    /// Sum of all targets' losses, in nats.
    pub(crate) loss: f64,
    /// Gradient of the mean loss, one vector per slab of the model.
    pub(crate) slabs: Vec<Vec<f32>>,
}

impl Gradient {
    /// Runs a checked batch forwards and backwards, in micro-batches of so many rows, one after the
    /// other, or whole; their gradients are added up in order.
    pub(crate) fn of(
        model: &Model,
        batch: &Batch,
        micro_batch: Option<usize>,
        activations: Activations,
    ) -> Result<Self, TrainError> {
        let count = batch.targets.len();
        let span = micro_batch.map_or(count, |rows| rows.saturating_mul(batch.length));
        let parts = batch.inputs.chunks(span).zip(batch.targets.chunks(span));
        let mut sum = Self::zero();
        for (inputs, targets) in parts {
            let part = Batch {
                inputs,
                targets,
                length: batch.length,
            };
            sum = sum.plus(Self::of_part(model, &part, count, activations)?);
        }
        Ok(sum)
    }

    /// Runs part of a batch of `count` targets.
    ///
    /// Shards depend on the part's and the model's shape only, and are added up in order.
    fn of_part(
        model: &Model,
        batch: &Batch,
        count: usize,
        activations: Activations,
    ) -> Result<Self, TrainError> {
        let span = rows_per_shard(model.config(), batch) * batch.length;
        let shards = batch
            .inputs
            .par_chunks(span)
            .zip(batch.targets.par_chunks(span));
        let shards = shards
            .map(|(inputs, targets)| {
                let shard = Batch {
                    inputs,
                    targets,
                    length: batch.length,
                };
                Self::of_shard(model, &shard, count, activations)
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(shards.into_iter().fold(Self::zero(), Self::plus))
    }

    fn of_shard(
        model: &Model,
        shard: &Batch,
        count: usize,
        activations: Activations,
    ) -> Result<Self, TrainError> {
        let loss = model.loss(shard, count, activations, Recording::default());
        let total = loss.total;
        let mut gradients = loss.backward()?;
        let slabs = gradients.take_where(model.tensors(), |_| true)?;
        Ok(Self { loss: total, slabs })
    }

    /// The gradient of nothing, which has no slabs yet.
    const fn zero() -> Self {
        Self {
            loss: 0.0,
            slabs: Vec::new(),
        }
    }

    fn plus(mut self, other: Self) -> Self {
        if self.slabs.is_empty() {
            return other;
        }
        self.loss += other.loss;
        for (sum, part) in self.slabs.iter_mut().zip(other.slabs) {
            add(sum, &part);
        }
        self
    }

    /// Global norm, accumulated in f64 in the layout's order.
    pub(crate) fn norm(&self) -> f64 {
        self.slabs
            .iter()
            .map(|slab| sum_of_squares(slab))
            .sum::<f64>()
            .sqrt()
    }
}

/// Rows of a shard; all but the last are equally large, and their number is a power of two if it can
/// be, which divides most batches and thread counts.
fn rows_per_shard(config: &ModelConfig, batch: &Batch) -> usize {
    let rows = batch.inputs.len() / batch.length;
    let affordable = (NUMBERS / config.parameters()).min(SHARDS as u64) as usize;
    let shards = (batch.inputs.len() / TOKENS).min(affordable);
    rows.div_ceil(1 << shards.checked_ilog2().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::tiny;

    #[test]
    fn shards_depend_on_shape_alone() {
        let rows = |config: &ModelConfig, rows: usize, length: usize| {
            let tokens = vec![0; rows * length];
            rows_per_shard(
                config,
                &Batch {
                    inputs: &tokens,
                    targets: &tokens,
                    length,
                },
            )
        };
        assert_eq!(rows(&tiny(), 16, 128), 4);
        assert_eq!(rows(&tiny(), 19, 128), 5);
        assert_eq!(rows(&tiny(), 4, 128), 4);
        assert_eq!(rows(&tiny(), 1, 4096), 1);
        assert_eq!(rows(&tiny(), 100, 1000), 13);
        let large = ModelConfig {
            width: 1200,
            hidden: 4000,
            layers: 20,
            ..tiny()
        };
        assert_eq!(rows(&large, 16, 128), 16);
    }

    #[test]
    fn shards_add_up_to_the_whole() {
        let model = Model::initial(&tiny(), 4).expect("a sound shape");
        let inputs: Vec<u32> = (0..7 * 301).map(|i| (i * i % 13) as u32).collect();
        let targets: Vec<u32> = inputs.iter().map(|token| (token * 5 + 1) % 13).collect();
        let batch = Batch {
            inputs: &inputs,
            targets: &targets,
            length: 7,
        };
        assert!(
            rows_per_shard(model.config(), &batch) < 301,
            "there must be shards"
        );
        let whole =
            Gradient::of_shard(&model, &batch, inputs.len(), Activations::Kept).expect("memory");
        // Whole, in micro-batches that divide it and that do not, and in one larger than it.
        for micro_batch in [None, Some(43), Some(100), Some(1), Some(1000)] {
            let parts =
                Gradient::of(&model, &batch, micro_batch, Activations::Kept).expect("memory");
            agree(&parts, &whole);
        }
    }

    fn agree(sharded: &Gradient, whole: &Gradient) {
        assert!((sharded.loss - whole.loss).abs() < 1e-9 * whole.loss);
        assert!((sharded.norm() - whole.norm()).abs() < 1e-5 * whole.norm());
        for (a, b) in sharded
            .slabs
            .iter()
            .flatten()
            .zip(whole.slabs.iter().flatten())
        {
            assert!((a - b).abs() < 1e-6, "{a} is not {b}");
        }
    }
}
