//! The training loop's body: one step at a time.

use std::io::Write;

use crate::checkpoint::{Entry, Reader, encode};
use crate::gradient::{Activations, Gradient};
use crate::model::{Model, Slab, layout};
use crate::optimizer::Moments;
use crate::{Batch, CheckpointError, TrainConfig, TrainError};

/// Names of the moments in the optimiser's file, before the parameter's name.
const FIRST: &str = "first.";
const SECOND: &str = "second.";

/// A model in training, with its optimiser.
#[derive(Clone, Debug)]
pub struct Trainer {
    config: TrainConfig,
    model: Model,
    /// One per slab of the model.
    moments: Vec<Moments>,
    done: u64,
    activations: Activations,
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepReport {
    /// The step, from 0.
    pub step: u64,
    /// Loss before the update, mean nats per token.
    pub loss: f64,
    /// Global norm of the gradient, before clipping.
    pub grad_norm: f64,
    /// Learning rate of the update.
    pub rate: f64,
}

impl Trainer {
    /// A trainer before its first step.
    ///
    /// Weights are normal with deviation 0.02, divided by √(2·layers) for the two projections of
    /// each block that add to the residual stream; gains are 1. Each tensor has a random stream of
    /// its own, named by the seed and the tensor's Hugging Face name.
    pub fn new(config: &TrainConfig) -> Result<Self, TrainError> {
        config.check()?;
        let model = Model::initial(&config.model, config.seed)?;
        let moments = model
            .values()
            .map(|values| Moments::zero(values.len()))
            .collect();
        Ok(Self {
            config: config.clone(),
            model,
            moments,
            done: 0,
            activations: Activations::default(),
        })
    }

    /// A trainer as it was when `model` and `optimizer` were saved.
    ///
    /// Fails on a malformed file and on any tensor that is missing, unknown, or of another shape or
    /// type. Settings other than the model's shape may differ from those of the saved run.
    pub fn resume(
        config: &TrainConfig,
        model: &[u8],
        optimizer: &[u8],
    ) -> Result<Self, TrainError> {
        config.check()?;
        let model = Model::load(&config.model, model)?;
        let file = Reader::new(&optimizer).map_err(TrainError::Checkpoint)?;
        let moments = read_moments(&file, &layout(&config.model))?;
        Ok(Self {
            config: config.clone(),
            model,
            moments,
            done: file.step()?,
            activations: Activations::default(),
        })
    }

    pub(crate) fn into_parts(self) -> (Model, Vec<Moments>, u64) {
        (self.model, self.moments, self.done)
    }

    pub(crate) fn of_parts(
        config: &TrainConfig,
        model: Model,
        moments: Vec<Moments>,
        done: u64,
    ) -> Self {
        Self {
            config: config.clone(),
            model,
            moments,
            done,
            activations: Activations::default(),
        }
    }

    /// Chooses between memory and time for the steps to come; their results stay the same bits.
    pub fn set_activations(&mut self, activations: Activations) {
        self.activations = activations;
    }

    /// Takes one step: forward, backward, clipping, AdamW.
    ///
    /// A loss or gradient norm that is not finite is [`TrainError::Diverged`]; weights, moments and
    /// the step count are then as before.
    pub fn step(&mut self, batch: &Batch) -> Result<StepReport, TrainError> {
        batch.check(&self.config.model)?;
        let gradient = Gradient::of(
            &self.model,
            batch,
            self.config.micro_batch,
            self.activations,
        )?;
        let mean = gradient.loss / batch.targets.len() as f64;
        let grad_norm = gradient.norm();
        if !(mean.is_finite() && grad_norm.is_finite()) {
            return Err(TrainError::Diverged {
                step: self.done,
                loss: mean,
                grad_norm,
            });
        }
        let TrainConfig {
            schedule,
            optimizer,
            steps,
            ..
        } = &self.config;
        let rate = schedule.rate(optimizer.rate, self.done, *steps);
        self.update(&gradient, rate, grad_norm);
        let report = StepReport {
            step: self.done,
            loss: mean,
            grad_norm,
            rate,
        };
        self.done += 1;
        Ok(report)
    }

    /// Steps taken since the run's beginning, before a resume included.
    pub fn steps_done(&self) -> u64 {
        self.done
    }

    /// The model as it is now.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Writes the weights; see [`Model::encode`].
    pub fn save_model(&self, out: &mut dyn Write) -> Result<(), CheckpointError> {
        Ok(out.write_all(&self.model.encode()?)?)
    }

    /// Writes the optimiser; see [`Trainer::encode_optimizer`].
    pub fn save_optimizer(&self, out: &mut dyn Write) -> Result<(), CheckpointError> {
        Ok(out.write_all(&self.encode_optimizer()?)?)
    }

    /// Copies the optimiser as a file: safetensors with `first.` and `second.` before each parameter's name, and the
    /// number of steps done as `step` in the metadata. 8 bytes per parameter.
    pub fn encode_optimizer(&self) -> Result<Vec<u8>, CheckpointError> {
        let slabs = self.model.slabs();
        let entries = slabs.iter().zip(&self.moments).flat_map(|(slab, moments)| {
            [
                Entry {
                    prefix: FIRST,
                    slab,
                    values: &moments.first,
                },
                Entry {
                    prefix: SECOND,
                    slab,
                    values: &moments.second,
                },
            ]
        });
        encode(entries, ("step", self.done.to_string()))
    }

    fn update(&mut self, gradient: &Gradient, rate: f64, grad_norm: f64) {
        let optimizer = &self.config.optimizer;
        let update = optimizer.update(self.done, rate, optimizer.clip_factor(grad_norm));
        let slabs = self.model.slabs();
        let state = self.moments.iter_mut().zip(&gradient.slabs);
        for (index, (slab, (moments, gradient))) in slabs.iter().zip(state).enumerate() {
            moments.step(
                update,
                slab.decays(),
                self.model.values_mut(index),
                gradient,
            );
        }
    }
}

fn read_moments(file: &Reader, slabs: &[Slab]) -> Result<Vec<Moments>, CheckpointError> {
    file.expect_only(slabs, &[FIRST, SECOND])?;
    slabs
        .iter()
        .map(|slab| {
            Ok(Moments {
                first: file.slab(FIRST, slab)?,
                second: file.slab(SECOND, slab)?,
            })
        })
        .collect()
}

impl Model {
    /// Copies the weights as a file: safetensors, f32, Hugging Face names; equal weights give equal bytes. 4 bytes per
    /// parameter.
    pub fn encode(&self) -> Result<Vec<u8>, CheckpointError> {
        let slabs = self.slabs();
        let entries = slabs.iter().zip(self.values()).map(|(slab, values)| Entry {
            prefix: "",
            slab,
            values,
        });
        encode(entries, ("format", "pt".to_owned()))
    }
}
