//! Where finished models are read: text scored, questions answered.

use vpc_device::cuda::Cuda;
use vpc_device::program::Precision;
use vpc_device::{DeviceError, ReadError};
use vpc_train::{ModelConfig, TrainError};

use crate::device::{CPU, Device};
use crate::error::JobError;
use crate::gpus::{Gpus, Lease, NoPlace};
use crate::need::too_large;
use crate::options::Stop;

/// What models are read in, on every device: a result has one class wherever it is computed, and no key tells
/// where that is.
pub(crate) const CLASS: Precision = Precision::F32;

/// Where a model is read.
#[derive(Debug)]
pub(crate) enum Place<'y> {
    Host,
    /// A GPU, lent until this is dropped.
    Gpu(Lease<'y>),
}

impl<'y> Place<'y> {
    /// A place for something of so many bytes of a GPU: waits for room on one, if GPUs are allowed.
    ///
    /// What fits on none is done on the processor, unless GPUs alone were asked for.
    pub(crate) fn find(
        (gpus, stop): (&'y Gpus, &Stop),
        bytes: impl FnOnce() -> Result<usize, JobError>,
    ) -> Result<Self, JobError> {
        let Ok(yard) = gpus.yard() else {
            return Ok(Self::Host);
        };
        let needed = bytes()? as u64;
        match yard.lend(needed, None, stop) {
            Ok(lease) => Ok(Self::Gpu(lease)),
            Err(NoPlace::Stopped) => Err(JobError::Stopped),
            Err(NoPlace::TooLarge(_)) if gpus.device() == Device::Auto => Ok(Self::Host),
            Err(NoPlace::TooLarge(there)) => Err(too_large(
                needed,
                there,
                "run with `--device cpu` or `--device auto`",
            )),
        }
    }

    /// The GPU, where it is one.
    pub(crate) fn open(&self) -> Result<Option<Cuda>, DeviceError> {
        match self {
            Self::Host => Ok(None),
            Self::Gpu(lease) => Cuda::open(lease.index()).map(Some),
        }
    }
}

/// The name of what reads, for the record.
pub(crate) fn name(gpu: Option<&Cuda>) -> String {
    gpu.map_or(CPU, Cuda::name).to_owned()
}

/// Sequences that a GPU keeps at a time for a model: by the model alone, so that no result depends on the GPU.
pub(crate) fn slots(config: &ModelConfig, most: usize) -> usize {
    /// Bytes of keys and values at most.
    const KEPT: usize = 8 << 30;
    let token = 2 * config.kv_heads * (config.width / config.heads) * CLASS.kind().bytes();
    (KEPT / (config.layers * config.context * token).max(1)).clamp(1, most)
}

impl From<ReadError> for JobError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Inference(error) => {
                Self::Adapt(vpc_train::adapted::AdaptError::Inference(error))
            }
            ReadError::Batch(error) => Self::Train(TrainError::from(error)),
            ReadError::Config(error) => Self::Train(TrainError::from(error)),
            ReadError::Device(error) => Self::Device(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn without_a_gpu_the_processor_reads() {
        let gpus = Gpus::of(Device::Cpu, 1, &BTreeMap::new());
        let bytes = || -> Result<usize, JobError> { panic!("nobody asks") };
        let place = Place::find((&gpus, &Stop::default()), bytes).expect("a place");
        assert!(matches!(place, Place::Host));
        let gpu = place.open().expect("none");
        assert_eq!(name(gpu.as_ref()), "cpu");
    }

    #[test]
    fn slots_depend_on_the_model() {
        let config = |layers, kv_heads, context| ModelConfig {
            layers,
            width: 4096,
            heads: 32,
            kv_heads,
            hidden: 11_008,
            context,
            vocabulary: 32_000,
            rope_base: 10_000.0,
            norm_eps: 1e-5,
            tied: false,
        };
        // A token of the 7B shape is 1 MiB of f32, and 2,048 of them are 2 GiB.
        assert_eq!(slots(&config(32, 32, 2048), 32), 4);
        assert_eq!(slots(&config(32, 8, 2048), 32), 16);
        assert_eq!(slots(&config(2, 1, 64), 32), 32);
        assert_eq!(slots(&config(320, 32, 20_480), 32), 1);
    }
}
