//! Means with what they are worth: how many, standard errors, intervals.
//!
//! Variation over items says how well a benchmark measures one model; variation over seeds says how
//! well one model stands for its recipe. They are kept apart ([`Repeated`]).

use std::collections::BTreeMap;

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// Numbers that have no such statistic.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StatisticsError {
    /// Nothing to average.
    #[error("there are no numbers; a mean needs at least one")]
    Empty,
    /// A number that is none.
    #[error("number {at} is not finite; leave it out")]
    NotFinite {
        /// Its place, from 0.
        at: usize,
    },
    /// A confidence outside (0, 1).
    #[error("a confidence of {confidence} is not between 0 and 1; write 0.95 for 95 %")]
    Confidence {
        /// What was asked for.
        confidence: f64,
    },
    /// More successes than trials, or no trials.
    #[error("{successes} of {trials} is no proportion; count each trial once")]
    Proportion {
        /// Successes.
        successes: u64,
        /// Trials.
        trials: u64,
    },
    /// Lists that should go item by item and do not.
    #[error(
        "there are {left} and {right} numbers where pairs are needed; give both the same items"
    )]
    Unpaired {
        /// Length of the first.
        left: usize,
        /// Length of the second.
        right: usize,
    },
}

/// From where to where.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A mean and its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// The mean.
    pub mean: f64,
    /// How many numbers.
    pub n: usize,
    /// Independent units among them: the numbers themselves, or clusters.
    pub units: usize,
    /// Standard error of the mean; `None` for a single unit.
    pub error: Option<f64>,
}

impl Mean {
    /// The two-sided Student-t interval with `units - 1` degrees of freedom; `None` for one unit.
    pub fn interval(&self, confidence: f64) -> Result<Option<Interval>, StatisticsError> {
        let upper = upper_tail(confidence)?;
        let Some(error) = self.error else {
            return Ok(None);
        };
        let reach = error * student(upper, self.units - 1);
        Ok(Some(Interval {
            low: self.mean - reach,
            high: self.mean + reach,
        }))
    }
}

/// The mean of independent numbers; its standard error is the sample deviation over √n.
pub fn mean(numbers: &[f64]) -> Result<Mean, StatisticsError> {
    let clusters: Vec<usize> = (0..numbers.len()).collect();
    clustered(numbers, &clusters)
}

/// The mean of numbers that fall into clusters, such as questions about one picture; `clusters`
/// names each number's. The standard error is the cluster-robust one with the small-sample factor,
/// √(k/(k−1) · Σ over clusters (Σ deviations)²) / n for k clusters, which for clusters of one is
/// that of [`mean`].
pub fn clustered<C: Ord>(numbers: &[f64], clusters: &[C]) -> Result<Mean, StatisticsError> {
    let (left, right) = (numbers.len(), clusters.len());
    if left != right {
        return Err(StatisticsError::Unpaired { left, right });
    }
    if let Some(at) = numbers.iter().position(|own| !own.is_finite()) {
        return Err(StatisticsError::NotFinite { at });
    }
    if numbers.is_empty() {
        return Err(StatisticsError::Empty);
    }
    let n = numbers.len();
    let mean = numbers.iter().sum::<f64>() / n as f64;
    let mut sums: BTreeMap<&C, f64> = BTreeMap::new();
    for (number, cluster) in numbers.iter().zip(clusters) {
        *sums.entry(cluster).or_default() += number - mean;
    }
    let units = sums.len();
    let squares: f64 = sums.values().map(|sum| sum * sum).sum();
    let factor = units as f64 / (units as f64 - 1.0);
    let error = (units > 1).then(|| (factor * squares).sqrt() / n as f64);
    Ok(Mean {
        mean,
        n,
        units,
        error,
    })
}

/// The mean difference `left - right`, item by item; both lists follow the same items, and
/// `clusters` says which of these belong together.
pub fn paired<C: Ord>(
    left: &[f64],
    right: &[f64],
    clusters: &[C],
) -> Result<Mean, StatisticsError> {
    if left.len() != right.len() {
        let (left, right) = (left.len(), right.len());
        return Err(StatisticsError::Unpaired { left, right });
    }
    let differences: Vec<f64> = left.iter().zip(right).map(|(a, b)| a - b).collect();
    clustered(&differences, clusters)
}

/// A score measured on items by models of several seeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Repeated {
    /// The mean of the seeds' means, with their variation: n is the number of seeds.
    pub over_seeds: Mean,
    /// Each item's mean over seeds, with its variation: n is the number of items.
    pub over_items: Mean,
}

/// Summarises scores `[seeds][items]`; every seed answered the same items in the same order.
pub fn repeated(scores: &[Vec<f64>]) -> Result<Repeated, StatisticsError> {
    let first = scores.first().ok_or(StatisticsError::Empty)?;
    if let Some(other) = scores.iter().find(|own| own.len() != first.len()) {
        let (left, right) = (first.len(), other.len());
        return Err(StatisticsError::Unpaired { left, right });
    }
    let mut means = Vec::with_capacity(scores.len());
    let mut items = vec![0.0; first.len()];
    for own in scores {
        means.push(mean(own)?.mean);
        for (item, score) in items.iter_mut().zip(own) {
            *item += score / scores.len() as f64;
        }
    }
    Ok(Repeated {
        over_seeds: mean(&means)?,
        over_items: mean(&items)?,
    })
}

/// The Wilson score interval of a proportion (Wilson 1927), without continuity correction.
pub fn wilson(successes: u64, trials: u64, confidence: f64) -> Result<Interval, StatisticsError> {
    if trials == 0 || successes > trials {
        return Err(StatisticsError::Proportion { successes, trials });
    }
    let z = Normal::standard().inverse_cdf(upper_tail(confidence)?);
    let (n, share) = (trials as f64, successes as f64 / trials as f64);
    let scale = 1.0 + z * z / n;
    let centre = (share + z * z / (2.0 * n)) / scale;
    let reach = z / scale * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    let low = if successes == 0 { 0.0 } else { centre - reach };
    let high = if successes == trials {
        1.0
    } else {
        centre + reach
    };
    Ok(Interval { low, high })
}

/// The probability below the upper end of a two-sided interval.
fn upper_tail(confidence: f64) -> Result<f64, StatisticsError> {
    if confidence > 0.0 && confidence < 1.0 {
        Ok(f64::midpoint(1.0, confidence))
    } else {
        Err(StatisticsError::Confidence { confidence })
    }
}

/// The quantile of Student's t; `freedom` is at least 1.
fn student(probability: f64, freedom: usize) -> f64 {
    StudentsT::new(0.0, 1.0, freedom as f64).map_or(f64::NAN, |distribution| {
        distribution.inverse_cdf(probability)
    })
}

#[cfg(test)]
mod tests;
