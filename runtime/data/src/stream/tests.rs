//! The sample stream: exact, stable, a permutation in every epoch.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Part, Sample, SampleStream, fill};
use crate::tokens::{TokenFile, TokenWriter};

fn part(id: u8, share: (u64, u64), sequences: u64) -> Part {
    Part {
        identity: [id; 32],
        share,
        sequences,
    }
}

fn stream(parts: &[Part], seed: u64) -> SampleStream {
    SampleStream::new(parts.to_vec(), seed).unwrap()
}

/// Parts with the given weights, distinct identities and small supplies.
fn mixture(weights: &[u64]) -> Vec<Part> {
    let total = weights.iter().sum();
    let parts = weights.iter().enumerate();
    parts
        .map(|(i, weight)| part(i as u8 * 37 + 5, (*weight, total), 3 + i as u64 * 4))
        .collect()
}

fn weights() -> impl Strategy<Value = Vec<u64>> {
    proptest::collection::vec(prop_oneof![0_u64..6, 0_u64..1_000_000], 1..7)
        .prop_filter("a mixture has a part", |weights| {
            weights.iter().any(|weight| *weight > 0)
        })
}

fn depth(parts: &[Part]) -> u32 {
    let used = parts.iter().filter(|part| part.share.0 > 0).count();
    used.next_power_of_two().trailing_zeros()
}

#[test]
fn a_stream_is_pinned() {
    let parts = [part(1, (1, 2), 5), part(2, (1, 3), 4), part(3, (1, 6), 3)];
    let stream = stream(&parts, 7);
    let shown: Vec<_> = (0..12)
        .map(|n| stream.at(n))
        .map(|s| (s.part, s.sequence, s.epoch))
        .collect();
    assert_eq!(shown, PINNED);
    assert_eq!(stream.counts(12), [6, 4, 2]);
}

const PINNED: [(usize, u64, u64); 12] = [
    (0, 1, 0),
    (1, 0, 0),
    (0, 3, 0),
    (2, 1, 0),
    (1, 3, 0),
    (0, 0, 0),
    (0, 4, 0),
    (1, 1, 0),
    (0, 2, 0),
    (2, 0, 0),
    (1, 2, 0),
    (0, 2, 1),
];

#[test]
fn impossible_mixtures_are_named() {
    let say = |parts: &[Part]| {
        SampleStream::new(parts.to_vec(), 0)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        say(&[part(1, (1, 2), 5)]),
        "the shares sum to 1/2; they must sum to 1"
    );
    assert_eq!(
        say(&[part(1, (1, 2), 5), part(2, (1, 2), 0)]),
        "part 1 has a share and no sequences; give it more text or a shorter context"
    );
    assert_eq!(
        say(&[part(1, (1, 2), 5), part(2, (0, 1), 0), part(1, (1, 2), 5)]),
        "parts 0 and 2 hold the same tokens; add their shares and keep one"
    );
}

#[test]
fn positions_beyond_a_trillion_are_exact() {
    let big = (1 << 62) - 57;
    let parts = [
        part(1, (big / 3, big), 1 << 40),
        part(2, (big - big / 3, big), u64::MAX),
    ];
    let stream = stream(&parts, 1);
    for n in [10_u64.pow(12), 10_u64.pow(15) + 7, u64::MAX - 1, u64::MAX] {
        let counts = stream.counts(n);
        assert_eq!(counts.iter().sum::<u64>(), n);
        let twice = (2 * u128::from(n % big) * u128::from(big / 3) + u128::from(big))
            / (2 * u128::from(big));
        let exact = u128::from(n / big) * u128::from(big / 3) + twice;
        assert_eq!(u128::from(counts[0]), exact);
        let sample = stream.at(n - 1);
        let before = stream.counts(n - 1);
        assert_eq!(counts[sample.part], before[sample.part] + 1);
    }
    let _ = stream.at(u64::MAX);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_prefix_is_exact(weights in weights()) {
        let parts = mixture(&weights);
        let (stream, total) = (stream(&parts, 3), weights.iter().sum::<u64>());
        let mut counts = vec![0; parts.len()];
        for n in 0..400_u64 {
            prop_assert_eq!(stream.counts(n), counts.clone());
            for (count, weight) in counts.iter().zip(&weights) {
                let error = (i128::from(*count) * i128::from(total) - i128::from(*weight) * i128::from(n)).abs();
                prop_assert!(2 * error <= i128::from(depth(&parts)) * i128::from(total));
            }
            let sample = stream.at(n);
            let supply = parts[sample.part].sequences;
            prop_assert_eq!(sample.epoch, counts[sample.part] / supply);
            prop_assert!(sample.sequence < supply);
            counts[sample.part] += 1;
        }
    }

    #[test]
    fn late_prefixes_are_exact(weights in weights(), n in 0..u64::MAX) {
        let parts = mixture(&weights);
        let (stream, total) = (stream(&parts, 3), u128::from(weights.iter().sum::<u64>()));
        let (before, after) = (stream.counts(n), stream.counts(n + 1));
        prop_assert_eq!(before.iter().map(|count| u128::from(*count)).sum::<u128>(), u128::from(n));
        let part = stream.at(n).part;
        for (index, (before, after)) in before.iter().zip(&after).enumerate() {
            prop_assert_eq!(before + u64::from(index == part), *after);
            let error = (u128::from(*before) * total).abs_diff(u128::from(weights[index]) * u128::from(n));
            prop_assert!(2 * error <= u128::from(depth(&parts)) * total);
        }
    }

    #[test]
    fn order_and_empty_parts_change_nothing(weights in weights(), turn in 0_usize..7) {
        let parts = mixture(&weights);
        let mut others: Vec<_> = parts.iter().filter(|part| part.share.0 > 0).cloned().collect();
        let length = others.len();
        others.rotate_left(turn % length);
        others.insert(turn % length, part(255, (0, 9), 0));
        let (one, other) = (stream(&parts, 9), stream(&others, 9));
        for n in 0..200 {
            let (a, b) = (one.at(n), other.at(n));
            prop_assert_eq!(&parts[a.part].identity, &others[b.part].identity);
            prop_assert_eq!((a.sequence, a.epoch), (b.sequence, b.epoch));
        }
    }

    #[test]
    fn an_epoch_is_a_permutation(sequences in 1_u64..600, seed: u64, id: u8) {
        let stream = stream(&[part(id, (1, 1), sequences)], seed);
        for epoch in 0..2 {
            let seen: BTreeSet<_> = (0..sequences).map(|n| stream.at(epoch * sequences + n)).map(|sample| {
                assert_eq!(sample.epoch, epoch);
                sample.sequence
            }).collect();
            prop_assert_eq!(seen.len() as u64, sequences);
        }
    }

    #[test]
    fn order_differs_by_epoch_seed_and_category(seed: u64, id in 0_u8..255) {
        let order = |id, seed, from: u64| -> Vec<u64> {
            let stream = stream(&[part(id, (1, 1), 100)], seed);
            (from..from + 100).map(|n| stream.at(n).sequence).collect()
        };
        let first = order(id, seed, 0);
        prop_assert_ne!(&first, &order(id, seed, 100));
        prop_assert_ne!(&first, &order(id, seed ^ 1, 0));
        prop_assert_ne!(&first, &order(id + 1, seed, 0));
    }
}

