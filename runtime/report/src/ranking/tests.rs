//! Rankings by hand.

use vpc_compiler::plan::{Axis, Fraction, Key, Metric};

use super::*;
use crate::numbers::Number;

fn cell(job: &str, item: &str, metric: Metric) -> Cell {
    Cell {
        job: job.to_owned(),
        item: Some(item.to_owned()),
        metric,
    }
}

/// A ranking by a score and by bits per byte.
pub(crate) fn ranking(formula: &str, weights: [u64; 2]) -> Ranking {
    Ranking {
        name: "best".to_owned(),
        doc: String::new(),
        of: vec![
            cell("able", "sums", Metric::Score),
            cell("fit", "web", Metric::BitsPerByte),
        ],
        rows: "c".to_owned(),
        weights: weights
            .iter()
            .map(|weight| Fraction::new(*weight, 1).unwrap())
            .collect(),
        formula: formula.to_owned(),
        over: Vec::new(),
    }
}

/// A score and bits per byte of each value of an axis.
pub(crate) fn numbers_of(all: &[(&str, f64, f64)]) -> Numbers {
    let number = |value: &str, cell: Cell, found: f64| Number {
        experiment: "e".to_owned(),
        job: cell.job,
        run: String::new(),
        point: vec![("c".to_owned(), value.to_owned())],
        item: cell.item.unwrap_or_default(),
        metric: cell.metric,
        value: found,
        over_items: None,
        key: Key::new([0; 32]),
    };
    let [able, fit] = <[Cell; 2]>::try_from(ranking("", [1, 1]).of).unwrap();
    let both = all.iter().flat_map(|(value, score, bits)| {
        [
            number(value, able.clone(), *score),
            number(value, fit.clone(), *bits),
        ]
    });
    Numbers {
        study: "s".to_owned(),
        numbers: both.collect(),
    }
}

pub(crate) fn ranked(ranking: &Ranking, numbers: &Numbers) -> Ranked {
    let experiment = Experiment {
        name: "e".to_owned(),
        doc: String::new(),
        axes: vec![Axis {
            name: "c".to_owned(),
            values: ["a", "b", "c", "d"].map(str::to_owned).to_vec(),
            seeds: Vec::new(),
        }],
        runs: Vec::new(),
        budget: None,
        hypotheses: Vec::new(),
        reports: Vec::new(),
    };
    rank(ranking, &[&experiment], numbers)
}

fn places(ranked: &Ranked) -> Vec<(usize, &str)> {
    let rows = ranked.rows.iter();
    rows.map(|row| (row.rank, row.value.as_str())).collect()
}

fn near(ranked: &Ranked, expected: &[f64]) {
    let sums: Vec<f64> = ranked.rows.iter().map(|row| row.sum).collect();
    assert_eq!(sums.len(), expected.len());
    for (sum, expected) in sums.iter().zip(expected) {
        assert!((sum - expected).abs() < 1e-12, "{sums:?}");
    }
}

#[test]
fn formulas_by_hand() {
    // Scores, of which more is better, and bits per byte, of which less is.
    let numbers = numbers_of(&[
        ("a", 0.2, 1.0),
        ("b", 0.6, 3.0),
        ("c", 0.4, 1.5),
        ("d", 0.4, 4.5),
    ]);
    // Ranks by score: 4, 1, 2.5, 2.5; by bits: 1, 3, 2, 4.
    let by_rank = ranked(&ranking("rank_sum", [1, 1]), &numbers);
    assert_eq!(places(&by_rank), [(1, "b"), (2, "c"), (3, "a"), (4, "d")]);
    near(&by_rank, &[4.0, 4.5, 5.0, 6.5]);
    // Twice the bits: 4 + 2, 1 + 6, 2.5 + 4, 2.5 + 8.
    let doubled = ranked(&ranking("rank_sum", [1, 2]), &numbers);
    assert_eq!(places(&doubled), [(1, "a"), (2, "c"), (3, "b"), (4, "d")]);
    near(&doubled, &[6.0, 6.5, 7.0, 10.5]);
    // Shares of the range: 1, 0, 1/2, 1/2 and 0, 4/7, 1/7, 1.
    let by_range = ranked(&ranking("min_max_sum", [1, 1]), &numbers);
    assert_eq!(places(&by_range), [(1, "b"), (2, "c"), (3, "a"), (4, "d")]);
    near(&by_range, &[4.0 / 7.0, 9.0 / 14.0, 1.0, 1.5]);
    // Deviations of the scores: √0.02; of the bits around 2.5: √(7.5 / 4).
    let by_deviation = ranked(&ranking("z_sum", [1, 1]), &numbers);
    let (score, bits) = (0.02_f64.sqrt(), (7.5_f64 / 4.0).sqrt());
    let sums = [
        -0.2 / score + 0.5 / bits,
        -1.0 / bits,
        0.2 / score - 1.5 / bits,
        2.0 / bits,
    ];
    assert_eq!(
        places(&by_deviation),
        [(1, "b"), (2, "c"), (3, "a"), (4, "d")]
    );
    near(&by_deviation, &sums);
}

#[test]
fn equal_sums_share_a_place() {
    let numbers = numbers_of(&[("a", 0.3, 1.0), ("b", 0.7, 1.1), ("c", 0.1, 9.0)]);
    let found = ranked(&ranking("rank_sum", [1, 1]), &numbers);
    assert_eq!(places(&found), [(1, "a"), (1, "b"), (3, "c")]);
}

#[test]
fn what_is_missing_is_said_and_not_ranked() {
    let mut numbers = numbers_of(&[("a", 0.2, 1.0), ("b", 0.6, 3.0), ("c", 0.9, f64::INFINITY)]);
    numbers.numbers[0].value = 0.3;
    let found = ranked(&ranking("rank_sum", [1, 1]), &numbers);
    assert_eq!(places(&found), [(1, "a"), (1, "b")]);
    let missing = |value: &str, lacks: &[&str]| Missing {
        value: value.to_owned(),
        lacks: lacks.iter().map(|&one| one.to_owned()).collect(),
    };
    let expected = [
        missing("c", &["fit.web"]),
        missing("d", &["able.sums", "fit.web"]),
    ];
    assert_eq!(found.missing, expected);
    let none = ranked(&ranking("z_sum", [1, 1]), &numbers_of(&[]));
    assert_eq!((none.rows.len(), none.missing.len()), (0, 4));
}
