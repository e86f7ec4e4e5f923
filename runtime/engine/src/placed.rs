//! Where jobs about pictures run: features of encoders, stages of adaptations.

use vpc_device::cuda::Cuda;
use vpc_device::{
    AdaptDeviceError, AdaptDeviceTrainer, EncoderDevice, EncoderError, adapt_memory, encoder_memory,
};
use vpc_train::adapted::{AdaptTrainer, Example};
use vpc_train::vision::{Encoder, Features};
use vpc_train::{Activations, StepReport};

use crate::device::CPU;
use crate::error::JobError;
use crate::gpus::{Gpus, Lease, NoPlace, Yard};
use crate::need::too_large;
use crate::options::Stop;

/// What to do where a job fits no GPU.
const INSTEAD: &str = "run it with `--device cpu`";

/// What a job on a GPU has of it.
pub(crate) struct Here<'y> {
    /// As its driver calls it.
    name: String,
    /// Given back when the work has gone.
    _lease: Lease<'y>,
}

impl<'y> Here<'y> {
    fn open(lease: Lease<'y>) -> Result<(Cuda, Self), JobError> {
        let gpu = Cuda::open(lease.index())?;
        let name = gpu.name().to_owned();
        Ok((
            gpu,
            Self {
                name,
                _lease: lease,
            },
        ))
    }
}

/// An encoder where it was put.
pub(crate) enum Looks<'y> {
    Host(Encoder, Features),
    Gpu(Box<EncoderDevice<Cuda>>, Here<'y>),
}

impl<'y> Looks<'y> {
    /// Puts an encoder where the options say, for batches of at most `images`; waits for room on a GPU.
    ///
    /// A batch that fits no GPU is halved.
    pub(crate) fn put(
        encoder: Encoder,
        of: Features,
        images: usize,
        (gpus, stop): (&'y Gpus, &Stop),
    ) -> Result<Self, JobError> {
        let Ok(yard) = gpus.yard() else {
            return Ok(Self::Host(encoder, of));
        };
        let bytes = |images| Ok(encoder_memory(&encoder, of, images)? as u64);
        let (images, lease) = halved(yard, images, bytes, stop)?;
        let (gpu, here) = Here::open(lease)?;
        let there = EncoderDevice::new(encoder, of, images, gpu)?;
        Ok(Self::Gpu(Box::new(there), here))
    }

    /// The encoder.
    pub(crate) fn encoder(&self) -> &Encoder {
        match self {
            Self::Host(encoder, _) => encoder,
            Self::Gpu(there, _) => there.encoder(),
        }
    }

    /// What looks, for the record.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Host(..) => CPU,
            Self::Gpu(_, here) => &here.name,
        }
    }

    /// Vectors of each image of `pixels`.
    pub(crate) fn features(&mut self, pixels: &[f32]) -> Result<Vec<f32>, JobError> {
        match self {
            Self::Host(encoder, of) => Ok(encoder.features(pixels, *of)?),
            Self::Gpu(there, _) => Ok(there.features(pixels)?),
        }
    }
}

/// A place for so many images at a time, or for half as many, and so on.
fn halved<'y>(
    yard: &'y Yard,
    most: usize,
    bytes: impl Fn(usize) -> Result<u64, JobError>,
    stop: &Stop,
) -> Result<(usize, Lease<'y>), JobError> {
    let mut images = most.max(1);
    loop {
        let needed = bytes(images)?;
        match yard.lend(needed, None, stop) {
            Ok(lease) => return Ok((images, lease)),
            Err(NoPlace::Stopped) => return Err(JobError::Stopped),
            Err(NoPlace::TooLarge(_)) if images > 1 => images /= 2,
            Err(NoPlace::TooLarge(there)) => return Err(too_large(needed, there, INSTEAD)),
        }
    }
}

/// A trainer of an adapted model where it was put.
pub(crate) enum Adapts<'y> {
    Host(Box<AdaptTrainer>),
    Gpu(Box<AdaptDeviceTrainer<Cuda>>, Here<'y>),
}

