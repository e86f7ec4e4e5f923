//! Which part stands where: within the bound at every prefix, each position for good.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{mixture, named, part, weights};
use crate::shares::gcd;
use crate::stream::{Part, SampleStream};

/// Makes a stream and keeps its exact weights beside it.
struct Exact {
    stream: SampleStream,
    weights: Vec<u64>,
    total: u64,
    /// ⌈log₂ k⌉ of the k parts with a share.
    depth: u32,
}

impl Exact {
    fn new(weights: &[u64], parts: Vec<Part>) -> Self {
        let used = weights.iter().filter(|weight| **weight > 0).count();
        Self {
            stream: SampleStream::new(parts, 3).unwrap(),
            weights: weights.to_vec(),
            total: weights.iter().sum(),
            depth: used.next_power_of_two().trailing_zeros(),
        }
    }

    /// |count − w·n| of a part, times the total: exact, since whole rounds of the total are taken out first.
    fn error(&self, part: usize, count: u64, n: u64) -> u128 {
        let (total, weight) = (u128::from(self.total), u128::from(self.weights[part]));
        let (rounds, rest) = (u128::from(n) / total, u128::from(n) % total);
        let (is, due) = (u128::from(count), rounds * weight);
        match is.checked_sub(due) {
            Some(ahead) => (ahead * total).abs_diff(weight * rest),
            None => (due - is) * total + weight * rest,
        }
    }

    /// Checks every part at the prefixes `from..=from + length`, and that each position adds one to one part.
    fn check(&self, from: u64, length: u64) -> Result<(), TestCaseError> {
        let mut counts = self.stream.counts(from);
        let sum: u128 = counts.iter().map(|count| u128::from(*count)).sum();
        prop_assert_eq!(sum, u128::from(from));
        for n in from..=from + length {
            prop_assert_eq!(&self.stream.counts(n), &counts, "prefix {}", n);
            for (part, count) in counts.iter().enumerate() {
                let most = u128::from(self.depth) * u128::from(self.total) / 2;
                let error = self.error(part, *count, n);
                prop_assert!(
                    error <= most,
                    "part {} at {}: {} > {}",
                    part,
                    n,
                    error,
                    most
                );
            }
            let sample = self.stream.at(n);
            let supply = self.stream.parts()[sample.part].sequences;
            prop_assert_eq!(sample.epoch, counts[sample.part] / supply);
            prop_assert!(sample.sequence < supply);
            counts[sample.part] += 1;
        }
        Ok(())
    }
}

/// Fractions that do not sum evenly: a·1/p each for different primes p, and what is left of 1.
fn awkward() -> impl Strategy<Value = Vec<(u64, u64)>> {
    let primes = [7_u64, 11, 13, 17, 19, 23, 29, 31, 37, 41];
    proptest::sample::subsequence(primes.to_vec(), 2..=primes.len()).prop_map(|primes| {
        let whole: u64 = primes.iter().product();
        let parts = primes.iter().map(|prime| whole / (prime * 2));
        let mut weights: Vec<u64> = parts.collect();
        weights.push(whole - weights.iter().sum::<u64>());
        let unreduced = |(i, weight): (usize, &u64)| {
            // As people may write them: in lowest terms, or not.
            let common = if i % 2 == 0 { gcd(*weight, whole) } else { 1 };
            (weight / common, whole / common)
        };
        weights.iter().enumerate().map(unreduced).collect()
    })
}

