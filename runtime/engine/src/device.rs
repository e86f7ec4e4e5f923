//! Where training jobs run.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;
use vpc_compiler::plan::{Precision as Planned, PretrainTask};
use vpc_cost::gpu_work;
use vpc_device::DeviceTrainer;
use vpc_device::cuda::{Cuda, available, usable};
use vpc_device::program::Precision;
use vpc_store::Draft;
use vpc_train::{Activations, Batch, StepReport, TrainConfig, Trainer};

use crate::error::JobError;
use crate::gpus::{Gpus, Lease};
use crate::group::{self, OnSeveral};
use crate::need::Need;
use crate::options::Stop;

/// The field of a manifest's record that names the device.
pub(crate) const DEVICE: &str = "device";
/// The processor's name there.
pub(crate) const CPU: &str = "cpu";

/// What trains: a choice of the person who runs a study, which no key knows of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Device {
    /// The GPUs that can be used; the processor where there is none.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// NVIDIA GPUs: one, counted from 0 as its driver does, or all that can be used.
    Cuda(Option<usize>),
}

impl Device {
    /// Fails, with what to do about it, unless trainings can be put there, each on so many GPUs.
    pub fn check(self, data_parallel: usize) -> Result<(), JobError> {
        if data_parallel > 1 {
            return group::check(self, data_parallel);
        }
        match self {
            Self::Auto | Self::Cpu => {}
            Self::Cuda(None) => _ = available()?,
            Self::Cuda(Some(index)) => usable(index)?,
        }
        Ok(())
    }
}

impl FromStr for Device {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(None)),
            _ => text
                .strip_prefix("cuda:")
                .and_then(|index| index.parse().ok())
                .map(|index| Self::Cuda(Some(index)))
                .ok_or_else(|| format!("`{text}` is none of `auto`, `cpu`, `cuda` and `cuda:1`")),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => write!(f, "auto"),
            Self::Cpu => write!(f, "cpu"),
            Self::Cuda(None) => write!(f, "cuda"),
            Self::Cuda(Some(index)) => write!(f, "cuda:{index}"),
        }
    }
}

/// A trainer where it was put.
pub(crate) enum Placed<'y> {
    Host(Box<Trainer>),
    Gpu(Box<DeviceTrainer<Cuda>>, OnGpu<'y>),
    Gpus(Box<OnSeveral>, OnGpu<'y>),
}

/// What a trainer on a GPU has of it.
pub(crate) struct OnGpu<'y> {
    /// As its driver calls it.
    name: String,
    /// Given back when the trainer has gone.
    _leases: Vec<Lease<'y>>,
}