impl<'y> Adapts<'y> {
    /// Puts a trainer of steps of `rows` examples where the options say; waits for room on a GPU.
    ///
    /// What looks at pixels itself, and what learns nothing, stays on the processor.
    pub(crate) fn put(
        trainer: AdaptTrainer,
        rows: usize,
        (gpus, stop): (&'y Gpus, &Stop),
    ) -> Result<Self, JobError> {
        let has_eyes = trainer.adapted().encoder().is_some();
        let learns = trainer.matrices().iter().any(|part| part.moves);
        let yard = match gpus.yard() {
            Ok(yard) if learns && !has_eyes => yard,
            _ => return Ok(Self::Host(Box::new(trainer))),
        };
        let (lease, activations) = lend(yard, &trainer, rows, stop)?;
        let (gpu, here) = Here::open(lease)?;
        let there = AdaptDeviceTrainer::of(trainer, rows, activations, gpu)?;
        Ok(Self::Gpu(Box::new(there), here))
    }

    /// What trains, for the record.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Host(_) => CPU,
            Self::Gpu(_, here) => &here.name,
        }
    }

    pub(crate) fn steps_done(&self) -> u64 {
        match self {
            Self::Host(trainer) => trainer.steps_done(),
            Self::Gpu(there, _) => there.steps_done(),
        }
    }

    pub(crate) fn step(&mut self, batch: &[Example<'_>]) -> Result<StepReport, JobError> {
        match self {
            Self::Host(trainer) => Ok(trainer.step(batch)?),
            Self::Gpu(there, _) => Ok(there.step(batch)?),
        }
    }

    /// The trainer on the host, with the numbers as they are now.
    pub(crate) fn host(&mut self) -> Result<&AdaptTrainer, JobError> {
        match self {
            Self::Host(trainer) => Ok(trainer),
            Self::Gpu(there, _) => Ok(there.to_host()?),
        }
    }

    pub(crate) fn load(&mut self, state: &[u8]) -> Result<(), JobError> {
        match self {
            Self::Host(trainer) => Ok(trainer.load(state)?),
            Self::Gpu(there, _) => Ok(there.load(state)?),
        }
    }
}

/// A place for a training: with what blocks compute kept, or, where that fits nowhere, computed again, which
/// gives the same bits.
fn lend<'y>(
    yard: &'y Yard,
    trainer: &AdaptTrainer,
    rows: usize,
    stop: &Stop,
) -> Result<(Lease<'y>, Activations), JobError> {
    let bytes = |activations| Ok(adapt_memory(trainer, rows, activations)? as u64);
    let kept: Result<u64, JobError> = bytes(Activations::Kept);
    match yard.lend(kept?, None, stop) {
        Ok(lease) => return Ok((lease, Activations::Kept)),
        Err(NoPlace::Stopped) => return Err(JobError::Stopped),
        Err(NoPlace::TooLarge(_)) => {}
    }
    let needed = bytes(Activations::Recomputed)?;
    match yard.lend(needed, None, stop) {
        Ok(lease) => Ok((lease, Activations::Recomputed)),
        Err(NoPlace::Stopped) => Err(JobError::Stopped),
        Err(NoPlace::TooLarge(there)) => Err(too_large(needed, there, INSTEAD)),
    }
}

impl From<EncoderError> for JobError {
    fn from(error: EncoderError) -> Self {
        match error {
            EncoderError::Vision(error) => error.into(),
            EncoderError::Device(error) => error.into(),
        }
    }
}

