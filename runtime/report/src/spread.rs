//! What a mean is worth: of how many, with which standard error, within which interval.

use serde::Serialize;
use vpc_measure::statistics::{Interval, Mean, mean, wilson};

/// The confidence of every interval.
const CONFIDENCE: f64 = 0.95;

/// The spread of a mean over what it was taken over: runs, or items.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// How many.
    pub n: u64,
    /// Standard error of the mean; none where there is just one, or where it was not measured.
    pub error: Option<f64>,
    /// The 95 % interval, from where to where; none where there is no standard error.
    pub interval: Option<[f64; 2]>,
}

/// The score of a benchmark, as it was filed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scored {
    pub(crate) value: f64,
    pub(crate) items: u64,
    pub(crate) error: Option<f64>,
}

impl Spread {
    /// The spread of runs: the sample deviation over √n, and Student's interval with n − 1 degrees of freedom.
    pub(crate) fn over_runs(values: &[f64]) -> Self {
        let found = mean(values).ok();
        let interval = found.and_then(|mean| mean.interval(CONFIDENCE).ok().flatten());
        Self {
            n: values.len() as u64,
            error: found.and_then(|mean| mean.error),
            interval: interval.map(|Interval { low, high }| [low, high]),
        }
    }

    /// The spread over the items of one benchmark whose score is a share: the interval is Wilson's.
    pub(crate) fn of_share(scored: Scored) -> Self {
        let Scored {
            value,
            items,
            error,
        } = scored;
        let right = (value * items as f64).round().max(0.0) as u64;
        let interval = wilson(right, items, CONFIDENCE).ok();
        let interval = interval.map(|Interval { low, high }| [low, high]);
        Self {
            n: items,
            error,
            interval: interval.filter(|_| error.is_some()),
        }
    }

    /// The spread over items of a weighted sum of benchmarks that erred independently: √(Σ w² e²).
    ///
    /// The interval is Student's with one degree of freedom less than there are items for each benchmark, kept within
    /// 0 and 1.
    pub(crate) fn of_sum(parts: &[(f64, Scored)]) -> Self {
        let squares = parts.iter().map(|(weight, scored)| {
            let error = scored.error?;
            Some((weight * error).powi(2))
        });
        let error = squares.sum::<Option<f64>>().map(f64::sqrt);
        let value = parts.iter().map(|(weight, scored)| weight * scored.value);
        let items = parts.iter().map(|(_, scored)| scored.items).sum();
        Self::student(value.sum(), items, parts.len(), error)
    }

    /// The spread over items of a score between 0 and 1 whose standard error is known; `groups` is how many means it
    /// is made of.
    pub(crate) fn student(value: f64, items: u64, groups: usize, error: Option<f64>) -> Self {
        let mean = Mean {
            mean: value,
            n: items as usize,
            units: (items as usize + 1).saturating_sub(groups),
            error: error.filter(|_| items as usize > groups),
        };
        let interval = mean.interval(CONFIDENCE).ok().flatten();
        Self {
            n: items,
            error,
            interval: interval
                .map(|Interval { low, high }| [low.clamp(0.0, 1.0), high.clamp(0.0, 1.0)]),
        }
    }

    /// The spread over items of a mean over runs that were measured on the same items.
    ///
    /// What makes an item hard makes it hard for every run, so errors do not average out: the error is the mean of the
    /// runs' errors, the most that it can be. Of runs with different numbers of items the fewest count.
    pub(crate) fn together(runs: &[Option<Spread>]) -> Option<Self> {
        let runs: Vec<Spread> = runs.iter().copied().collect::<Option<_>>()?;
        let n = runs.iter().map(|run| run.n).min()?;
        let count = runs.len() as f64;
        let errors = runs.iter().map(|run| run.error).sum::<Option<f64>>();
        let end = |at: fn([f64; 2]) -> f64| {
            let ends = runs.iter().map(|run| run.interval.map(at));
            ends.sum::<Option<f64>>().map(|sum| sum / count)
        };
        let ends = end(|[low, _]| low).zip(end(|[_, high]| high));
        Some(Self {
            n,
            error: errors.map(|sum| sum / count),
            interval: ends.map(|(low, high)| [low, high]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: Option<f64>, other: f64) {
        let one = one.unwrap();
        assert!((one - other).abs() < 1e-6, "{one} is not {other}");
    }

    fn within(one: Option<[f64; 2]>, low: f64, high: f64) {
        near(one.map(|ends| ends[0]), low);
        near(one.map(|ends| ends[1]), high);
    }

    fn scored(value: f64, items: u64, error: f64) -> Scored {
        Scored {
            value,
            items,
            error: Some(error),
        }
    }

    #[test]
    fn runs_by_hand() {
        // Mean 3, deviations −2, 0, 2: √(8 / 2 / 3), and t(97.5 %, 2) = 4.302653.
        let three = Spread::over_runs(&[1.0, 3.0, 5.0]);
        near(three.error, 1.154_700_538);
        within(three.interval, 3.0 - 4.968_275_7, 3.0 + 4.968_275_7);
        let one = Spread::over_runs(&[0.5]);
        assert_eq!((one.n, one.error, one.interval), (1, None, None));
    }

    #[test]
    fn a_share_has_the_interval_of_wilson() {
        // Wilson of 8 of 10 at z = 1.959964: 0.490162 to 0.943318.
        let share = Spread::of_share(scored(0.8, 10, 0.133_333));
        within(share.interval, 0.490_162_47, 0.943_317_8);
        // All right: no error is seen, and yet it is not certain.
        let all = Spread::of_share(scored(1.0, 10, 0.0));
        within(all.interval, 0.722_467_2, 1.0);
    }

    #[test]
    fn independent_benchmarks_add_up_in_squares() {
        let parts = [(0.5, scored(0.6, 101, 0.03)), (0.5, scored(0.8, 51, 0.04))];
        let both = Spread::of_sum(&parts);
        assert_eq!(both.n, 152);
        near(both.error, 0.025);
        // t(97.5 %, 150) = 1.975905.
        within(both.interval, 0.7 - 0.049_397_6, 0.7 + 0.049_397_6);
        let unknown = Scored {
            error: None,
            ..scored(0.8, 1, 0.0)
        };
        let with = Spread::of_sum(&[parts[0], (0.5, unknown)]);
        assert_eq!((with.error, with.interval), (None, None));
    }

    #[test]
    fn runs_on_the_same_items_err_together() {
        let run = |error, low, high| {
            Some(Spread {
                n: 100,
                error: Some(error),
                interval: Some([low, high]),
            })
        };
        let both = Spread::together(&[run(0.02, 0.3, 0.5), run(0.04, 0.5, 0.7)]).unwrap();
        assert_eq!(both.n, 100);
        near(both.error, 0.03);
        within(both.interval, 0.4, 0.6);
        assert_eq!(Spread::together(&[run(0.02, 0.3, 0.5), None]), None);
    }
}
