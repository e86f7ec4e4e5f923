//! Training on a group of devices.

use vpc_train::{
    Activations, Batch, MatrixState, State, StepReport, TrainConfig, TrainError as Cpu, Trainer,
};

use super::Communicator;
use super::together::together;
use crate::prepared::{Prepared, judged, settings};
use crate::program::{BatchShape, Precision, Share, Step, angles};
use crate::{Device, TrainError};

/// A model in training whose batches are shared out among devices.
///
/// Each holds all numbers and takes an equal part of each batch, or micro-batch. Their gradients are added
/// up, and each then takes the same update: so all weights are the same bits. With one device it computes
/// what [`crate::DeviceTrainer`] does, bit for bit; with more, up to the order of sums. Checkpoints are the
/// same.
#[derive(Debug)]
pub struct GroupTrainer<D: Device, C> {
    config: TrainConfig,
    precision: Precision,
    activations: Activations,
    /// Goes before the devices whose memory it reaches.
    communicator: C,
    devices: Vec<D>,
    /// The step for batches of the shape at hand, one for each device; or none.
    programs: Vec<Prepared<D::Graph>>,
    /// The numbers, while no program holds them.
    state: Option<State>,
    done: u64,
}

/// Bytes of memory of each device that training takes on a group.
///
/// Fails with [`TrainError::Uneven`] where batches cannot be shared out evenly.
pub fn memory(
    config: &TrainConfig,
    share: Share,
    precision: Precision,
    activations: Activations,
) -> Result<usize, TrainError> {
    Ok(Step::record_share(config, share, precision, activations)?.bytes)
}

impl<D, C> GroupTrainer<D, C>
where
    D: Device + Send,
    D::Graph: Send,
    C: Communicator<D>,
{
    /// A trainer before its first step: the initial weights are those of [`Trainer::new`].
    pub fn new(
        config: &TrainConfig,
        precision: Precision,
        devices: Vec<D>,
        communicator: C,
    ) -> Result<Self, TrainError> {
        let trainer = Trainer::new(config)?;
        Ok(Self::of(config, trainer, precision, devices, communicator))
    }

    /// Goes on where a trainer on the host stands.
    pub fn of(
        config: &TrainConfig,
        trainer: Trainer,
        precision: Precision,
        devices: Vec<D>,
        communicator: C,
    ) -> Self {
        Self {
            config: config.clone(),
            precision,
            activations: Activations::default(),
            devices,
            communicator,
            programs: Vec::new(),
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

    /// The most memory each device lends to steps of the batches at hand, in bytes; 0 before the first.
    pub fn memory(&self) -> usize {
        self.programs
            .first()
            .map_or(0, |program| program.step.bytes)
    }

    /// Takes one step: forward, backward, sums over devices, clipping, AdamW.
    ///
    /// A loss or gradient norm that is not finite is the error it is on the host; weights, moments and
    /// the step count are then as before. After any other error of a device the numbers are lost, and
    /// each further call is [`TrainError::NotReady`].
    pub fn step(&mut self, batch: &Batch) -> Result<StepReport, TrainError> {
        batch.check(&self.config.model).map_err(Cpu::from)?;
        self.make_ready(BatchShape {
            rows: batch.inputs.len() / batch.length,
            length: batch.length,
        })?;
        let (settings, rate) = settings(&self.config, self.done);
        let report = self.carry_out(batch, &settings).inspect_err(|_| {
            self.programs.clear();
        })?;
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

    /// Fails with [`TrainError::Apart`] unless all devices hold the same bits.
    pub fn check_alike(&mut self) -> Result<(), TrainError> {
        let done = self.done;
        let states = self.each(|program, device| program.fetch(device, done))?;
        let digests = states.iter().map(digest);
        self.are_equal(&digests.collect::<Vec<_>>())
    }

    fn carry_out(&mut self, batch: &Batch, settings: &[f32; 8]) -> Result<[f64; 3], TrainError> {
        let vocabulary = self.config.model.vocabulary;
        let pairs = self.programs.iter_mut().zip(&mut self.devices);
        together(pairs, |rank, (program, device)| {
            program.begin(device, (batch, rank), vocabulary, settings)
        })?;
        if let Some(parts) = self
            .programs
            .first()
            .and_then(|one| one.step.parts.as_ref())
            && self.devices.len() > 1
        {
            let spans = [parts.gradient, parts.loss];
            self.communicator.sum(&mut self.devices, &spans)?;
        }
        self.each(|program, device| program.finish(device))?;
        self.communicator.wait(&mut self.devices)?;
        let reports = self.each(|program, device| program.report(device))?;
        // What is no number is none on all of them, in whatever bits.
        let bits = reports.iter().map(|report| {
            report.map(|number| {
                if number.is_nan() {
                    u64::MAX
                } else {
                    number.to_bits()
                }
            })
        });
        self.are_equal(&bits.collect::<Vec<_>>())?;
        reports.first().copied().ok_or(TrainError::NotReady)
    }

    fn each<T: Send>(
        &mut self,
        work: impl Fn(&mut Prepared<D::Graph>, &mut D) -> Result<T, crate::DeviceError> + Sync,
    ) -> Result<Vec<T>, TrainError> {
        let pairs = self.programs.iter_mut().zip(&mut self.devices);
        Ok(together(pairs, |_, (program, device)| {
            work(program, device)
        })?)
    }

    fn are_equal<T: PartialEq>(&self, numbers: &[T]) -> Result<(), TrainError> {
        match numbers.iter().position(|other| *other != numbers[0]) {
            None => Ok(()),
            Some(rank) => Err(TrainError::Apart {
                rank,
                step: self.done,
            }),
        }
    }

    /// Records the step for batches of a shape, unless it is the one at hand.
    fn make_ready(&mut self, batch: BatchShape) -> Result<(), TrainError> {
        let share = Share {
            batch,
            ranks: self.devices.len(),
        };
        if self
            .programs
            .first()
            .is_some_and(|program| program.share == share)
        {
            return Ok(());
        }
        let (precision, activations) = (self.precision, self.activations);
        let step = Step::record_share(&self.config, share, precision, activations)?;
        self.put_away()?;
        let Some(state) = &self.state else {
            return Err(TrainError::NotReady);
        };
        let rope = angles(&self.config.model);
        self.programs = together(&mut self.devices, |_, device| {
            Prepared::new(device, share, step.clone(), state, &rope)
        })?;
        self.state = None;
        Ok(())
    }

    /// Takes the numbers off the devices.
    fn put_away(&mut self) -> Result<(), TrainError> {
        if !self.programs.is_empty() {
            self.state = Some(self.fetch()?);
            self.programs.clear();
        }
        Ok(())
    }

    /// The first device's numbers, which are those of all.
    fn fetch(&mut self) -> Result<State, TrainError> {
        if cfg!(debug_assertions) {
            self.check_alike()?;
        }
        match (self.programs.first(), self.devices.first_mut()) {
            (Some(program), Some(device)) => Ok(program.fetch(device, self.done)?),
            _ => Err(TrainError::NotReady),
        }
    }
}

/// A digest of all numbers.
fn digest(state: &State) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    for MatrixState {
        weights,
        first,
        second,
    } in &state.matrices
    {
        for numbers in [weights, first, second] {
            hasher.update(bytemuck::cast_slice(numbers));
        }
    }
    hasher.finalize()
}