impl From<AdaptDeviceError> for JobError {
    fn from(error: AdaptDeviceError) -> Self {
        match error {
            AdaptDeviceError::Adapt(error) => error.into(),
            AdaptDeviceError::Device(error) => error.into(),
            AdaptDeviceError::Record(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use vpc_train::adapted::{Adapted, Parts, Projector, ProjectorConfig};
    use vpc_train::ops::Activation;
    use vpc_train::vision::{Family, Layer, VisionConfig};
    use vpc_train::{Course, ModelConfig, Optimizer, Schedule, TrainConfig, Trainer};

    use super::*;
    use crate::device::Device;

    fn trainer(own: bool) -> AdaptTrainer {
        let optimizer = Optimizer {
            rate: 1e-3,
            beta1: 0.9,
            beta2: 0.95,
            eps: 1e-8,
            weight_decay: 0.0,
            clip: 0.0,
        };
        let schedule = Schedule::Constant { warmup: 0 };
        let config = TrainConfig {
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
            optimizer: optimizer.clone(),
            schedule: schedule.clone(),
            batch: 1,
            micro_batch: None,
            steps: 1,
            seed: 0,
        };
        let model = Trainer::new(&config)
            .expect("a sound shape")
            .model()
            .clone();
        let projector = ProjectorConfig {
            features: 8,
            grid: 2,
            tokens: 4,
            layers: 2,
            width: 16,
            outputs: 32,
            activation: Activation::Gelu,
        };
        let projector = Projector::initial(&projector, 0).expect("a sound shape");
        let mut adapted = Adapted::new(model, projector, 95).expect("they fit");
        if own {
            let layer = Layer::FromEnd(1);
            adapted = adapted.with_encoder(encoder(), layer).expect("they fit");
        }
        let course = Course {
            optimizer,
            schedule,
            steps: 1,
            seed: 0,
        };
        let parts = Parts {
            projector: true,
            model: true,
            encoder: false,
        };
        AdaptTrainer::new(&course, adapted, parts).expect("sound settings")
    }

    fn encoder() -> Encoder {
        let config = VisionConfig {
            family: Family::Vit,
            layers: 2,
            width: 8,
            heads: 2,
            hidden: 16,
            gated: false,
            patch: 2,
            image: 4,
            activation: Activation::Gelu,
            norm_eps: 1e-6,
        };
        Encoder::initial(&config, 0).expect("a sound shape")
    }

    const FEATURES: Features = Features {
        layer: vpc_train::vision::Layer::FromEnd(1),
        class: false,
    };

    #[test]
    fn without_a_gpu_the_processor_does_it() {
        let (gpus, stop) = (Gpus::of(Device::Cpu, 1, &BTreeMap::new()), Stop::default());
        let mut looks = Looks::put(encoder(), FEATURES, 64, (&gpus, &stop)).expect("a place");
        assert_eq!(looks.name(), "cpu");
        let pixels = vec![0.5; 2 * 48];
        let found = looks.features(&pixels).expect("two images");
        assert_eq!(found, encoder().features(&pixels, FEATURES).expect("two"));
        let adapts = Adapts::put(trainer(false), 4, (&gpus, &stop)).expect("a place");
        assert_eq!(adapts.name(), "cpu");
    }

    #[test]
    fn images_are_halved_until_they_fit() {
        let stop = Stop::default();
        let bytes = |images| Ok(encoder_memory(&encoder(), FEATURES, images)? as u64);
        let (one, eight): (Result<u64, JobError>, Result<u64, JobError>) = (bytes(1), bytes(8));
        let (one, eight) = (one.expect("bytes"), eight.expect("bytes"));
        let yard = Yard::new([(0, eight)]);
        let (images, _) = halved(&yard, 64, bytes, &stop).expect("a place");
        assert_eq!(images, 8);
        let yard = Yard::new([(0, one - 1)]);
        let error = halved(&yard, 64, bytes, &stop)
            .map(|_| ())
            .expect_err("no place");
        assert!(error.to_string().contains("`--device cpu`"), "{error}");
    }

    #[test]
    fn a_stage_that_does_not_fit_computes_again() {
        let (stop, trainer) = (Stop::default(), trainer(false));
        let bytes = |activations| {
            adapt_memory(&trainer, 4, activations)
                .map(|bytes| bytes as u64)
                .expect("bytes")
        };
        let (kept, sparing) = (bytes(Activations::Kept), bytes(Activations::Recomputed));
        assert!(sparing < kept, "{sparing}, {kept}");
        for (there, expected) in [
            (kept, Some(Activations::Kept)),
            (kept - 1, Some(Activations::Recomputed)),
            (sparing - 1, None),
        ] {
            let yard = Yard::new([(0, there)]);
            let lent = lend(&yard, &trainer, 4, &stop);
            assert_eq!(lent.ok().map(|(_, activations)| activations), expected);
        }
    }
}
