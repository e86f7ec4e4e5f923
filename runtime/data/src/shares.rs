//! Shares of a mixture, brought to one exact denominator.

use crate::limits::COMMON_DENOMINATOR;

/// Shares that do not describe a mixture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// A share with denominator 0.
    #[error("part {part} has the share {numerator}/0; a share needs a denominator of 1 or more")]
    ZeroDenominator {
        /// Index of the part as given.
        part: usize,
        /// The share's numerator.
        numerator: u64,
    },
    /// Shares whose least common denominator is out of range.
    #[error(
        "the shares have a common denominator beyond {COMMON_DENOMINATOR}; round them to fewer digits"
    )]
    Denominator,
    /// Shares that do not sum to 1.
    #[error("the shares sum to {sum}/{denominator}; they must sum to 1")]
    Sum {
        /// Numerator of the sum.
        sum: u128,
        /// The shares' common denominator.
        denominator: u64,
    },
}

/// Exact weights over one common denominator, which they sum to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Weights {
    /// One weight per share, in the order given.
    pub(crate) weights: Vec<u64>,
    /// Their sum.
    pub(crate) denominator: u64,
}

impl Weights {
    /// Brings `shares` (numerator, denominator) to their least common denominator.
    pub(crate) fn new(shares: &[(u64, u64)]) -> Result<Self, ShareError> {
        let denominator = common_denominator(shares)?;
        let scaled: Vec<u128> = shares
            .iter()
            .map(|&(above, below)| {
                u128::from(above) * u128::from(denominator / reduced(above, below))
            })
            .zip(shares)
            .map(|(scaled, &(above, below))| scaled / u128::from(gcd(above, below)))
            .collect();
        let sum = scaled
            .iter()
            .fold(0_u128, |sum, weight| sum.saturating_add(*weight));
        if sum != u128::from(denominator) {
            return Err(ShareError::Sum { sum, denominator });
        }
        Ok(Self {
            weights: scaled.into_iter().map(|weight| weight as u64).collect(),
            denominator,
        })
    }
}

fn common_denominator(shares: &[(u64, u64)]) -> Result<u64, ShareError> {
    let mut common = 1_u64;
    for (part, &(numerator, denominator)) in shares.iter().enumerate() {
        if denominator == 0 {
            return Err(ShareError::ZeroDenominator { part, numerator });
        }
        let below = reduced(numerator, denominator);
        common = (common / gcd(common, below))
            .checked_mul(below)
            .filter(|common| *common <= COMMON_DENOMINATOR)
            .ok_or(ShareError::Denominator)?;
    }
    Ok(common)
}

/// The denominator of the share in lowest terms.
fn reduced(numerator: u64, denominator: u64) -> u64 {
    denominator / gcd(numerator, denominator)
}

/// The greatest common divisor; `gcd(0, n)` is `n`.
pub(crate) fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::{ShareError, Weights};

    #[test]
    fn shares_meet_at_their_least_common_denominator() {
        let weights = Weights::new(&[(1, 3), (50, 100), (1, 6), (0, 7)]).unwrap();
        assert_eq!(
            weights,
            Weights {
                weights: vec![2, 3, 1, 0],
                denominator: 6
            }
        );
    }

    #[test]
    fn shares_that_do_not_sum_to_one_name_their_sum() {
        let error = Weights::new(&[(1, 3), (1, 2)]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the shares sum to 5/6; they must sum to 1"
        );
        let nothing = Weights::new(&[]).unwrap_err();
        assert_eq!(
            nothing.to_string(),
            "the shares sum to 0/1; they must sum to 1"
        );
    }

    #[test]
    fn impossible_denominators_are_named() {
        let error = Weights::new(&[(1, 1), (3, 0)]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "part 1 has the share 3/0; a share needs a denominator of 1 or more"
        );
        let primes = [(1, 4_294_967_291), (1, 4_294_967_279)];
        assert_eq!(Weights::new(&primes).unwrap_err(), ShareError::Denominator);
        assert_eq!(
            ShareError::Denominator.to_string(),
            "the shares have a common denominator beyond 9223372036854775807; round them to fewer digits"
        );
    }
}
