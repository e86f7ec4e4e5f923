//! Training on a device.

use vpc_train::{
    Activations, Batch, MatrixState, State, StepReport, TrainConfig, TrainError as Cpu, Trainer,
};

use crate::program::{BatchShape, Precision, Span, Step, angles};
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
    program: Option<Program<D::Graph>>,
    /// The numbers, while no program holds them.
    state: Option<State>,
    done: u64,
}

#[derive(Debug)]
struct Program<G> {
    shape: BatchShape,
    step: Step,
    graph: G,
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
        let TrainConfig {
            schedule,
            optimizer,
            steps,
            ..
        } = &self.config;
        let rate = schedule.rate(optimizer.rate, self.done, *steps);
        let [beta1, beta2, step, keep, root, eps] = optimizer.numbers(self.done, rate);
        let clip = optimizer.clip as f32;
        let settings = [clip, beta1, beta2, step, keep, root, eps, 0.0];
        let Some(program) = &self.program else {
            return Err(TrainError::NotReady);
        };
        let order = order(batch.inputs, self.config.model.vocabulary);
        let (device, plan) = (&mut self.device, &program.step);
        device.write(plan.inputs, bytemuck::cast_slice(batch.inputs))?;
        device.write(plan.targets, bytemuck::cast_slice(batch.targets))?;
        device.write(plan.order, bytemuck::cast_slice(&order))?;
        device.write(plan.settings, bytemuck::cast_slice(&settings))?;
        device.run(&program.graph)?;
        let report = device.read(plan.report)?;
        let report: Vec<f64> = report
            .as_chunks()
            .0
            .iter()
            .map(|n| f64::from_le_bytes(*n))
            .collect();
        let (loss, grad_norm) = (report[0] / batch.targets.len() as f64, report[1]);
        if !(loss.is_finite() && grad_norm.is_finite()) {
            return Err(TrainError::Train(Cpu::Diverged {
                step: self.done,
                loss,
                grad_norm,
            }));
        }
        let report = StepReport {
            step: self.done,
            loss,
            grad_norm,
            rate,
        };
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
        if self
            .program
            .as_ref()
            .is_some_and(|program| program.shape == shape)
        {
            return Ok(());
        }
        self.put_away()?;
        let step = Step::record(&self.config, shape, self.precision, self.activations)?;
        self.device.reserve(step.bytes)?;
        let lasting = &step.lasting;
        if let Some(state) = &self.state {
            for (of, pick) in [
                (lasting.weights, weights as fn(&MatrixState) -> &[f32]),
                (lasting.first, first),
                (lasting.second, second),
            ] {
                // Matrices are padded; what lies between them is zero and stays so.
                let mut all = vec![0_f32; of.len];
                for (index, matrix) in state.matrices.iter().enumerate() {
                    let part = lasting.part(of, index);
                    let start = (part.at - of.at) / of.kind.bytes();
                    all[start..start + part.len].copy_from_slice(pick(matrix));
                }
                self.device.write(of, bytemuck::cast_slice(&all))?;
            }
        }
        let rope = angles(&self.config.model);
        let (cos, sin) = rope.angles();
        self.device.write(lasting.cos, bytemuck::cast_slice(cos))?;
        self.device.write(lasting.sin, bytemuck::cast_slice(sin))?;
        let first = self.device.prepare(&step.first)?;
        self.device.run(&first)?;
        let graph = self.device.prepare(&step.commands)?;
        self.program = Some(Program { shape, step, graph });
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
        let lasting = &program.step.lasting;
        let mut stretch = |of: Span| -> Result<Vec<f32>, TrainError> {
            let bytes = self.device.read(of)?;
            Ok(bytes
                .as_chunks()
                .0
                .iter()
                .map(|four| f32::from_le_bytes(*four))
                .collect())
        };
        let [weights, first, second] = [
            stretch(lasting.weights)?,
            stretch(lasting.first)?,
            stretch(lasting.second)?,
        ];
        let matrices = (0..lasting.matrices()).map(|index| {
            let part = lasting.part(lasting.weights, index);
            let start = (part.at - lasting.weights.at) / part.kind.bytes();
            let of = |all: &[f32]| all[start..start + part.len].to_vec();
            MatrixState {
                weights: of(&weights),
                first: of(&first),
                second: of(&second),
            }
        });
        Ok(State {
            steps_done: self.done,
            matrices: matrices.collect(),
        })
    }
}

fn weights(matrix: &MatrixState) -> &[f32] {
    &matrix.weights
}

fn first(matrix: &MatrixState) -> &[f32] {
    &matrix.first
}

fn second(matrix: &MatrixState) -> &[f32] {
    &matrix.second
}

/// Positions sorted by token, then by position: a counting sort.
pub(crate) fn order(tokens: &[u32], vocabulary: usize) -> Vec<u32> {
    let mut starts = vec![0_u32; vocabulary + 1];
    for token in tokens {
        starts[*token as usize + 1] += 1;
    }
    for at in 0..vocabulary {
        starts[at + 1] += starts[at];
    }
    let mut order = vec![0; tokens.len()];
    for (position, token) in tokens.iter().enumerate() {
        let place = &mut starts[*token as usize];
        order[*place as usize] = position as u32;
        *place += 1;
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_sorted_by_token_then_by_place() {
        assert_eq!(order(&[3, 1, 3, 0, 1], 4), [3, 1, 4, 0, 2]);
    }
}
