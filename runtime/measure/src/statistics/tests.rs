//! Numbers of numpy and scipy, which `dev/measure_statistics.py` prints.

use super::*;

fn near(found: f64, wanted: f64) {
    assert!(
        (found - wanted).abs() <= 1e-8 * wanted.abs().max(1.0),
        "{found} for {wanted}"
    );
}

fn reaches(interval: Option<Interval>, low: f64, high: f64) {
    let interval = interval.unwrap();
    near(interval.low, low);
    near(interval.high, high);
}

#[test]
fn quantiles_of_student() {
    for (freedom, wanted) in [
        (
            1,
            [
                3.077_683_537_175_254_4,
                12.706_204_736_174_694,
                63.656_741_162_871_526,
            ],
        ),
        (
            2,
            [
                1.885_618_083_164_127_2,
                4.302_652_729_749_462,
                9.924_843_200_918_287,
            ],
        ),
        (
            4,
            [
                1.533_206_274_058_944,
                2.776_445_105_197_793_4,
                4.604_094_871_349_992,
            ],
        ),
        (
            30,
            [
                1.310_415_025_391_395_5,
                2.042_272_456_301_237_8,
                2.749_995_653_567_225_4,
            ],
        ),
        (
            1000,
            [
                1.282_398_721_460_924_7,
                1.962_339_080_826_408_3,
                2.580_754_698_065_951,
            ],
        ),
    ] {
        for (probability, wanted) in [0.9, 0.975, 0.995].into_iter().zip(wanted) {
            near(student(probability, freedom), wanted);
        }
    }
}

#[test]
fn means_have_their_error_and_interval() {
    let found = mean(&[0.2, 0.5, 0.9, 0.4, 0.7]).unwrap();
    near(found.mean, 0.54);
    near(found.error.unwrap(), 0.120_830_459_735_945_7);
    reaches(
        found.interval(0.95).unwrap(),
        0.204_520_861_507_334_56,
        0.875_479_138_492_665_5,
    );
    let one = mean(&[3.0]).unwrap();
    assert_eq!(
        (one.n, one.error, one.interval(0.95).unwrap()),
        (1, None, None)
    );
}

#[test]
fn wilson_intervals() {
    for (successes, trials, confidence, low, high) in [
        (7, 10, 0.95, 0.396_778_147_461_145_26, 0.892_208_732_593_699),
        (0, 20, 0.95, 0.0, 0.161_125_158_052_819_35),
        (
            431,
            1861,
            0.99,
            0.207_387_539_388_500_38,
            0.257_711_339_510_090_73,
        ),
    ] {
        reaches(
            Some(wilson(successes, trials, confidence).unwrap()),
            low,
            high,
        );
    }
}

#[test]
fn differences_are_of_pairs_and_clusters() {
    let (left, right) = (
        [1.0, 0.0, 1.0, 1.0, 0.0, 1.0],
        [0.0, 0.0, 1.0, 0.0, 1.0, 1.0],
    );
    let alone = paired(&left, &right, &[0, 1, 2, 3, 4, 5]).unwrap();
    near(alone.error.unwrap(), 0.307_318_148_576_429_64);
    reaches(
        alone.interval(0.95).unwrap(),
        -0.623_319_783_825_285_5,
        0.956_653_117_158_618_8,
    );
    let found = paired(&left, &right, &["a", "a", "b", "c", "c", "c"]).unwrap();
    assert_eq!((found.n, found.units), (6, 3));
    near(found.error.unwrap(), 0.173_472_166_622_177_76);
    reaches(
        found.interval(0.95).unwrap(),
        -0.579_723_824_585_800_1,
        0.913_057_157_919_133_3,
    );
}

#[test]
fn seeds_and_items_are_kept_apart() {
    let found = repeated(&[vec![1.0, 0.0, 1.0], vec![1.0, 0.0, 0.0]]).unwrap();
    near(found.over_seeds.mean, 0.5);
    near(found.over_seeds.error.unwrap(), 1.0 / 6.0);
    near(found.over_items.error.unwrap(), 0.5 / 3.0_f64.sqrt());
    assert_eq!((found.over_seeds.n, found.over_items.n), (2, 3));
}

#[test]
fn what_has_no_statistic_is_said() {
    assert_eq!(mean(&[]), Err(StatisticsError::Empty));
    assert_eq!(
        mean(&[0.0, f64::NAN]),
        Err(StatisticsError::NotFinite { at: 1 })
    );
    assert!(repeated(&[]).is_err() && repeated(&[vec![1.0], vec![]]).is_err());
    assert!(paired(&[1.0], &[], &[0]).is_err() && clustered(&[1.0], &[0, 1]).is_err());
    assert!(wilson(2, 1, 0.95).is_err() && wilson(0, 0, 0.95).is_err());
    assert!(wilson(1, 2, 1.0).is_err() && wilson(1, 2, f64::NAN).is_err());
}
