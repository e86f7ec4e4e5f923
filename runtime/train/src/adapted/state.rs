//! A trainer's numbers as plain arrays, for trainers that keep them elsewhere.

use super::trainer::joined;
use super::{AdaptError, AdaptTrainer, Parts};
use crate::course::Trained;
use crate::optimizer::Moments;
use crate::{CheckpointError, Course, MatrixShape, MatrixState, State};

/// One matrix of an adapted model: its shape, and whether training moves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartShape {
    /// Its shape; a bias is one row.
    pub shape: MatrixShape,
    /// Whether training moves it.
    pub moves: bool,
}

impl AdaptTrainer {
    /// The run's settings.
    pub fn course(&self) -> &Course {
        self.learner.course()
    }

    /// Which parts are trained.
    pub fn parts(&self) -> Parts {
        self.parts
    }

    /// Where the decoder's matrices begin among [`AdaptTrainer::matrices`]; the projector's come before.
    pub fn decoder(&self) -> usize {
        self.adapted.begins()[0]
    }

    /// The matrices of projector and decoder: weight and bias of each of the projector's layers, then those
    /// of [`crate::matrices`]. An encoder's are not among them.
    pub fn matrices(&self) -> Vec<PartShape> {
        let networks: [&dyn Trained; 2] = [&self.adapted.projector.weights, &self.adapted.model];
        let slabs = networks
            .iter()
            .flat_map(|part| (0..part.len()).map(|index| part.slab(index)));
        slabs
            .enumerate()
            .map(|(index, slab)| PartShape {
                shape: MatrixShape {
                    rows: slab.rows(),
                    columns: slab.columns(),
                    decays: slab.decays(),
                },
                moves: self.learner.moves(index),
            })
            .collect()
    }

    /// The numbers of [`AdaptTrainer::matrices`], and the steps done; what is frozen has no moments.
    pub fn state(&self) -> State {
        let networks: [&dyn Trained; 2] = [&self.adapted.projector.weights, &self.adapted.model];
        let values = networks
            .iter()
            .flat_map(|part| (0..part.len()).map(|index| part.values(index)));
        let matrices = values.enumerate().map(|(index, weights)| {
            let (first, second) = match self.learner.moments(index) {
                Some(moments) => (moments.first.clone(), moments.second.clone()),
                None => Default::default(),
            };
            MatrixState {
                weights: weights.to_vec(),
                first,
                second,
            }
        });
        State {
            matrices: matrices.collect(),
            steps_done: self.learner.done(),
        }
    }

    /// Takes on the numbers of what training moves, and the steps done, of another trainer of the same model
    /// with the same parts trained; what is frozen stays as it is.
    ///
    /// Fails where the numbers are not as many, and changes nothing then.
    pub fn set_state(&mut self, state: State) -> Result<(), AdaptError> {
        let shapes = self.matrices();
        let fits = |(part, matrix): (&PartShape, &MatrixState)| {
            let len = part.shape.rows * part.shape.columns;
            let all = [&matrix.weights, &matrix.first, &matrix.second];
            !part.moves || all.iter().all(|values| values.len() == len)
        };
        if shapes.len() != state.matrices.len() || !shapes.iter().zip(&state.matrices).all(fits) {
            return Err(CheckpointError::OtherShape.into());
        }
        let mut networks = joined(&mut self.adapted, self.parts);
        for (index, (part, matrix)) in shapes.iter().zip(state.matrices).enumerate() {
            if part.moves {
                networks.values_mut(index).copy_from_slice(&matrix.weights);
                let moments = Moments {
                    first: matrix.first,
                    second: matrix.second,
                };
                self.learner.set_moments(index, moments);
            }
        }
        self.learner.set_done(state.steps_done);
        Ok(())
    }
}
