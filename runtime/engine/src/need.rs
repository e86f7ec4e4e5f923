//! How much of a GPU a training takes, and what would fit where it is too much.

use vpc_cost::GpuWork;
use vpc_device::TrainError;
use vpc_device::group::memory;
use vpc_device::program::{BatchShape, Precision, Share};
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
    /// GPUs that it takes at once.
    pub(crate) ranks: usize,
}

/// Bytes of each GPU of a group besides: NCCL's buffers and kernels.
const TOGETHER: u64 = 512 << 20;

impl Need<'_> {
    /// Bytes of memory of each GPU with batches of so many sequences: those of its recorded step.
    ///
    /// With micro-batches it is that of one of them, but for what they share.
    fn bytes(&self, rows: usize) -> Result<u64, JobError> {
        let batch = BatchShape {
            rows,
            length: self.config.model.context,
        };
        let share = Share {
            batch,
            ranks: self.ranks,
        };
        let bytes = memory(self.config, share, self.precision, self.activations)? as u64;
        Ok(bytes + if self.ranks > 1 { TOGETHER } else { 0 })
    }

    /// The same, or none where such batches cannot be shared out evenly.
    fn bytes_if_even(&self, rows: usize) -> Result<Option<u64>, JobError> {
        match self.bytes(rows) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(JobError::Group(TrainError::Uneven { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Its places, one on each GPU that it takes; says what would fit where there are none.
    pub(crate) fn lend<'y>(
        &self,
        yard: &'y Yard,
        work: GpuWork,
        stop: &Stop,
    ) -> Result<Vec<Lease<'y>>, JobError> {
        let (ranks, needed) = (self.ranks, self.bytes(self.config.batch)?);
        let there = yard.count();
        if there < ranks {
            return Err(JobError::FewGpus { ranks, there });
        }
        let lent = if ranks == 1 {
            yard.lend(needed, Some(work), stop).map(|lease| vec![lease])
        } else {
            yard.lend_many(ranks, needed, work, stop)
        };
        let there = match lent {
            Ok(leases) => return Ok(leases),
            Err(NoPlace::Stopped) => return Err(JobError::Stopped),
            Err(NoPlace::TooLarge(there)) => there,
        };
        let instead = self.that_fits(there)?;
        Err(if ranks == 1 {
            too_large(needed, there, instead)
        } else {
            JobError::GroupMemory {
                ranks,
                needed: gib(needed),
                there: gib(there),
                instead,
            }
        })
    }

    /// What takes `there` bytes at most, in words: the same result where it can be had, then nearly the same.
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
        if let Some((rows, bytes)) = sparing.micro_batch_within(there)? {
            return Ok(format!(
                "with `activations: recomputed` and `micro_batch: {rows}` it takes {} GiB: the same batch, added \
                 up in another order, so another training with nearly the same numbers",
                gib(bytes)
            ));
        }
        let within = |rows: &usize| sparing.bytes_if_even(*rows);
        let smaller = halves(self.config.batch);
        if let Some((rows, bytes)) = first_within(there, smaller, within)? {
            return Ok(format!(
                "with `activations: recomputed` and `batch: {rows}`, which is another training, it takes {} GiB",
                gib(bytes)
            ));
        }
        Ok("no batch of this model fits; take a smaller scale or a shorter context".to_owned())
    }

    /// The largest micro-batch, halved from the one at hand, with which it takes `there` bytes at most; and
    /// what it takes.
    fn micro_batch_within(&self, there: u64) -> Result<Option<(usize, u64)>, JobError> {
        let batch = self.config.batch;
        let at_hand = self.config.micro_batch.unwrap_or(batch).min(batch);
        let bytes = |rows: &usize| {
            let config = TrainConfig {
                micro_batch: Some(*rows),
                ..self.config.clone()
            };
            let cut = Need {
                config: &config,
                ..*self
            };
            cut.bytes_if_even(batch)
        };
        first_within(there, halves(at_hand), bytes)
    }
}

/// Half of a number, half of that, and so on, down to 1.
fn halves(of: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(of / 2), |rows| Some(rows / 2)).take_while(|rows| *rows > 0)
}

