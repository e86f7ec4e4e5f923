//! Alignment against NumPy's (`dev/parity_alignment.py --fixture`), and what it must keep to.

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Expected {
    k: usize,
    quantile: f64,
    widths: [usize; 2],
    one: Vec<Vec<f32>>,
    other: Vec<Vec<f32>>,
    /// Of every pair of layers.
    common: Vec<Vec<usize>>,
    layers: (usize, usize),
    score: f64,
    error: f64,
    last: f64,
}

/// Numbers from −1 to 1.
fn made_up(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// By sorting all others, each product in f64.
fn plain(vectors: &[f32], width: usize, k: usize) -> Vec<u32> {
    let product = |a: &[f32], b: &[f32]| -> f64 {
        let pairs = a.iter().zip(b);
        pairs.fold(0.0, |sum, (&x, &y)| sum + f64::from(x) * f64::from(y))
    };
    let each = || vectors.chunks(width).enumerate();
    let nearest = |(thing, own): (usize, &[f32])| {
        let others = each().filter(|(other, _)| *other != thing);
        let mut near: Vec<(f64, usize)> = others.map(|(at, x)| (product(own, x), at)).collect();
        near.sort_by(|a, b| b.0.partial_cmp(&a.0).unwrap().then(a.1.cmp(&b.1)));
        near.into_iter().take(k).map(|(_, other)| other as u32)
    };
    each().flat_map(nearest).collect()
}

fn flat(found: &Neighbours) -> Vec<u32> {
    found.each().flatten().copied().collect()
}

/// Things 0 to 3 on a line at these angles in degrees.
fn on_circle(degrees: [f32; 4]) -> Neighbours {
    let vectors = degrees.map(|angle| [angle.to_radians().cos(), angle.to_radians().sin()]);
    neighbours(vectors.as_flattened(), 2, 1).unwrap()
}

#[test]
fn scores_are_those_of_numpy() {
    let text = include_str!("../../tests/fixtures/alignment.json");
    let mut of: Expected = serde_json::from_str(text).unwrap();
    let near = |layers: &mut Vec<Vec<f32>>, width| {
        prepare(layers, width, of.quantile).unwrap();
        let found = layers.iter().map(|own| neighbours(own, width, of.k));
        found.collect::<Result<Vec<_>, _>>().unwrap()
    };
    let [one, other] = [
        near(&mut of.one, of.widths[0]),
        near(&mut of.other, of.widths[1]),
    ];
    for (own, wanted) in one.iter().zip(&of.common) {
        for (theirs, &wanted) in other.iter().zip(wanted) {
            let counts = common(own, theirs).unwrap();
            assert_eq!(counts.into_iter().sum::<usize>(), wanted);
        }
    }
    let best = align(&one, &other, Pair::Best).unwrap();
    assert_eq!(best.layers, of.layers);
    assert!((best.score.mean - of.score).abs() < 1e-12);
    assert!((best.score.error.unwrap() - of.error).abs() < 1e-12);
    let last = align(&one, &other, Pair::Last).unwrap();
    assert_eq!(last.layers, (one.len() - 1, other.len() - 1));
    assert!((last.score.mean - of.last).abs() < 1e-12);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn neighbours_are_those_of_a_plain_search(
        things in 2..80_usize, width in 1..150_usize, part in 0.0..1.0_f64, seed in 0..1000_u32,
    ) {
        let k = 1 + (part * (things - 1) as f64) as usize;
        // Halves, so that products are exact in any order and ties are many.
        let vectors: Vec<f32> = made_up(things * width, seed).iter().map(|x| (2.0 * x).round() / 2.0).collect();
        let found = neighbours(&vectors, width, k).unwrap();
        prop_assert_eq!((found.things(), found.k()), (things, k));
        prop_assert_eq!(flat(&found), plain(&vectors, width, k));
    }
}

#[test]
fn things_that_are_alike_come_in_their_order() {
    // Products of long vectors round, but the same way for vectors that are the same.
    let vector = made_up(200, 1);
    let found = neighbours(&vector.repeat(50), 200, 3).unwrap();
    let near: Vec<&[u32]> = found.each().collect();
    assert_eq!(
        (near[0], near[2], near[49]),
        (&[1, 2, 3][..], &[0, 1, 3][..], &[0, 1, 2][..])
    );
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let vectors = made_up(70 * 33, 2);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let mut layers = vec![vectors.clone()];
            prepare(&mut layers, 33, 0.9).unwrap();
            let found = neighbours(&layers[0], 33, 7).unwrap();
            (layers, found)
        })
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn outliers_of_all_layers_are_cut_off_together_and_lengths_are_one() {
    let of = || {
        vec![
            made_up(60, 3),
            made_up(60, 4).iter().map(|x| 9.0 * x).collect(),
        ]
    };
    let mut sorted: Vec<f32> = of().concat().iter().map(|x| x.abs()).collect();
    sorted.sort_by(f32::total_cmp);
    for quantile in [0.0, 0.3, 0.95, 0.999, 1.0] {
        let most = if quantile < 1.0 {
            sorted[(quantile * 120.0) as usize]
        } else {
            f32::MAX
        };
        let mut layers = of();
        prepare(&mut layers, 6, quantile).unwrap();
        for (found, before) in layers.concat().chunks(6).zip(of().concat().chunks(6)) {
            let cut: Vec<f64> = before
                .iter()
                .map(|x| f64::from(x.clamp(-most, most)))
                .collect();
            let length = cut.iter().map(|x| x * x).sum::<f64>().sqrt();
            for (&found, x) in found.iter().zip(cut) {
                assert!((f64::from(found) - x / length).abs() < 1e-7, "{quantile}");
            }
        }
    }
    let mut zeros = vec![vec![0.0; 4]];
    prepare(&mut zeros, 2, 0.95).unwrap();
    assert_eq!(zeros, [[0.0; 4]]);
}

