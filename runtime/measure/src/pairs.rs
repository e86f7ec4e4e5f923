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
    /// The mean score on the left: the share of right answers, where none is right in part.
    pub left: f64,
    /// The same on the right.
    pub right: f64,
    /// `left - right`, with the standard error of the paired differences.
    pub difference: Mean,
    /// Student's 95 % interval of the difference; none for one pair.
    pub interval: Option<Interval>,
    /// How often which was altogether right.
    pub agreement: Agreement,
}

impl Agreement {
    /// Counts pairs of scores; 1 is right.
    pub fn of(left: &[f64], right: &[f64]) -> Self {
        let mut counts = Self::default();
        for (left, right) in left.iter().zip(right) {
            match (*left >= 1.0, *right >= 1.0) {
                (true, true) => counts.both += 1,
                (true, false) => counts.only_left += 1,
                (false, true) => counts.only_right += 1,
                (false, false) => counts.neither += 1,
            }
        }
        counts
    }
}

/// Compares scores of answers, from 0 to 1; both lists follow the same questions, which count as independent.
///
/// # Errors
/// [`StatisticsError::Unpaired`] for lists of different lengths, [`StatisticsError::Empty`] for empty ones.
pub fn compare(left: &[f64], right: &[f64]) -> Result<Pairing, StatisticsError> {
    let questions: Vec<usize> = (0..left.len()).collect();
    let difference = paired(left, right, &questions)?;
    let mean = |scores: &[f64]| scores.iter().sum::<f64>() / difference.n as f64;
    Ok(Pairing {
        left: mean(left),
        right: mean(right),
        difference,
        interval: difference.interval(0.95)?,
        agreement: Agreement::of(left, right),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let left = [1.0, 1.0, 1.0, 0.0, 1.0];
        let right = [1.0, 0.0, 0.0, 0.0, 0.0];
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
    fn answers_right_in_part_count_in_part() {
        let found = compare(&[0.5, 1.0], &[0.25, 0.75]).unwrap();
        assert_eq!(
            (found.left, found.right, found.difference.mean),
            (0.75, 0.5, 0.25)
        );
        let counts = Agreement {
            only_left: 1,
            neither: 1,
            ..Agreement::default()
        };
        assert_eq!(found.agreement, counts);
    }

    #[test]
    fn what_is_not_paired_is_refused() {
        let refused = compare(&[1.0], &[1.0, 0.0]);
        assert_eq!(
            refused,
            Err(StatisticsError::Unpaired { left: 1, right: 2 })
        );
        assert_eq!(compare(&[], &[]), Err(StatisticsError::Empty));
        let one = compare(&[1.0], &[0.0]).unwrap();
        assert_eq!((one.difference.error, one.interval), (None, None));
    }
}