impl<'y> Placed<'y> {
    /// Puts a trainer where the options and the job say; waits for room on a GPU.
    pub(crate) fn put(
        mut trainer: Trainer,
        config: &TrainConfig,
        task: &PretrainTask,
        (gpus, stop): (&'y Gpus, &Stop),
    ) -> Result<Self, JobError> {
        let activations = if *task.recompute.get() {
            Activations::Recomputed
        } else {
            Activations::Kept
        };
        let (yard, precision) = match (gpus.yard(), task.precision) {
            (Err(_), Planned::F32) => {
                trainer.set_activations(activations);
                return Ok(Self::Host(Box::new(trainer)));
            }
            (Err(why), Planned::Bf16) => return Err(JobError::NeedsGpu(why.to_owned())),
            (Ok(yard), Planned::F32) => (yard, Precision::F32),
            (Ok(yard), Planned::Bf16) => (yard, Precision::Bf16),
        };
        let need = Need {
            config,
            precision,
            activations,
            ranks: gpus.each(),
        };
        let leases = need.lend(yard, gpu_work(task), stop)?;
        let [lease] = leases.as_slice() else {
            let (mut trainer, name) = group::open(&leases, config, trainer, precision)?;
            trainer.set_activations(activations)?;
            let here = OnGpu {
                name,
                _leases: leases,
            };
            return Ok(Self::Gpus(Box::new(trainer), here));
        };
        let gpu = Cuda::open(lease.index())?;
        let here = OnGpu {
            name: gpu.name().to_owned(),
            _leases: leases,
        };
        let mut trainer = DeviceTrainer::of(config, trainer, precision, gpu);
        trainer.set_activations(activations)?;
        Ok(Self::Gpu(Box::new(trainer), here))
    }

    /// What trains, for the record.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Host(_) => CPU,
            Self::Gpu(_, here) | Self::Gpus(_, here) => &here.name,
        }
    }

    pub(crate) fn steps_done(&self) -> u64 {
        match self {
            Self::Host(trainer) => trainer.steps_done(),
            Self::Gpu(trainer, _) => trainer.steps_done(),
            Self::Gpus(trainer, _) => trainer.steps_done(),
        }
    }

    pub(crate) fn step(&mut self, batch: &Batch<'_>) -> Result<StepReport, JobError> {
        match self {
            Self::Host(trainer) => Ok(trainer.step(batch)?),
            Self::Gpu(trainer, _) => Ok(trainer.step(batch)?),
            Self::Gpus(trainer, _) => Ok(trainer.step(batch)?),
        }
    }

    /// Hands the trainer on the host, with the numbers as they are now, to `take`.
    pub(crate) fn with_host<R>(
        &mut self,
        take: impl FnOnce(&Trainer) -> Result<R, JobError>,
    ) -> Result<R, JobError> {
        match self {
            Self::Host(trainer) => take(trainer),
            Self::Gpu(trainer, _) => take(&trainer.to_host()?),
            Self::Gpus(trainer, _) => take(&trainer.to_host()?),
        }
    }
}

/// Notes in what is known of a job on which device it was done.
pub(crate) fn noted(mut draft: Draft, device: &str) -> Draft {
    if let Some(made) = draft.made.as_object_mut() {
        made.insert(DEVICE.to_owned(), device.into());
    }
    draft
}

/// The device that a training was finished on, by the facts of its making in its manifest.
pub fn made_on(made: &Value) -> &str {
    // Before there was a choice, it was the processor.
    made.get(DEVICE).and_then(Value::as_str).unwrap_or(CPU)
}

/// Fails where a finished training would be done again, for a checkpoint it did not keep, on another
/// device than the first time: it would come out in other bits.
pub(crate) fn check_again(first: &Value, now: &str) -> Result<(), JobError> {
    let first = made_on(first);
    if first == now {
        return Ok(());
    }
    Err(JobError::OtherDevice {
        first: first.to_owned(),
        now: now.to_owned(),
    })
}

/// Whether trainings take this machine's memory rather than a GPU's.
pub(crate) fn is_on_host(gpus: &Gpus) -> bool {
    gpus.yard().is_err()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn devices_are_named_as_they_are_read() {
        for text in ["auto", "cpu", "cuda", "cuda:0", "cuda:3"] {
            assert_eq!(text.parse::<Device>().expect("a device").to_string(), text);
        }
        assert_eq!("cuda".parse(), Ok(Device::Cuda(None)));
        for text in ["", "gpu", "cuda:", "cuda:x", "cuda:-1"] {
            let error = text.parse::<Device>().expect_err("no device");
            assert!(error.contains("`cuda`"), "{error}");
        }
    }

    #[test]
    fn a_run_is_done_again_where_it_was_done() {
        let before = json!({ "threads": 2 });
        assert_eq!(made_on(&before), "cpu");
        assert!(check_again(&before, "cpu").is_ok());
        let error = check_again(&before, "NVIDIA H100").expect_err("other bits");
        assert!(error.to_string().contains("finished on cpu"), "{error}");
        let there = json!({ "threads": 2, DEVICE: "NVIDIA H100" });
        assert!(check_again(&there, "NVIDIA H100").is_ok());
        assert!(check_again(&there, "cpu").is_err());
        assert!(check_again(&there, "NVIDIA H100 ×4").is_err());
    }

    #[test]
    fn the_processor_is_always_there() {
        assert!(Device::Cpu.check(1).is_ok());
        assert!(Device::Auto.check(1).is_ok());
        assert!(Device::Cuda(Some(999)).check(1).is_err());
    }
}
