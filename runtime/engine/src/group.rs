//! One training on several GPUs.

use vpc_device::TrainError;
use vpc_device::cuda::{Cuda, Nccl, available};
use vpc_device::group::GroupTrainer;
use vpc_device::program::Precision;
use vpc_train::{TrainConfig, Trainer};

use crate::device::Device;
use crate::error::JobError;
use crate::gpus::Lease;

/// GPUs that add up their gradients.
pub(crate) type OnSeveral = GroupTrainer<Cuda, Nccl>;

/// Fails, with what to do about it, unless each training can be put on `ranks` GPUs at once.
pub(crate) fn check(device: Device, ranks: usize) -> Result<(), JobError> {
    match device {
        Device::Cpu => Err(JobError::NotParallel(format!(
            "`--data-parallel {ranks}` puts a training on several GPUs: leave it out with `--device cpu`, where \
             trainings take as many threads as `--threads` says"
        ))),
        Device::Cuda(Some(index)) => Err(JobError::NotParallel(format!(
            "`--device cuda:{index}` is one GPU, and `--data-parallel {ranks}` takes {ranks}: run with \
             `--device cuda`"
        ))),
        Device::Auto | Device::Cuda(None) => {
            let there = available()?.len();
            if there < ranks {
                return Err(JobError::FewGpus { ranks, there });
            }
            Ok(Nccl::check()?)
        }
    }
}

/// Opens the GPUs that were lent, and puts a trainer on them; with their name, for the record.
pub(crate) fn open(
    leases: &[Lease<'_>],
    config: &TrainConfig,
    trainer: Trainer,
    precision: Precision,
) -> Result<(OnSeveral, String), JobError> {
    let gpus = leases.iter().map(|lease| Cuda::open(lease.index()));
    let gpus = gpus.collect::<Result<Vec<_>, _>>()?;
    let names: Vec<&str> = gpus.iter().map(Cuda::name).collect();
    let name = name(&names)?;
    let nccl = Nccl::join(&gpus)?;
    let trainer = GroupTrainer::of(config, trainer, precision, gpus, nccl);
    Ok((trainer, name))
}

/// What several GPUs are called together. They round alike only where they are of one kind.
fn name(names: &[&str]) -> Result<String, JobError> {
    let first = names.first().copied().unwrap_or_default();
    if names.iter().all(|name| *name == first) {
        return Ok(format!("{first} ×{}", names.len()));
    }
    Err(JobError::MixedGpus(names.join(", ")))
}

impl From<TrainError> for JobError {
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::Train(error) => Self::Train(error),
            TrainError::Device(error) => Self::Device(error),
            TrainError::NotReady => Self::DeviceLost,
            group @ (TrainError::Uneven { .. } | TrainError::Apart { .. }) => Self::Group(group),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_are_named_by_their_kind_and_number() {
        let of = |names: &[&str]| name(names).map_err(|error| error.to_string());
        assert_eq!(of(&["H100"; 4]), Ok("H100 ×4".to_owned()));
        let mixed = of(&["H100", "A100"]).expect_err("two kinds");
        assert!(mixed.contains("H100, A100"), "{mixed}");
    }

    #[test]
    fn what_is_no_group_is_told() {
        let told = |device| check(device, 2).expect_err("no group").to_string();
        assert!(told(Device::Cpu).contains("`--threads`"));
        assert!(told(Device::Cuda(Some(1))).contains("`--device cuda`"));
    }
}
