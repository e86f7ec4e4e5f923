//! Training on a device.

use vpc_train::{Activations, Batch, State, StepReport, TrainConfig, TrainError as Cpu, Trainer};

use crate::prepared::{Prepared, judged, settings};
use crate::program::{BatchShape, Precision, Share, Step, angles};
use crate::{Device, TrainError};

/// A model in training whose numbers lie on a device.
///
/// In the f32 class it computes what [`Trainer`] does, up to the order of sums; both read and write
/// the same checkpoints.
#[derive(Debug)]
pub struct DeviceTrainer<D: Device> {
    config: TrainConfig,
    precision: Precision,
    activations: Activations,
    device: D,
    /// The step for batches of the shape at hand.
    program: Option<Prepared<D::Graph>>,
    /// The numbers, while no program holds them.
    state: Option<State>,
    done: u64,
}

/// Bytes of device memory that training takes.
pub fn memory(
    config: &TrainConfig,
    batch: BatchShape,
    precision: Precision,
    activations: Activations,
) -> Result<usize, TrainError> {
    Ok(Step::record(config, batch, precision, activations)?.bytes)
}

impl<D: Device> DeviceTrainer<D> {
    /// A trainer before its first step: the initial weights are those of [`Trainer::new`].
    pub fn new(config: &TrainConfig, precision: Precision, device: D) -> Result<Self, TrainError> {
        Ok(Self::of(config, Trainer::new(config)?, precision, device))
    }

    /// Goes on where a trainer on the host stands.
    pub fn of(config: &TrainConfig, trainer: Trainer, precision: Precision, device: D) -> Self {
        Self {
            config: config.clone(),
            precision,
            activations: Activations::default(),
            device,
            program: None,
            done: trainer.steps_done(),
            state: Some(trainer.into_state()),
        }
    }

    /// Chooses between memory and time for the steps to come; their results stay the same bits.
    pub fn set_activations(&mut self, activations: Activations) -> Result<(), TrainError> {
        if activations != self.activations {
            self.put_away()?;
            self.activations = activations;
        }
        Ok(())
    }

    /// Steps taken since the run's beginning.
    pub fn steps_done(&self) -> u64 {
        self.done
    }

    /// The most memory the device lends to steps of the batches at hand, in bytes; 0 before the first.
    pub fn memory(&self) -> usize {
        self.program
            .as_ref()
            .map_or(0, |program| program.step.bytes)
    }

    /// Takes one step: forward, backward, clipping, AdamW.
    ///
    /// A loss or gradient norm that is not finite is the error it is on the host; weights, moments and
    /// the step count are then as before.
    pub fn step(&mut self, batch: &Batch) -> Result<StepReport, TrainError> {
        batch.check(&self.config.model).map_err(Cpu::from)?;
        self.make_ready(BatchShape {
            rows: batch.inputs.len() / batch.length,
            length: batch.length,
        })?;
        let (settings, rate) = settings(&self.config, self.done);
        let Some(program) = &self.program else {
            return Err(TrainError::NotReady);
        };
        let device = &mut self.device;
        let vocabulary = self.config.model.vocabulary;
        program.begin(device, (batch, 0), vocabulary, &settings)?;
        program.finish(device)?;
        let report = program.report(device)?;
        let report = judged(report, batch.targets.len(), self.done, rate)?;
        self.done += 1;
        Ok(report)
    }

    /// The trainer on the host with the same numbers: to save, to evaluate, or to go on there.
    pub fn to_host(&mut self) -> Result<Trainer, TrainError> {
        let state = match &self.state {
            Some(state) => state.clone(),
            None => self.fetch()?,
        };
        Trainer::from_state(&self.config, state).map_err(|error| TrainError::Train(error.into()))
    }

    /// Records the step for batches of a shape, unless it is the one at hand.
    fn make_ready(&mut self, shape: BatchShape) -> Result<(), TrainError> {
        let share = Share::whole(shape);
        let program = self.program.as_ref();
        if program.is_some_and(|program| program.share == share) {
            return Ok(());
        }
        self.put_away()?;
        let step = Step::record(&self.config, shape, self.precision, self.activations)?;
        let Some(state) = &self.state else {
            return Err(TrainError::NotReady);
        };
        let rope = angles(&self.config.model);
        self.program = Some(Prepared::new(&mut self.device, share, step, state, &rope)?);
        self.state = None;
        Ok(())
    }

    /// Takes the numbers off the device.
    fn put_away(&mut self) -> Result<(), TrainError> {
        if self.program.is_some() {
            self.state = Some(self.fetch()?);
            self.program = None;
        }
        Ok(())
    }

    fn fetch(&mut self) -> Result<State, TrainError> {
        let Some(program) = &self.program else {
            return Err(TrainError::NotReady);
        };
        Ok(program.fetch(&mut self.device, self.done)?)
    }
}
