//! The sample stream: which sequence stands at which position, as a pure function.

mod fill;
mod permutation;
mod split;

pub use fill::fill;

use crate::shares::{ShareError, Weights};
use permutation::EpochOrder;
use split::Tree;

/// One category of a mixture, as the stream sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Content key of the category's tokens.
    pub identity: [u8; 32],
    /// The exact share of sequences, as numerator and denominator.
    pub share: (u64, u64),
    /// Supply: the sequences that one epoch holds.
    pub sequences: u64,
}

/// What stands at one position of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sample {
    /// Index into the parts as given.
    pub part: usize,
    /// The sequence within the part.
    pub sequence: u64,
    /// How many times the part was gone through before.
    pub epoch: u64,
}

/// A mixture that no stream can be made of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The shares are not exact shares of one whole.
    #[error(transparent)]
    Shares(#[from] ShareError),
    /// A part with a share and nothing to draw from.
    #[error("part {part} has a share and no sequences; give it more text or a shorter context")]
    NoSequences {
        /// Index of the part as given.
        part: usize,
    },
    /// Two parts, both with a share, that hold the same tokens.
    #[error("parts {first} and {second} hold the same tokens; add their shares and keep one")]
    SameIdentity {
        /// Index of the first as given.
        first: usize,
        /// Index of the second as given.
        second: usize,
    },
}

/// The stream of sequences of one mixture under one seed.
///
/// Which part stands at a position depends on the shares and identities only; which sequence of the part, also on
/// the seed. Nothing depends on the length of a run, on the batch, on parts with share 0 or on the order of the parts.
/// So the stream of a short run is the beginning of that of a long one, and going on needs the position alone.
///
/// # Which rule
///
/// Four were weighed, by how far the count of a part among the first `n` can be from `w_i·n`, whether a longer prefix
/// keeps what a shorter one gave, and what it takes to know position `n`:
///
/// | rule | error | keeps | position `n` |
/// |---|---|---|---|
/// | largest remainder at each prefix (Hamilton) | < 1 | no: a part can lose an element as `n` grows | O(k) |
/// | drawing each position by chance | grows with √n | yes | O(log k) |
/// | chairman assignment, quota method (Tijdeman 1980; Balinski and Young 1975) | < 1 | yes | all `n` before it |
/// | tree of two-way splits | ≤ ½⌈log₂ k⌉ | yes | O(log k) |
///
/// The last is taken: a bound of 2 sequences for 16 categories is nothing in a run of millions, and no state has to be
/// kept, rebuilt or shared between processes.
///
/// # How far a prefix can be from its shares
///
/// The parts are the leaves of a tree of two-way splits. Of the `n` elements that reach a node, the first child, with
/// conditional share `a/b`, gets `f(n) = ⌊n·a/b + ½⌋`. The fraction `a/b ≤ 1`, so `f` grows by 0 or 1 per element:
/// each element belongs to one child and no later element moves it. Rounding errs by at most ½, for the other child
/// too, so a child with conditional share `w` of a node with count `c` and error `e` has the count
/// `w·c + δ, |δ| ≤ ½`, and the error `w·e + δ`. From the root, which has error 0, down `d` levels to part `i`, whose
/// subtree after `j` splits has the share `W_j` (so `W_d` is the part's own share `w_i`):
///
/// `|count_i(n) − w_i·n| ≤ ½·Σ_{j=1..d} w_i / W_j ≤ ½·d`
///
/// and `d ≤ ⌈log₂ k⌉` for `k` parts with a share. Equal shares of a power of two give less than 1.
#[derive(Debug, Clone)]
pub struct SampleStream {
    parts: Vec<Part>,
    seed: u64,
    tree: Tree,
}

impl SampleStream {
    /// Makes the stream of the mixture `parts` under `seed`.
    ///
    /// # Errors
    /// Shares that do not sum to 1 or have too large a common denominator, a part with a share and no supply, and
    /// two parts of equal identity that both have a share.
    pub fn new(parts: Vec<Part>, seed: u64) -> Result<Self, StreamError> {
        let shares: Vec<_> = parts.iter().map(|part| part.share).collect();
        let weights = Weights::new(&shares)?.weights;
        let mut leaves = Vec::new();
        for (index, (part, weight)) in parts.iter().zip(weights).enumerate() {
            if weight > 0 {
                if part.sequences == 0 {
                    return Err(StreamError::NoSequences { part: index });
                }
                leaves.push((part.identity, index, weight));
            }
        }
        leaves.sort_unstable();
        for pair in leaves.windows(2) {
            if let [(one, first, _), (other, second, _)] = *pair
                && one == other
            {
                return Err(StreamError::SameIdentity { first, second });
            }
        }
        let weighted: Vec<_> = leaves
            .iter()
            .map(|&(_, part, weight)| (part, weight))
            .collect();
        Ok(Self {
            parts,
            seed,
            tree: Tree::new(&weighted),
        })
    }

    /// The parts as given.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// What stands at `position`, in time logarithmic in the number of parts.
    pub fn at(&self, position: u64) -> Sample {
        let (part, draw) = self.tree.at(position);
        // The tree holds only indices of parts with a share, and those have sequences.
        self.parts.get(part).map_or(
            Sample {
                part,
                sequence: 0,
                epoch: 0,
            },
            |supply| {
                let (epoch, index) = (draw / supply.sequences, draw % supply.sequences);
                let order = EpochOrder::new(&supply.identity, self.seed, epoch, supply.sequences);
                Sample {
                    part,
                    sequence: order.at(index),
                    epoch,
                }
            },
        )
    }

    /// How many of the first `n` positions each part has, in the order the parts were given.
    pub fn counts(&self, n: u64) -> Vec<u64> {
        let mut counts = vec![0; self.parts.len()];
        self.tree.counts(n, &mut |part, count| {
            if let Some(slot) = counts.get_mut(part) {
                *slot = count;
            }
        });
        counts
    }
}

#[cfg(test)]
mod tests;