#[test]
fn the_first_of_equally_good_pairs_is_the_best() {
    let (pairs, others) = (
        on_circle([0.0, 5.0, 90.0, 95.0]),
        on_circle([0.0, 90.0, 5.0, 95.0]),
    );
    assert_eq!(flat(&pairs), [1, 0, 3, 2]);
    assert_eq!(overlaps(&pairs, &others).unwrap(), [0.0; 4]);
    let layers = [others.clone(), pairs.clone(), pairs.clone()];
    let found = align(&layers, &[pairs.clone(), pairs.clone()], Pair::Best).unwrap();
    assert_eq!((found.layers, found.score.mean), ((1, 0), 1.0));
    let nothing = align(&[others], &[pairs.clone(), pairs], Pair::Best).unwrap();
    assert_eq!((nothing.layers, nothing.score.mean), ((0, 0), 0.0));
}

#[test]
fn a_score_is_a_mean_over_things() {
    let layers = [
        on_circle([0.0, 5.0, 90.0, 99.0]),
        on_circle([0.0, 5.0, 90.0, 7.0]),
    ];
    // Things 0 and 2 keep their neighbours, 1 and 3 have each other now.
    assert_eq!(
        overlaps(&layers[0], &layers[1]).unwrap(),
        [1.0, 0.0, 1.0, 0.0]
    );
    let found = align(&layers[..1], &layers[1..], Pair::Last).unwrap();
    assert_eq!((found.score.mean, found.score.n), (0.5, 4));
    assert!((found.score.error.unwrap() - (1.0_f64 / 12.0).sqrt()).abs() < 1e-12);
}

#[test]
fn what_cannot_be_compared_is_refused_by_name() {
    let refused = |numbers: &[f32], width, k| neighbours(numbers, width, k).unwrap_err();
    let (numbers, width) = (5, 2);
    assert_eq!(
        refused(&[0.0; 5], 2, 1),
        AlignmentError::Shape { numbers, width }
    );
    assert!(matches!(
        refused(&[0.0; 5], 0, 1),
        AlignmentError::Shape { .. }
    ));
    assert!(matches!(refused(&[], 2, 1), AlignmentError::Shape { .. }));
    for k in [0, 3] {
        assert_eq!(
            refused(&[0.0; 6], 2, k),
            AlignmentError::Neighbours { k, things: 3 }
        );
    }
    assert_eq!(
        refused(&[0.0, 1.0, 3e18, 0.0], 2, 1),
        AlignmentError::TooLong { thing: 1 }
    );
    let error = refused(&[0.0, f32::NAN], 1, 1);
    assert_eq!(error, AlignmentError::NotFinite { layer: 0, at: 1 });
    let mut layers = vec![vec![9.0, 1.0], vec![1.0, f32::INFINITY]];
    let error = prepare(&mut layers, 1, 0.5).unwrap_err();
    assert_eq!(error, AlignmentError::NotFinite { layer: 1, at: 1 });
    assert_eq!(layers[0], [9.0, 1.0]);
    for quantile in [-0.1, 1.1, f64::NAN] {
        let error = prepare(&mut [vec![1.0]], 1, quantile).unwrap_err();
        assert!(matches!(error, AlignmentError::Quantile { .. }));
    }
    let (three, four) = (made_up(3, 1), made_up(4, 1));
    let near = |numbers: &[f32], k| [neighbours(numbers, 1, k).unwrap()];
    assert_eq!(
        align(&[], &near(&three, 1), Pair::Best),
        Err(AlignmentError::NoLayers)
    );
    for other in [near(&four, 1), near(&three, 2)] {
        for pair in [Pair::Best, Pair::Last] {
            let error = align(&near(&three, 1), &other, pair).unwrap_err();
            assert!(
                matches!(
                    error,
                    AlignmentError::Unpaired {
                        things: 3,
                        k: 1,
                        ..
                    }
                ),
                "{error}"
            );
        }
    }
}
