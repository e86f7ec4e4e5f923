//! How much of a GPU a training takes, and what would fit where it is too much.

use vpc_cost::GpuWork;
use vpc_device::memory;
use vpc_device::program::{BatchShape, Precision};
use vpc_train::{Activations, TrainConfig};

use crate::error::JobError;
use crate::gpus::{Lease, NoPlace, Yard};
use crate::options::Stop;

/// A training, as far as its memory goes.
#[derive(Clone, Copy)]
pub(crate) struct Need<'c> {
    pub(crate) config: &'c TrainConfig,
    pub(crate) precision: Precision,
    pub(crate) activations: Activations,
}

impl Need<'_> {
    /// Bytes of memory of a GPU with batches of so many sequences: those of its recorded step.
    fn bytes(&self, rows: usize) -> Result<u64, JobError> {
        let shape = BatchShape {
            rows,
            length: self.config.model.context,
        };
        Ok(memory(self.config, shape, self.precision, self.activations)? as u64)
    }

    /// A place for it; says what would fit where there is none.
    pub(crate) fn lend<'y>(
        &self,
        yard: &'y Yard,
        work: GpuWork,
        stop: &Stop,
    ) -> Result<Lease<'y>, JobError> {
        let needed = self.bytes(self.config.batch)?;
        match yard.lend(needed, work, stop) {
            Ok(lease) => Ok(lease),
            Err(NoPlace::Stopped) => Err(JobError::Stopped),
            Err(NoPlace::TooLarge(there)) => Err(JobError::GpuMemory {
                needed: gib(needed),
                there: gib(there),
                instead: self.that_fits(there)?,
            }),
        }
    }

    /// What takes `there` bytes at most, in words: the same result where it can be had.
    fn that_fits(&self, there: u64) -> Result<String, JobError> {
        let sparing = Self {
            activations: Activations::Recomputed,
            ..*self
        };
        if self.activations == Activations::Kept {
            let bytes = sparing.bytes(self.config.batch)?;
            if bytes <= there {
                return Ok(format!(
                    "with `activations: recomputed` it takes {} GiB and gives the same bits",
                    gib(bytes)
                ));
            }
        }
        let mut rows = self.config.batch / 2;
        while rows > 0 {
            let bytes = sparing.bytes(rows)?;
            if bytes <= there {
                return Ok(format!(
                    "with `activations: recomputed` and `batch: {rows}`, which is another training, it takes {} GiB",
                    gib(bytes)
                ));
            }
            rows /= 2;
        }
        Ok("no batch of this model fits; take a smaller scale or a shorter context".to_owned())
    }
}

/// Gibibytes with one digit after the point, rounded up, so that no need looks like what is there.
fn gib(bytes: u64) -> String {
    format!(
        "{:.1}",
        (bytes as f64 / f64::from(1 << 30) * 10.0).ceil() / 10.0
    )
}

#[cfg(test)]
mod tests {
    use vpc_train::{ModelConfig, Optimizer, Schedule};

    use super::*;

    const WORK: GpuWork = GpuWork {
        is_bf16: false,
        flops_per_step: 1e6,
    };

    fn config() -> TrainConfig {
        TrainConfig {
            model: ModelConfig {
                layers: 6,
                width: 32,
                heads: 2,
                kv_heads: 2,
                hidden: 64,
                context: 64,
                vocabulary: 96,
                rope_base: 10_000.0,
                norm_eps: 1e-5,
                tied: false,
            },
            optimizer: Optimizer {
                rate: 1e-3,
                beta1: 0.9,
                beta2: 0.95,
                eps: 1e-8,
                weight_decay: 0.0,
                clip: 0.0,
            },
            schedule: Schedule::Constant { warmup: 0 },
            batch: 16,
            micro_batch: None,
            steps: 1,
            seed: 0,
        }
    }

    fn need(config: &TrainConfig, activations: Activations) -> Need<'_> {
        Need {
            config,
            precision: Precision::F32,
            activations,
        }
    }

    fn refused(there: u64) -> String {
        let config = config();
        let yard = Yard::new([(0, there)]);
        let kept = need(&config, Activations::Kept);
        let lent = kept.lend(&yard, WORK, &Stop::default());
        lent.expect_err("it does not fit").to_string()
    }

    #[test]
    fn what_would_fit_is_said() {
        let config = config();
        let kept = need(&config, Activations::Kept).bytes(16).expect("bytes");
        let sparing = need(&config, Activations::Recomputed);
        let (whole, quarter) = (sparing.bytes(16), sparing.bytes(4));
        let (whole, quarter) = (whole.expect("bytes"), quarter.expect("bytes"));
        assert!(
            quarter < whole && whole < kept,
            "{quarter}, {whole}, {kept}"
        );

        let same = refused(kept - 1);
        assert!(
            same.contains("with `activations: recomputed` it takes"),
            "{same}"
        );
        let other = refused(quarter);
        assert!(other.contains("`batch: 4`"), "{other}");
        let none = refused(1000);
        assert!(none.contains("no batch of this model fits"), "{none}");
    }

    #[test]
    fn what_fits_is_lent() {
        let config = config();
        let kept = need(&config, Activations::Kept);
        let yard = Yard::new([(3, kept.bytes(16).expect("bytes"))]);
        let lease = kept.lend(&yard, WORK, &Stop::default()).expect("a place");
        assert_eq!(lease.index(), 3);
    }

    #[test]
    fn sizes_are_rounded_up() {
        assert_eq!(gib(1), "0.1");
        assert_eq!(gib(80 << 30), "80.0");
        assert_eq!(gib((80 << 30) + 1), "80.1");
    }
}
