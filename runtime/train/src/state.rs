//! A trainer's numbers as plain arrays, for trainers that keep them elsewhere.

use crate::model::{Model, layout};
use crate::optimizer::Moments;
use crate::{CheckpointError, ConfigError, ModelConfig, TrainConfig, Trainer};

/// Weights and moments of all matrices of a model, in the order of its layout, and the steps done.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Steps taken since the run's beginning.
    pub steps_done: u64,
    /// The matrices.
    pub matrices: Vec<MatrixState>,
}

/// One matrix, row-major, with AdamW's moments.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixState {
    /// The weights.
    pub weights: Vec<f32>,
    /// First moment, as long as the weights.
    pub first: Vec<f32>,
    /// Second moment, as long as the weights.
    pub second: Vec<f32>,
}

/// The shape of one matrix of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatrixShape {
    /// Its rows; a gain is one row.
    pub rows: usize,
    /// Its columns.
    pub columns: usize,
    /// Whether weight decay applies to it.
    pub decays: bool,
}

/// Where the matrices of a decoder stand in [`matrices`].
///
/// The embedding table [vocabulary, width] is first. Then come, for each block: the gain of the
/// norm before attention, the query, key and value projections one above the other, the output
/// projection, the gain of the norm before the MLP, its gate and up projections one above the other,
/// its down projection. Then the gain of the last norm, and the output projection unless it is the
/// embedding table.
#[derive(Clone, Copy, Debug)]
pub struct MatrixPlaces {
    layers: usize,
    tied: bool,
}

impl MatrixPlaces {
    /// The embedding table.
    pub const EMBEDDING: usize = 0;
    /// Matrices of one block.
    pub const BLOCK: usize = 6;

    /// Of a model.
    pub fn of(config: &ModelConfig) -> Self {
        Self {
            layers: config.layers,
            tied: config.tied,
        }
    }

    /// The first matrix of a block; the others follow it.
    pub fn block(self, layer: usize) -> usize {
        1 + layer * Self::BLOCK
    }

    /// The gain of the last norm.
    pub fn norm(self) -> usize {
        self.block(self.layers)
    }

    /// The output projection.
    pub fn head(self) -> usize {
        if self.tied {
            Self::EMBEDDING
        } else {
            self.norm() + 1
        }
    }
}

/// The shapes of a model's matrices; see [`MatrixPlaces`] for their order.
pub fn matrices(config: &ModelConfig) -> Result<Vec<MatrixShape>, ConfigError> {
    config.check()?;
    let shape = |slab: &crate::model::Slab| MatrixShape {
        rows: slab.rows(),
        columns: slab.columns(),
        decays: slab.decays(),
    };
    Ok(layout(config).iter().map(shape).collect())
}

impl Model {
    /// The numbers of each matrix, row-major; see [`MatrixPlaces`] for their order.
    pub fn matrices(&self) -> impl Iterator<Item = &[f32]> {
        self.values()
    }
}

impl Trainer {
    /// Takes the trainer apart.
    pub fn into_state(self) -> State {
        let (model, moments, steps_done) = self.into_parts();
        let matrices = model.values().zip(moments);
        State {
            steps_done,
            matrices: matrices
                .map(|(weights, moments)| MatrixState {
                    weights: weights.to_vec(),
                    first: moments.first,
                    second: moments.second,
                })
                .collect(),
        }
    }

    /// A trainer with the numbers of another, of the same model.
    ///
    /// Fails where the numbers are not those of a model of this shape.
    pub fn from_state(config: &TrainConfig, state: State) -> Result<Self, CheckpointError> {
        config.check()?;
        let slabs = layout(&config.model);
        let fits = slabs.len() == state.matrices.len()
            && slabs.iter().zip(&state.matrices).all(|(slab, matrix)| {
                [&matrix.weights, &matrix.first, &matrix.second]
                    .iter()
                    .all(|values| values.len() == slab.len())
            });
        if !fits {
            return Err(CheckpointError::OtherShape);
        }
        let mut values = Vec::with_capacity(slabs.len());
        let mut moments = Vec::with_capacity(slabs.len());
        for matrix in state.matrices {
            values.push(matrix.weights);
            moments.push(Moments {
                first: matrix.first,
                second: matrix.second,
            });
        }
        let model = Model::of_values(&config.model, values);
        Ok(Self::of_parts(config, model, moments, state.steps_done))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::tiny;
    use crate::{Batch, Optimizer, Schedule};

    fn run() -> TrainConfig {
        TrainConfig {
            model: tiny(),
            optimizer: Optimizer {
                rate: 1e-3,
                beta1: 0.9,
                beta2: 0.95,
                eps: 1e-8,
                weight_decay: 0.1,
                clip: 1.0,
            },
            schedule: Schedule::Constant { warmup: 0 },
            batch: 2,
            micro_batch: None,
            steps: 4,
            seed: 3,
        }
    }

    #[test]
    fn a_trainer_taken_apart_goes_on_bit_for_bit() {
        let config = run();
        let tokens: Vec<u32> = (0..14).map(|i| i * 5 % 13).collect();
        let batch = Batch {
            inputs: &tokens,
            targets: &tokens,
            length: 7,
        };
        let mut whole = Trainer::new(&config).expect("a sound shape");
        whole.step(&batch).expect("a step");
        let mut copy = Trainer::from_state(&config, whole.clone().into_state()).expect("it fits");
        let reports = [&mut whole, &mut copy].map(|trainer| trainer.step(&batch).expect("a step"));
        assert_eq!(reports[0], reports[1]);
        assert_eq!(whole.into_state(), copy.into_state());
    }

    #[test]
    fn numbers_of_another_model_are_refused() {
        let config = run();
        let mut state = Trainer::new(&config).expect("a sound shape").into_state();
        state.matrices[2].first.pop();
        assert!(Trainer::from_state(&config, state).is_err());
    }

    #[test]
    fn matrices_stand_where_they_are_said_to() {
        for tied in [false, true] {
            let config = ModelConfig { tied, ..tiny() };
            let all = matrices(&config).expect("a sound shape");
            let places = MatrixPlaces::of(&config);
            assert_eq!(all[places.head()].rows, config.vocabulary);
            assert_eq!(
                (all[places.norm()].rows, all[places.norm()].decays),
                (1, false)
            );
            let down = all[places.block(1) + 5];
            assert_eq!((down.rows, down.columns), (config.width, config.hidden));
            assert_eq!(all.len(), places.norm() + if tied { 1 } else { 2 });
        }
    }
}
