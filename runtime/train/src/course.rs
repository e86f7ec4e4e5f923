//! Settings of a training run of any network, and its optimiser.

use serde::{Deserialize, Serialize};

use crate::checkpoint::{Entry, Reader, encode};
use crate::kernels::norm::sum_of_squares;
use crate::model::{Model, Slab};
use crate::optimizer::Moments;
use crate::{CheckpointError, ConfigError, Optimizer, Schedule, StepReport, TrainError};

/// Names in a state's file, before the parameter's name.
const WEIGHT: &str = "weight.";
const FIRST: &str = "first.";
const SECOND: &str = "second.";

/// Settings of a training run, whatever is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Course {
    /// AdamW's settings.
    pub optimizer: Optimizer,
    /// Learning rate over the run, as factors of [`Optimizer::rate`].
    pub schedule: Schedule,
    /// Steps of the whole run, the end of the schedule.
    pub steps: u64,
    /// Seed of initial weights and of what is drawn in training.
    pub seed: u64,
}

impl Course {
    /// Checks that every setting is in its range.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.optimizer.check()?;
        self.schedule.check()
    }
}

/// Numbers that an optimiser can move, slab by slab.
pub(crate) trait Trained {
    /// How many slabs there are.
    fn len(&self) -> usize;
    /// Slab `index`.
    fn slab(&self, index: usize) -> &Slab;
    /// Its numbers.
    fn values(&self, index: usize) -> &[f32];
    /// Its numbers, to change.
    fn values_mut(&mut self, index: usize) -> &mut [f32];
}

impl Trained for Model {
    fn len(&self) -> usize {
        self.slabs_in_place().len()
    }

    fn slab(&self, index: usize) -> &Slab {
        &self.slabs_in_place()[index]
    }

    fn values(&self, index: usize) -> &[f32] {
        self.values_of(index)
    }

    fn values_mut(&mut self, index: usize) -> &mut [f32] {
        Model::values_mut(self, index)
    }
}

/// Several networks that one optimiser moves.
pub(crate) struct Joined<'a>(pub(crate) Vec<&'a mut dyn Trained>);

impl Joined<'_> {
    /// Which network has slab `index`, and as its how-manieth.
    fn place(&self, mut index: usize) -> (usize, usize) {
        for (which, part) in self.0.iter().enumerate() {
            match index.checked_sub(part.len()) {
                None => return (which, index),
                Some(rest) => index = rest,
            }
        }
        (self.0.len(), index)
    }
}

impl Trained for Joined<'_> {
    fn len(&self) -> usize {
        self.0.iter().map(|part| part.len()).sum()
    }

    fn slab(&self, index: usize) -> &Slab {
        let (which, index) = self.place(index);
        self.0[which].slab(index)
    }

    fn values(&self, index: usize) -> &[f32] {
        let (which, index) = self.place(index);
        self.0[which].values(index)
    }

    fn values_mut(&mut self, index: usize) -> &mut [f32] {
        let (which, index) = self.place(index);
        self.0[which].values_mut(index)
    }
}

/// AdamW over [`Trained`] that stand elsewhere, some of which may be frozen.
#[derive(Clone, Debug)]
pub(crate) struct Learner {
    course: Course,
    /// One per slab; none where it is frozen.
    moments: Vec<Option<Moments>>,
    done: u64,
}

impl Learner {
    /// Before the first step; `trains` says of each slab whether it is to be moved.
    pub(crate) fn new(
        course: &Course,
        parameters: &dyn Trained,
        trains: impl Fn(usize) -> bool,
    ) -> Result<Self, ConfigError> {
        course.check()?;
        let moments = (0..parameters.len()).map(|index| {
            let is_moved = parameters.slab(index).trains() && trains(index);
            is_moved.then(|| Moments::zero(parameters.slab(index).len()))
        });
        Ok(Self {
            course: course.clone(),
            moments: moments.collect(),
            done: 0,
        })
    }

    /// Steps taken since the run's beginning.
    pub(crate) fn done(&self) -> u64 {
        self.done
    }

    /// Whether slab `index` is moved; not where there is none.
    pub(crate) fn moves(&self, index: usize) -> bool {
        self.moments.get(index).is_some_and(Option::is_some)
    }

    /// The run's settings.
    pub(crate) fn course(&self) -> &Course {
        &self.course
    }