#[test]
fn equal_shares_of_four_stay_within_one() {
    let stream = stream(&mixture(&[1; 4]), 0);
    for n in 0..1000_u64 {
        assert!(
            stream
                .counts(n)
                .iter()
                .all(|count| (4 * count).abs_diff(n) < 4)
        );
    }
}

#[test]
fn first_places_are_spread_over_the_part() {
    let mut counts = [0_u32; 10];
    for seed in 0..5000 {
        counts[stream(&[part(1, (1, 1), 10)], seed).at(0).sequence as usize] += 1;
    }
    assert!(
        counts.iter().all(|count| (400..600).contains(count)),
        "{counts:?}"
    );
}

fn token_file(first: u32, count: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = TokenWriter::new(&mut bytes, 1000, 0).unwrap();
    writer
        .add(&(first..first + count).collect::<Vec<_>>())
        .unwrap();
    writer.finish().unwrap();
    bytes
}

#[test]
fn a_batch_holds_the_samples_of_its_positions() {
    let bytes = [token_file(100, 13), token_file(500, 9)];
    let files = bytes.each_ref().map(|bytes| TokenFile::new(bytes).unwrap());
    let parts = [
        part(1, (1, 2), files[0].sequences(4)),
        part(2, (1, 2), files[1].sequences(4)),
    ];
    let stream = stream(&parts, 11);
    let (mut inputs, mut targets) = ([0; 12], [0; 12]);
    fill(&stream, &files, 4, 5, 3, &mut inputs, &mut targets).unwrap();
    for row in 0..3 {
        let Sample { part, sequence, .. } = stream.at(5 + row as u64);
        let first = [100, 500][part] + sequence as u32 * 4;
        let range = row * 4..row * 4 + 4;
        assert_eq!(
            inputs[range.clone()],
            [first, first + 1, first + 2, first + 3]
        );
        assert_eq!(targets[range], [first + 1, first + 2, first + 3, first + 4]);
    }
}

#[test]
fn batches_that_do_not_fit_are_named() {
    let bytes = token_file(100, 13);
    let files = [TokenFile::new(&bytes).unwrap()];
    let say = |sequences, files: &[TokenFile<'_>], context, inputs: usize, targets: usize| {
        let stream = stream(&[part(1, (1, 1), sequences)], 0);
        let (mut inputs, mut targets) = (vec![0; inputs], vec![0; targets]);
        fill(&stream, files, context, 0, 2, &mut inputs, &mut targets)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        say(3, &[], 4, 8, 8),
        "a batch does not fit: 0 token files for 1 parts"
    );
    assert_eq!(
        say(3, &files, 0, 0, 0),
        "a batch does not fit: 2 rows of 0 tokens"
    );
    assert_eq!(
        say(3, &files, 4, 8, 7),
        "a batch does not fit: `targets` has 7 places and 2 rows of 4 tokens need 8"
    );
    assert_eq!(
        say(4, &files, 4, 8, 8),
        "a batch does not fit: part 0 says 4 sequences and its file has 3"
    );
}
