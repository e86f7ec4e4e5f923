//! The text that a tokenizer is trained on: each category's share of a byte budget.

use std::cmp::Reverse;

use crate::documents::documents;
use crate::error::DataError;
use crate::shares::Weights;

/// A category that a tokenizer is to know.
#[derive(Debug, Clone, Copy)]
pub struct SamplePart<'a> {
    /// Content key of the category's documents; it orders the sample and settles ties.
    pub identity: [u8; 32],
    /// The training side, a documents file.
    pub documents: &'a [u8],
    /// The exact share of the budget, as numerator and denominator.
    pub share: (u64, u64),
}

/// The texts of `parts` that a tokenizer is trained on, `budget` bytes together, ordered by identity.
///
/// Each part gives its share of the budget in bytes, whole bytes by largest remainder (of equals, the smaller identity
/// first), from the beginning of its file; the last document is cut at a character, so a part may give up to 3 bytes
/// less. A part that has less text gives all of it and no other part makes up for it.
///
/// # Errors
/// [`DataError::Shares`] for shares that do not sum to 1; [`DataError::Damaged`] for a broken documents file.
pub fn sample_for_tokenizer<'a>(
    parts: &[SamplePart<'a>],
    budget: u64,
) -> Result<Vec<&'a str>, DataError> {
    let shares: Vec<_> = parts.iter().map(|part| part.share).collect();
    let weights = Weights::new(&shares)?;
    let mut weighted: Vec<_> = parts.iter().zip(weights.weights).collect();
    weighted.sort_unstable_by_key(|(part, weight)| (part.identity, *weight));
    let ordered: Vec<u64> = weighted.iter().map(|(_, weight)| *weight).collect();
    let mut texts = Vec::new();
    for ((part, _), bytes) in weighted
        .iter()
        .zip(apportion(&ordered, weights.denominator, budget))
    {
        take(part.documents, bytes, &mut texts)?;
    }
    Ok(texts)
}

/// Shares `budget` out in proportion to `weights` (sum `denominator`) by largest remainder, the earlier of equals first.
fn apportion(weights: &[u64], denominator: u64, budget: u64) -> Vec<u64> {
    let (budget, denominator) = (u128::from(budget), u128::from(denominator));
    let exact = |weight: &u64| budget * u128::from(*weight);
    let mut given: Vec<u64> = weights
        .iter()
        .map(|w| (exact(w) / denominator) as u64)
        .collect();
    let left = budget - given.iter().map(|bytes| u128::from(*bytes)).sum::<u128>();
    let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
    by_remainder.sort_by_key(|i| Reverse(weights.get(*i).map(|w| exact(w) % denominator)));
    for index in by_remainder.into_iter().take(left as usize) {
        if let Some(bytes) = given.get_mut(index) {
            *bytes += 1;
        }
    }
    given
}

fn take<'a>(file: &'a [u8], budget: u64, texts: &mut Vec<&'a str>) -> Result<(), DataError> {
    let mut left = usize::try_from(budget).unwrap_or(usize::MAX);
    for document in documents(file)? {
        let document = document?;
        let text = document.split_at(document.floor_char_boundary(left)).0;
        if text.is_empty() {
            break;
        }
        texts.push(text);
        left -= text.len();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{SamplePart, apportion, sample_for_tokenizer};
    use crate::documents::tests::file;

    #[test]
    fn remainders_go_to_the_largest_then_the_first() {
        assert_eq!(apportion(&[1, 1, 1], 3, 5), [2, 2, 1]);
        assert_eq!(apportion(&[1, 2, 4], 7, 10), [1, 3, 6]);
        assert_eq!(apportion(&[0, 1], 1, 3), [0, 3]);
    }

    #[test]
    fn parts_give_their_share_in_the_order_of_identity() {
        let (long, short) = (file(&["abcdef", "ghi"]), file(&["αβγ"]));
        let part = |id, documents, share| SamplePart {
            identity: [id; 32],
            documents,
            share,
        };
        let forward = [part(2, &long[..], (2, 3)), part(1, &short[..], (1, 3))];
        let backward = [forward[1], forward[0]];
        let texts = sample_for_tokenizer(&forward, 10).unwrap();
        assert_eq!(texts, ["α", "abcdef", "g"]);
        assert_eq!(sample_for_tokenizer(&backward, 10).unwrap(), texts);
    }

    #[test]
    fn an_exhausted_part_stops_early() {
        let (long, short) = (file(&["abcdef"]), file(&["x"]));
        let part = |id, documents| SamplePart {
            identity: [id; 32],
            documents,
            share: (1, 2),
        };
        let texts = sample_for_tokenizer(&[part(1, &short[..]), part(2, &long[..])], 8).unwrap();
        assert_eq!(texts, ["x", "abcd"]);
    }

    proptest! {
        #[test]
        fn a_budget_is_shared_out_whole_and_within_one_byte(
            weights in proptest::collection::vec(0..u64::MAX >> 8, 1..8),
            budget: u64,
        ) {
            let sum: u64 = weights.iter().sum();
            prop_assume!(sum > 0);
            let given = apportion(&weights, sum, budget);
            let total: u128 = given.iter().copied().map(u128::from).sum();
            prop_assert_eq!(total, u128::from(budget));
            for (bytes, weight) in given.iter().zip(&weights) {
                let exact = u128::from(budget) * u128::from(*weight);
                let found = u128::from(*bytes) * u128::from(sum);
                prop_assert!(exact.abs_diff(found) < u128::from(sum));
            }
        }
    }
}
