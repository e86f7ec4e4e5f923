//! Training of projector, decoder and encoder on examples of any lengths.

use rayon::prelude::*;

use super::network::Shard;
use super::{AdaptError, Adapted, Example, Sight};
use crate::course::{Joined, Learner, Trained};
use crate::kernels::sum::add;
use crate::{Activations, Course, StepReport, TrainError};

/// Most shards of a batch.
const SHARDS: usize = 8;
/// Most numbers all shards' gradients may hold together: 256 MiB.
const NUMBERS: usize = 1 << 26;

/// Which parts are trained; the rest is frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The projector.
    pub projector: bool,
    /// The decoder.
    pub model: bool,
    /// The model's own encoder: what of it is used on the way to its layer.
    pub encoder: bool,
}

/// An adapted model in training, with its optimiser.
///
/// Each example is a pass of its own and none is padded, so that its loss and gradient are the same
/// bits in any batch. Their sums have one order, at any number of threads.
#[derive(Clone, Debug)]
pub struct AdaptTrainer {
    pub(super) adapted: Adapted,
    pub(super) learner: Learner,
    activations: Activations,
    pub(super) parts: Parts,
}

impl AdaptTrainer {
    /// Before the first step. Fails where an encoder is to be trained and there is none.
    pub fn new(course: &Course, mut adapted: Adapted, parts: Parts) -> Result<Self, AdaptError> {
        let used = match &adapted.eye {
            Some(eye) if parts.encoder => eye.encoder.used(eye.at),
            None if parts.encoder => return Err(AdaptError::NoEncoder),
            _ => Vec::new(),
        };
        let [decoder, encoder] = adapted.begins();
        let trains = |index: usize| {
            if index < decoder {
                parts.projector
            } else if index < encoder {
                parts.model
            } else {
                used.get(index - encoder).copied().unwrap_or_default()
            }
        };
        let learner = Learner::new(course, &joined(&mut adapted, parts), trains)?;
        Ok(Self {
            adapted,
            learner,
            activations: Activations::default(),
            parts,
        })
    }

    /// Chooses between memory and time for the steps to come; their results stay the same bits.
    pub fn set_activations(&mut self, activations: Activations) {
        self.activations = activations;
    }

    /// Takes one step on the mean loss of all answer tokens of the batch.
    ///
    /// An example that does not fit is refused before any work. Where the loss diverges everything is
    /// as before.
    pub fn step(&mut self, batch: &[Example]) -> Result<StepReport, AdaptError> {
        let count = self.check(batch)?;
        let sum = self.gradient(batch, count)?.ok_or(AdaptError::Empty)?;
        let mean = sum.loss / count as f64;
        let mut joined = joined(&mut self.adapted, self.parts);
        Ok(self.learner.step(&mut joined, mean, &sum.gradients)?)
    }

    /// How many tokens of a batch are answers; fails where an example does not fit.
    pub fn check(&self, batch: &[Example]) -> Result<usize, AdaptError> {
        let mut count = 0;
        for (item, example) in batch.iter().enumerate() {
            count += self.adapted.check(item, example)?;
            let are_features = matches!(example.sight, Sight::Features([_, ..]));
            if are_features && self.parts.encoder {
                return Err(AdaptError::Outdated { item });
            }
        }
        Ok(count)
    }

    /// Loss and gradients of checked examples, of which `count` tokens are answers.
    ///
    /// Shards depend on the number of examples and on the model's shape only, and are added in order.
    fn gradient(&self, batch: &[Example], count: usize) -> Result<Option<Shard>, TrainError> {
        let mut parameters = self.adapted.model.config().parameters();
        if let Some(own) = self.adapted.encoder().filter(|_| self.parts.encoder) {
            parameters += own.parameters();
        }
        let shards = (NUMBERS / parameters as usize).clamp(1, SHARDS);
        let of_shard = |examples: &[Example]| -> Result<Option<Shard>, TrainError> {
            let mut sum = None;
            for example in examples {
                let one = self
                    .adapted
                    .shard(example, count, self.activations, |index| {
                        self.learner.moves(index)
                    })?;
                sum = plus(sum, Some(one));
            }
            Ok(sum)
        };
        let span = batch.len().div_ceil(shards).max(1);
        let shards = batch.par_chunks(span).map(of_shard);
        let shards = shards.collect::<Result<Vec<_>, _>>()?;
        Ok(shards.into_iter().fold(None, plus))
    }

    /// Steps taken since the run's beginning, before a resume included.
    pub fn steps_done(&self) -> u64 {
        self.learner.done()
    }

    /// The model as it is now.
    pub fn adapted(&self) -> &Adapted {
        &self.adapted
    }

    /// Ends the training.
    pub fn into_adapted(self) -> Adapted {
        self.adapted
    }

    /// Everything that a run needs to go on, as safetensors: `weight.`, `first.` and `second.` before
    /// names of parameters (the last two of trained ones), and `step` in the metadata. An encoder that is
    /// not trained is no part of it.
    pub fn save(&self) -> Result<Vec<u8>, AdaptError> {
        let mut all: Vec<&dyn Trained> = vec![&self.adapted.projector.weights, &self.adapted.model];
        if let Some(own) = self.adapted.encoder().filter(|_| self.parts.encoder) {
            all.push(&own.weights);
        }
        Ok(self.learner.encode(&all)?)
    }

    /// Goes on from what was saved, of a run with the same parts trained; to the same bits.
    ///
    /// Where the file does not fit, nothing is changed.
    pub fn load(&mut self, state: &[u8]) -> Result<(), AdaptError> {
        let mut joined = joined(&mut self.adapted, self.parts);
        Ok(self.learner.decode(&mut joined, state)?)
    }
}

/// What an optimiser can move, in the order of gradients: projector, decoder, a trained encoder.
pub(super) fn joined(adapted: &mut Adapted, parts: Parts) -> Joined<'_> {
    let mut all: Vec<&mut dyn Trained> = vec![&mut adapted.projector.weights, &mut adapted.model];
    if let Some(eye) = adapted.eye.as_mut().filter(|_| parts.encoder) {
        all.push(&mut eye.encoder.weights);
    }
    Joined(all)
}

fn plus(sum: Option<Shard>, other: Option<Shard>) -> Option<Shard> {
    let (mut sum, other) = match (sum, other) {
        (Some(sum), Some(other)) => (sum, other),
        (sum, other) => return sum.or(other),
    };
    sum.loss += other.loss;
    for (sum, part) in sum.gradients.iter_mut().zip(other.gradients) {
        add(sum, &part);
    }
    Some(sum)
}