/// The first number of sequences that takes `there` bytes at most, with what it takes.
fn first_within(
    there: u64,
    mut rows: impl Iterator<Item = usize>,
    bytes: impl Fn(&usize) -> Result<Option<u64>, JobError>,
) -> Result<Option<(usize, u64)>, JobError> {
    let found = rows.find_map(|rows| match bytes(&rows) {
        Ok(Some(bytes)) if bytes <= there => Some(Ok((rows, bytes))),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    });
    found.transpose()
}

/// That a job needs more than the largest GPU has to give, and what to do.
pub(crate) fn too_large(needed: u64, there: u64, instead: impl Into<String>) -> JobError {
    JobError::GpuMemory {
        needed: gib(needed),
        there: gib(there),
        instead: instead.into(),
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
            ranks: 1,
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
        // A micro-batch of four takes a little more than a batch of four, and one of two fits.
        let parts = refused(quarter);
        assert!(
            parts.contains("`micro_batch: 2`") && parts.contains("another training"),
            "{parts}"
        );
        let other = refused(sparing.bytes(1).expect("bytes"));
        assert!(other.contains("and `batch: 1`"), "{other}");
        let none = refused(1000);
        assert!(none.contains("no batch of this model fits"), "{none}");
    }

    #[test]
    fn micro_batches_need_less_and_what_is_said_of_them_is_so() {
        let mut config = config();
        let whole = need(&config, Activations::Recomputed)
            .bytes(16)
            .expect("bytes");
        config.micro_batch = Some(8);
        let half = need(&config, Activations::Recomputed)
            .bytes(16)
            .expect("bytes");
        assert!(half < whole, "{half}, {whole}");
        let (rows, bytes) = need(&config, Activations::Recomputed)
            .micro_batch_within(half - 1)
            .expect("a sound shape")
            .expect("one fits");
        assert_eq!(rows, 4);
        config.micro_batch = Some(4);
        let said = need(&config, Activations::Recomputed).bytes(16);
        assert_eq!(said.expect("bytes"), bytes);
    }

    #[test]
    fn what_fits_is_lent() {
        let config = config();
        let kept = need(&config, Activations::Kept);
        let yard = Yard::new([(3, kept.bytes(16).expect("bytes"))]);
        let leases = kept.lend(&yard, WORK, &Stop::default()).expect("a place");
        let places: Vec<usize> = leases.iter().map(Lease::index).collect();
        assert_eq!(places, [3]);
    }

    #[test]
    fn a_group_takes_the_same_of_each() {
        let config = config();
        let alone = need(&config, Activations::Kept).bytes(16).expect("bytes");
        let group = Need {
            ranks: 4,
            ..need(&config, Activations::Kept)
        };
        let each = group.bytes(16).expect("bytes");
        assert!(each - TOGETHER < alone, "{each}, {alone}");
        let lend = |yard: &Yard| {
            let leases = group.lend(yard, WORK, &Stop::default());
            leases
                .map(|leases| leases.len())
                .map_err(|error| error.to_string())
        };
        assert_eq!(lend(&Yard::new((0..5).map(|index| (index, each)))), Ok(4));
        let few = lend(&Yard::new([(0, each), (1, each)])).expect_err("two");
        assert!(
            few.contains("takes 4 GPUs") && few.contains("and 2 can"),
            "{few}"
        );
        let small = lend(&Yard::new((0..4).map(|index| (index, each - 1)))).expect_err("small");
        assert!(small.contains("each of 4 GPUs"), "{small}");
        assert!(
            small.contains("with `activations: recomputed` it takes"),
            "{small}"
        );
        // Micro-batches below four cannot be shared out.
        let sparing = Need {
            activations: Activations::Recomputed,
            ..group
        };
        assert_eq!(sparing.micro_batch_within(TOGETHER).expect("sizes"), None);
        let uneven = Need { ranks: 3, ..group };
        let three = Yard::new((0..3).map(|index| (index, each)));
        let refused = uneven.lend(&three, WORK, &Stop::default());
        let refused = refused.expect_err("16 sequences on 3").to_string();
        assert!(
            refused.contains("16 of 16 sequences") && refused.contains("3 GPUs"),
            "{refused}"
        );
    }

    #[test]
    fn sizes_are_rounded_up() {
        assert_eq!(gib(1), "0.1");
        assert_eq!(gib(80 << 30), "80.0");
        assert_eq!(gib((80 << 30) + 1), "80.1");
    }
}