/// Positions where something could overflow, round or wrap.
fn starts() -> impl Strategy<Value = u64> {
    let trillion = 10_u64.pow(12);
    prop_oneof![
        Just(0),
        Just((1 << 31) - 100),
        Just((1 << 32) - 100),
        trillion - 100..trillion + 100,
        Just(u64::MAX - 200),
        0..u64::MAX - 200,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn prefixes_of_many_parts_are_within_the_bound(
        weights in proptest::collection::vec(prop_oneof![Just(0), 1_u64..4, 1_u64..1 << 50], 1..200),
        from in starts(),
    ) {
        prop_assume!(weights.iter().any(|weight| *weight > 0));
        let total = weights.iter().sum();
        let parts = weights.iter().enumerate().map(|(i, weight)| named(i, (*weight, total), 1 + i as u64));
        Exact::new(&weights, parts.collect()).check(from, 60)?;
    }

    #[test]
    fn prefixes_of_awkward_fractions_are_within_the_bound(shares in awkward(), from in starts()) {
        let whole: u64 = shares.iter().map(|(_, below)| *below).max().unwrap();
        let weights: Vec<_> = shares.iter().map(|(above, below)| above * (whole / below)).collect();
        let parts = shares.iter().enumerate().map(|(i, share)| named(i, *share, 9));
        Exact::new(&weights, parts.collect()).check(from, 100)?;
    }

    #[test]
    fn tiny_shares_are_within_the_bound(tiny in 1_usize..60, from in starts()) {
        let billion = 1_000_000_000;
        let mut weights = vec![1; tiny];
        weights.push(billion - tiny as u64);
        let parts = weights.iter().enumerate().map(|(i, weight)| named(i, (*weight, billion), 5));
        Exact::new(&weights, parts.collect()).check(from, 100)?;
    }

    #[test]
    fn the_narrow_bound_holds_too(weights in weights()) {
        let parts = mixture(&weights);
        let exact = Exact::new(&weights, parts.clone());
        for n in 0..300 {
            let counts = exact.stream.counts(n);
            for (part, count) in counts.iter().enumerate().filter(|(part, _)| weights[*part] > 0) {
                // ½·Σ w/W_j, times the total and the product of all W_j.
                let above = subtrees(&parts, &weights, part);
                let product: u128 = above.iter().product();
                let (weight, total) = (u128::from(weights[part]), u128::from(exact.total));
                let most: u128 = above.iter().map(|subtree| total * weight * (product / subtree)).sum();
                prop_assert!(2 * exact.error(part, *count, n) * product <= most);
            }
        }
    }

    #[test]
    fn random_access_is_what_splitting_one_by_one_gives(weights in weights()) {
        let parts = mixture(&weights);
        let stream = SampleStream::new(parts.clone(), 3).unwrap();
        let leaves = leaves(&parts);
        let mut nodes = BTreeMap::new();
        for n in 0..500 {
            prop_assert_eq!(stream.at(n).part, split(&leaves, &weights, &mut nodes));
        }
    }

    #[test]
    fn order_and_empty_parts_change_nothing(
        (parts, others) in weights().prop_map(|weights| mixture(&weights)).prop_flat_map(|parts| {
            let used = parts.iter().filter(|part| part.share.0 > 0).cloned();
            let with_empty = used.chain((0..3).map(|i| part(250 + i, (0, 9), u64::from(i))));
            let shuffled = Just(with_empty.collect::<Vec<_>>()).prop_shuffle();
            (Just(parts), shuffled)
        }),
        from in starts(),
    ) {
        let one = SampleStream::new(parts.clone(), 9).unwrap();
        let other = SampleStream::new(others.clone(), 9).unwrap();
        for n in from..from + 150 {
            let (a, b) = (one.at(n), other.at(n));
            prop_assert_eq!(&parts[a.part].identity, &others[b.part].identity);
            prop_assert_eq!((a.sequence, a.epoch), (b.sequence, b.epoch));
        }
    }
}

/// The parts with a share, in the order of their identities.
fn leaves(parts: &[Part]) -> Vec<usize> {
    let mut leaves: Vec<_> = (0..parts.len())
        .filter(|part| parts[*part].share.0 > 0)
        .collect();
    leaves.sort_by_key(|part| parts[*part].identity);
    leaves
}

/// The weights of the subtrees with the part, from its own leaf upwards, without the root.
fn subtrees(parts: &[Part], weights: &[u64], part: usize) -> Vec<u128> {
    let leaves = leaves(parts);
    let mut rest = &leaves[..];
    let mut found = Vec::new();
    while rest.len() > 1 {
        let (left, right) = rest.split_at(rest.len().div_ceil(2));
        rest = if left.contains(&part) { left } else { right };
        found.push(
            rest.iter()
                .map(|part| u128::from(weights[*part]))
                .sum::<u128>(),
        );
    }
    found
}

/// Leads one element from the root to a leaf: at each node left, where that child is due by rounding.
fn split(
    leaves: &[usize],
    weights: &[u64],
    nodes: &mut BTreeMap<Vec<usize>, (u128, u128)>,
) -> usize {
    if let [part] = leaves {
        return *part;
    }
    let (left, right) = leaves.split_at(leaves.len().div_ceil(2));
    let sum =
        |leaves: &[usize]| -> u128 { leaves.iter().map(|part| u128::from(weights[*part])).sum() };
    let (a, b) = (sum(left), sum(leaves));
    let (arrived, went_left) = nodes.entry(leaves.to_vec()).or_default();
    *arrived += 1;
    // The nearest whole number to arrived·a/b, halves upwards.
    let due = *arrived * a / b + u128::from(*arrived * a % b * 2 >= b);
    let child = if due > *went_left {
        *went_left += 1;
        left
    } else {
        right
    };
    split(child, weights, nodes)
}

#[test]
fn a_thousand_parts_are_within_the_bound() {
    let mut weights = vec![1_u64; 999];
    weights.push(10_u64.pow(9) - 999);
    let total = weights.iter().sum();
    let parts = weights.iter().enumerate();
    let parts = parts.map(|(i, weight)| named(i, (*weight, total), 3));
    let exact = Exact::new(&weights, parts.collect());
    for from in [0, 499_000, 10_u64.pow(9) - 500, 10_u64.pow(12) - 500] {
        exact.check(from, 1_000).unwrap();
    }
    // After a whole round every part has exactly its share.
    assert_eq!(exact.stream.counts(total), weights);
}

#[test]
fn the_largest_denominator_is_exact_to_the_last_position() {
    let total = crate::limits::COMMON_DENOMINATOR;
    let weights = [1, total / 3, total - total / 3 - 1 - 1, 1];
    let parts = weights.iter().enumerate();
    let parts = parts.map(|(i, weight)| named(i, (*weight, total), u64::MAX));
    let exact = Exact::new(&weights, parts.collect());
    for from in [0, 10_u64.pow(12), total - 50, total + 7, u64::MAX - 101] {
        exact.check(from, 100).unwrap();
    }
}

/// Where products of 64 bits would no longer do.
#[test]
fn denominators_and_positions_of_32_bits_are_exact() {
    for total in [31, 32, 33, 34]
        .map(|bits| 1_u64 << bits)
        .into_iter()
        .flat_map(|n| [n - 1, n + 1])
    {
        for weights in [[total - 1, 1], [total / 2, total - total / 2]] {
            let parts = weights.iter().enumerate();
            let parts = parts.map(|(i, weight)| named(i, (*weight, total), 3));
            let exact = Exact::new(&weights, parts.collect());
            for bits in [31, 32, 33] {
                exact.check((1 << bits) - 20, 40).unwrap();
            }
        }
    }
}

#[test]
fn equal_shares_of_four_stay_within_one() {
    let stream = SampleStream::new(mixture(&[1; 4]), 0).unwrap();
    for n in 0..1000_u64 {
        let counts = stream.counts(n);
        assert!(counts.iter().all(|count| (4 * count).abs_diff(n) < 4));
    }
}

/// Why the stream is no plain largest remainder: there, a part can lose an element as the prefix grows.
#[test]
fn largest_remainders_take_elements_back() {
    let weights = [6_u64, 6, 2];
    let largest_remainders = |n: u64| {
        let mut counts = weights.map(|weight| n * weight / 14);
        let mut order = [0, 1, 2];
        order.sort_by_key(|part| std::cmp::Reverse(n * weights[*part] % 14));
        let left = n - counts.iter().sum::<u64>();
        order[..left as usize]
            .iter()
            .for_each(|part| counts[*part] += 1);
        counts
    };
    assert_eq!(
        [largest_remainders(10), largest_remainders(11)],
        [[4, 4, 2], [5, 5, 1]]
    );
    let stream = SampleStream::new(mixture(&weights), 0).unwrap();
    let (before, after) = (stream.counts(10), stream.counts(11));
    assert!(
        before
            .iter()
            .zip(&after)
            .all(|(before, after)| before <= after)
    );
}