    /// The moments of slab `index`; none where it is frozen.
    pub(crate) fn moments(&self, index: usize) -> Option<&Moments> {
        self.moments.get(index).and_then(Option::as_ref)
    }

    /// Takes on the moments of slab `index`, unless it is frozen.
    pub(crate) fn set_moments(&mut self, index: usize, moments: Moments) {
        if let Some(Some(held)) = self.moments.get_mut(index) {
            *held = moments;
        }
    }

    /// Takes on the number of steps done.
    pub(crate) fn set_done(&mut self, done: u64) {
        self.done = done;
    }

    /// One update: clipping by the norm of what is moved, then AdamW.
    ///
    /// A loss or norm that is not finite is [`TrainError::Diverged`], and nothing is changed.
    pub(crate) fn step(
        &mut self,
        parameters: &mut dyn Trained,
        loss: f64,
        gradients: &[Vec<f32>],
    ) -> Result<StepReport, TrainError> {
        let moved = gradients.iter().zip(&self.moments);
        let moved = moved.filter(|(_, moments)| moments.is_some());
        let squares: f64 = moved.map(|(gradient, _)| sum_of_squares(gradient)).sum();
        let (step, grad_norm) = (self.done, squares.sqrt());
        if !(loss.is_finite() && grad_norm.is_finite()) {
            return Err(TrainError::Diverged {
                step,
                loss,
                grad_norm,
            });
        }
        let Course {
            optimizer,
            schedule,
            steps,
            ..
        } = &self.course;
        let rate = schedule.rate(optimizer.rate, step, *steps);
        let update = optimizer.update(step, rate, optimizer.clip_factor(grad_norm));
        for (index, (moments, gradient)) in self.moments.iter_mut().zip(gradients).enumerate() {
            if let Some(moments) = moments {
                let decays = parameters.slab(index).decays();
                moments.step(update, decays, parameters.values_mut(index), gradient);
            }
        }
        self.done += 1;
        Ok(StepReport {
            step,
            loss,
            grad_norm,
            rate,
        })
    }

    /// Weights, moments of what is moved, and the number of steps done, as safetensors.
    pub(crate) fn encode(&self, networks: &[&dyn Trained]) -> Result<Vec<u8>, CheckpointError> {
        let slabs = networks
            .iter()
            .flat_map(|part| (0..part.len()).map(move |index| (part, index)));
        let entries = slabs
            .zip(&self.moments)
            .flat_map(|((part, index), moments)| {
                let moments = moments.iter().flat_map(|moments| {
                    [(FIRST, &moments.first[..]), (SECOND, &moments.second[..])]
                });
                let all = std::iter::once((WEIGHT, part.values(index))).chain(moments);
                all.map(move |(prefix, values)| Entry {
                    prefix,
                    slab: part.slab(index),
                    values,
                })
            });
        encode(entries, ("step", self.done.to_string()))
    }

    /// Takes on what [`Learner::encode`] wrote, of the same networks with the same parts frozen.
    ///
    /// Fails on any tensor that is missing, unknown, or of another shape; nothing is changed then.
    pub(crate) fn decode(
        &mut self,
        parameters: &mut dyn Trained,
        bytes: &[u8],
    ) -> Result<(), CheckpointError> {
        let file = Reader::new(&bytes)?;
        let known = (0..parameters.len()).flat_map(|index| {
            let prefixes: &[&str] = if self.moves(index) {
                &[WEIGHT, FIRST, SECOND]
            } else {
                &[WEIGHT]
            };
            let parts = parameters.slab(index).parts.iter();
            parts.flat_map(move |part| prefixes.iter().map(move |p| format!("{p}{}", part.name)))
        });
        let known: std::collections::BTreeSet<String> = known.collect();
        if let Some(name) = file.names().find(|name| !known.contains(*name)) {
            return Err(CheckpointError::Unknown(name.to_owned()));
        }
        let done = file.step()?;
        let (mut weights, mut all) = (Vec::new(), Vec::new());
        for index in 0..parameters.len() {
            let slab = parameters.slab(index);
            weights.push(file.slab(WEIGHT, slab)?);
            all.push(if self.moves(index) {
                Some(Moments {
                    first: file.slab(FIRST, slab)?,
                    second: file.slab(SECOND, slab)?,
                })
            } else {
                None
            });
        }
        for (index, values) in weights.iter().enumerate() {
            parameters.values_mut(index).copy_from_slice(values);
        }
        (self.moments, self.done) = (all, done);
        Ok(())
    }
}
