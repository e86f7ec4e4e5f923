//! How far two models hold the same things to be near each other: the mutual nearest-neighbour
//! score of "The Platonic Representation Hypothesis" (Huh et al. 2024, arXiv 2405.07987).
//!
//! [`prepare`] the vectors of each model's layers, find the [`neighbours`] in each layer once, then
//! compare layers by [`align`]. Formulas are those of `minyoungg/platonic-rep`: `prepare_features`
//! with its exact quantile, `mutual_knn`, `compute_score`.

mod neighbours;
mod prepare;

pub use neighbours::{Neighbours, neighbours};
pub use prepare::prepare;

use crate::statistics::{Mean, StatisticsError, mean};

/// Vectors that cannot be compared.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AlignmentError {
    /// No whole vectors, or none at all.
    #[error("{numbers} numbers are no vectors of {width}; give one whole vector for each thing")]
    Shape {
        /// How many numbers there are.
        numbers: usize,
        /// Numbers of a vector.
        width: usize,
    },
    /// A number that is none.
    #[error("number {at} of layer {layer} is not finite; the model that gave it is not sound")]
    NotFinite {
        /// The layer, from 0.
        layer: usize,
        /// The number's place in it, from 0.
        at: usize,
    },
    /// A vector whose inner products would not be finite.
    #[error(
        "the vector of thing {thing} is too long for inner products; `prepare` the layer first"
    )]
    TooLong {
        /// The thing, from 0.
        thing: usize,
    },
    /// A quantile outside [0, 1].
    #[error("a quantile of {quantile} is not between 0 and 1; write 0.95, or 1 to cut off nothing")]
    Quantile {
        /// What was asked for.
        quantile: f64,
    },
    /// No neighbours, or more than there are others.
    #[error(
        "each of {things} things has no {k} neighbours; ask for at least 1, and for less than {things}"
    )]
    Neighbours {
        /// How many were asked for.
        k: usize,
        /// How many things there are.
        things: usize,
    },
    /// Two lists of neighbours that do not belong together.
    #[error(
        "{k} neighbours of {things} things stand beside {other_k} of {other_things}; give both models the same things and the same `k`"
    )]
    Unpaired {
        /// Things of the first.
        things: usize,
        /// Neighbours of each of these.
        k: usize,
        /// Things of the second.
        other_things: usize,
        /// Neighbours of each of these.
        other_k: usize,
    },
    /// A model without layers.
    #[error("a model has no layers to compare; give at least one")]
    NoLayers,
    /// A score without statistics.
    #[error(transparent)]
    Statistics(#[from] StatisticsError),
}

/// Which layers of two models are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pair {
    /// Those of the highest score, as `compute_score`; the first such pair in the order of layers.
    /// The score is then the largest of many, also where nothing is alike.
    Best,
    /// The last layer of each.
    Last,
}

/// How alike two models are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alignment {
    /// The mean of [`overlaps`], from 0 to 1. Unrelated layers have about k / (n − 1).
    ///
    /// Its standard error is over things, as if these were drawn independently; it knows nothing of
    /// the choice of layers.
    pub score: Mean,
    /// The layers compared, from 0: of the first model and of the second.
    pub layers: (usize, usize),
}

/// The share of its k neighbours that a thing has in both layers, for each thing: `[n]`.
///
/// Fails where the two are not of as many things and neighbours.
pub fn overlaps(one: &Neighbours, other: &Neighbours) -> Result<Vec<f64>, AlignmentError> {
    let k = one.k() as f64;
    let common = common(one, other)?;
    Ok(common.into_iter().map(|count| count as f64 / k).collect())
}

/// The alignment of two models, given the neighbours in each of their layers.
///
/// Fails where a model has no layers, or layers are not of as many things and neighbours.
pub fn align(
    one: &[Neighbours],
    other: &[Neighbours],
    pair: Pair,
) -> Result<Alignment, AlignmentError> {
    let (Some(last), Some(other_last)) = (one.last(), other.last()) else {
        return Err(AlignmentError::NoLayers);
    };
    let (layers, first, second) = match pair {
        Pair::Last => ((one.len() - 1, other.len() - 1), last, other_last),
        Pair::Best => {
            let layers = best(one, other)?;
            (layers, &one[layers.0], &other[layers.1])
        }
    };
    Ok(Alignment {
        score: mean(&overlaps(first, second)?)?,
        layers,
    })
}

/// The first pair of layers with most neighbours in common; counted, so that ties are ties.
fn best(one: &[Neighbours], other: &[Neighbours]) -> Result<(usize, usize), AlignmentError> {
    let (mut best, mut most) = ((0, 0), 0);
    for (layer, own) in one.iter().enumerate() {
        for (other_layer, theirs) in other.iter().enumerate() {
            let count: usize = common(own, theirs)?.into_iter().sum();
            if count > most {
                (best, most) = ((layer, other_layer), count);
            }
        }
    }
    Ok(best)
}

/// How many neighbours each thing has in both: [n].
fn common(one: &Neighbours, other: &Neighbours) -> Result<Vec<usize>, AlignmentError> {
    if (one.things(), one.k()) != (other.things(), other.k()) {
        return Err(AlignmentError::Unpaired {
            things: one.things(),
            k: one.k(),
            other_things: other.things(),
            other_k: other.k(),
        });
    }
    // Whose neighbour a thing was last seen to be.
    let mut seen = vec![usize::MAX; one.things()];
    let pairs = one.each().zip(other.each()).enumerate();
    let counts = pairs.map(|(thing, (own, theirs))| {
        for &near in own {
            seen[near as usize] = thing;
        }
        let is_common = |near: &&u32| seen[**near as usize] == thing;
        theirs.iter().filter(is_common).count()
    });
    Ok(counts.collect())
}

#[cfg(test)]
mod tests;
