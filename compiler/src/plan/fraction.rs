//! Exact fractions as the plan writes them.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A non-negative fraction in lowest terms, written `2/5` or `3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fraction {
    numerator: u64,
    denominator: u64,
}

impl Fraction {
    /// Nothing.
    pub const ZERO: Self = Self {
        numerator: 0,
        denominator: 1,
    };

    /// Makes a fraction in lowest terms; `None` where the denominator is zero.
    pub fn new(numerator: u64, denominator: u64) -> Option<Self> {
        let divisor = num_integer::gcd(numerator, denominator);
        (denominator != 0).then(|| Self {
            numerator: numerator / divisor,
            denominator: denominator / divisor,
        })
    }

    /// Returns numerator and denominator.
    pub const fn parts(self) -> (u64, u64) {
        (self.numerator, self.denominator)
    }

    /// Returns the nearest `f64`.
    #[expect(
        clippy::float_arithmetic,
        reason = "the hand-over to the trainer, which counts in floats"
    )]
    pub fn to_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }

    /// Returns this fraction of a whole, rounded to the nearest, halves up.
    pub fn of(self, whole: u64) -> u64 {
        let (n, d) = (u128::from(self.numerator), u128::from(self.denominator));
        u64::try_from((2 * n * u128::from(whole) + d) / (2 * d)).unwrap_or(u64::MAX)
    }
}

impl Ord for Fraction {
    fn cmp(&self, other: &Self) -> Ordering {
        let left = u128::from(self.numerator) * u128::from(other.denominator);
        left.cmp(&(u128::from(other.numerator) * u128::from(self.denominator)))
    }
}

impl PartialOrd for Fraction {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => write!(f, "{}", self.numerator),
            denominator => write!(f, "{}/{denominator}", self.numerator),
        }
    }
}

impl TryFrom<String> for Fraction {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (numerator, denominator) = text.split_once('/').unwrap_or((&text, "1"));
        let parse = |digits: &str| digits.parse::<u64>().ok();
        parse(numerator)
            .zip(parse(denominator))
            .and_then(|(n, d)| Self::new(n, d))
            .ok_or_else(|| format!("`{text}` is not a fraction"))
    }
}

impl From<Fraction> for String {
    fn from(fraction: Fraction) -> Self {
        fraction.to_string()
    }
}
