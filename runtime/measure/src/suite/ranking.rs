//! Rankings by several criteria.

/// What one criterion says of each candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Criterion {
    /// Its values, in the order of the candidates.
    pub values: Vec<f64>,
    /// Whether more is better.
    pub higher_is_better: bool,
    /// How much it counts beside the others.
    pub weight: f64,
}

/// How criteria become one number. The paper's own formula is not stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Formula {
    /// Sum of ranks, the best with 1; equal values share the mean of their ranks.
    RankSum,
    /// Sum of standard scores (by the population's deviation).
    StandardScores,
    /// Sum of values scaled to [0, 1], the best with 0.
    MinMax,
}

/// Criteria that rank nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RankingError {
    /// Criteria about different candidates, or about none.
    #[error("the criteria do not have one value for each candidate; give all the same candidates")]
    Uneven,
    /// A value or a weight that is no number.
    #[error("a value of criterion {criterion} is not finite; leave the candidate out")]
    NotFinite {
        /// Its place, from 0.
        criterion: usize,
    },
}

/// One number for each candidate, less is better: the sum of what each criterion says of it, times the
/// criterion's weight.
///
/// A criterion on which all are equal adds the same to each.
pub fn combined(criteria: &[Criterion], formula: Formula) -> Result<Vec<f64>, RankingError> {
    let candidates = criteria.first().map_or(0, |own| own.values.len());
    if candidates == 0 || criteria.iter().any(|own| own.values.len() != candidates) {
        return Err(RankingError::Uneven);
    }
    let mut sums = vec![0.0; candidates];
    for (criterion, own) in criteria.iter().enumerate() {
        if !own.values.iter().all(|value| value.is_finite()) || !own.weight.is_finite() {
            return Err(RankingError::NotFinite { criterion });
        }
        let sign = if own.higher_is_better { -1.0 } else { 1.0 };
        let costs: Vec<f64> = own.values.iter().map(|value| sign * value).collect();
        for (sum, part) in sums.iter_mut().zip(scaled(&costs, formula)) {
            *sum += own.weight * part;
        }
    }
    Ok(sums)
}

fn scaled(costs: &[f64], formula: Formula) -> Vec<f64> {
    let n = costs.len() as f64;
    let (from, width) = match formula {
        Formula::RankSum => return ranks(costs),
        Formula::StandardScores => {
            let mean = costs.iter().sum::<f64>() / n;
            let squares: f64 = costs.iter().map(|cost| (cost - mean).powi(2)).sum();
            (mean, (squares / n).sqrt())
        }
        Formula::MinMax => {
            let low = costs.iter().copied().fold(f64::INFINITY, f64::min);
            let high = costs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            (low, high - low)
        }
    };
    let scale = |cost: &f64| {
        if width > 0.0 {
            (cost - from) / width
        } else {
            0.0
        }
    };
    costs.iter().map(scale).collect()
}

/// Ranks from 1 on, least first; equal numbers share the mean of their ranks.
pub fn ranks(numbers: &[f64]) -> Vec<f64> {
    let rank = |own: &f64| {
        let less = numbers.iter().filter(|other| *other < own).count();
        let at_most = numbers.iter().filter(|other| *other <= own).count();
        f64::midpoint(less as f64 + 1.0, at_most as f64)
    };
    numbers.iter().map(rank).collect()
}
