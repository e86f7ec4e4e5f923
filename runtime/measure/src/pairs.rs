//! Two models that answered the same questions, compared question by question.

use crate::statistics::{Interval, Mean, StatisticsError, paired};

/// How often which of two was right; the four counts of McNemar's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Agreement {
    /// Both were right.
    pub both: u64,
    /// The left one alone.
    pub only_left: u64,
    /// The right one alone.
    pub only_right: u64,
    /// Neither was.
    pub neither: u64,
}

/// A comparison of two lists of answers, pair by pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pairing {
    /// The share of right answers on the left.
    pub left: f64,
    /// The share of right answers on the right.
    pub right: f64,
    /// `left - right`, with the standard error of the paired differences.
    pub difference: Mean,
    /// Student's 95 % interval of the difference; none for one pair.
    pub interval: Option<Interval>,
    /// The counts behind it.
    pub agreement: Agreement,
}

impl Agreement {
    /// Counts pairs.
    pub fn of(left: &[bool], right: &[bool]) -> Self {
        let mut counts = Self::default();
        for pair in left.iter().zip(right) {
            match pair {
                (true, true) => counts.both += 1,
                (true, false) => counts.only_left += 1,
                (false, true) => counts.only_right += 1,
                (false, false) => counts.neither += 1,
            }
        }
        counts
    }
}

/// Compares answers, each right or wrong; both lists follow the same questions, which count as independent.
///
/// # Errors
/// [`StatisticsError::Unpaired`] for lists of different lengths, [`StatisticsError::Empty`] for empty ones.
pub fn compare(left: &[bool], right: &[bool]) -> Result<Pairing, StatisticsError> {
    let scores = |answers: &[bool]| -> Vec<f64> {
        let scores = answers.iter().map(|right| f64::from(u8::from(*right)));
        scores.collect()
    };
    let questions: Vec<usize> = (0..left.len()).collect();
    let difference = paired(&scores(left), &scores(right), &questions)?;
    let agreement = Agreement::of(left, right);
    let share = |count: u64| count as f64 / difference.n as f64;
    Ok(Pairing {
        left: share(agreement.both + agreement.only_left),
        right: share(agreement.both + agreement.only_right),
        difference,
        interval: difference.interval(0.95)?,
        agreement,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let left = [true, true, true, false, true];
        let right = [true, false, false, false, false];
        let found = compare(&left, &right).unwrap();
        let counts = Agreement {
            both: 1,
            only_left: 3,
            only_right: 0,
            neither: 1,
        };
        assert_eq!(found.agreement, counts);
        assert_eq!((found.left, found.right), (0.8, 0.2));
        // Differences 0, 1, 1, 0, 1: mean 3/5, squares 6/5, √(6/5 / 4 / 5); t(97.5 %, 4) = 2.776445.
        let error = found.difference.error.unwrap();
        assert!((found.difference.mean - 0.6).abs() < 1e-12);
        assert!((error - 0.244_948_974).abs() < 1e-9);
        let interval = found.interval.unwrap();
        assert!((interval.high - 1.280_087_4).abs() < 1e-6, "{interval:?}");
        assert!((interval.low + 0.080_087_4).abs() < 1e-6, "{interval:?}");
    }

    #[test]
    fn what_is_not_paired_is_refused() {
        let refused = compare(&[true], &[true, false]);
        assert_eq!(
            refused,
            Err(StatisticsError::Unpaired { left: 1, right: 2 })
        );
        assert_eq!(compare(&[], &[]), Err(StatisticsError::Empty));
        let one = compare(&[true], &[false]).unwrap();
        assert_eq!((one.difference.error, one.interval), (None, None));
    }
}
