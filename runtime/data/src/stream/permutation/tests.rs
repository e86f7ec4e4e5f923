//! One epoch's order: a bijection, in constant time, and nothing that a test of randomness would notice.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::EpochOrder;

const IDENTITY: [u8; 32] = [7; 32];

fn order(seed: u64, epoch: u64, sequences: u64) -> EpochOrder {
    EpochOrder::new(&IDENTITY, seed, epoch, sequences)
}

/// Every size up to a few, and all sizes around powers of two, where the network's domain changes.
fn sizes() -> impl Iterator<Item = u64> {
    let around = (0..16).flat_map(|bits| [(1_u64 << bits) - 1, 1 << bits, (1 << bits) + 1]);
    (1..130).chain(around).filter(|size| *size > 0)
}

#[test]
fn every_size_is_a_bijection() {
    for size in sizes() {
        for epoch in 0..2 {
            let order = order(3, epoch, size);
            let mut seen = vec![false; size as usize];
            for index in 0..size {
                let image = order.at(index) as usize;
                assert!(!seen[image], "{image} twice in {size}");
                seen[image] = true;
            }
        }
    }
}

proptest! {
    #[test]
    fn epochs_of_any_size_are_bijections(sequences in 1_u64..5_000, seed: u64, epoch: u64, id: [u8; 32]) {
        let order = EpochOrder::new(&id, seed, epoch, sequences);
        let seen: BTreeSet<_> = (0..sequences).map(|index| order.at(index)).collect();
        prop_assert_eq!((seen.len() as u64, seen.last()), (sequences, Some(&(sequences - 1))));
    }

    /// Nobody can list the images of a large part; its network run backwards gives each index again.
    #[test]
    fn large_epochs_can_be_gone_back(sequences in 1_u64.., seed: u64, epoch: u64, indices: [u64; 8]) {
        let order = order(seed, epoch, sequences);
        for index in indices.map(|index| index % sequences) {
            let image = order.at(index);
            prop_assert!(image < sequences);
            let mut back = backwards(&order, image);
            while back >= sequences {
                back = backwards(&order, back);
            }
            prop_assert_eq!(back, index);
        }
    }

    #[test]
    fn order_differs_by_epoch_seed_and_category(seed: u64, epoch in 0..u64::MAX, id in 0_u8..255) {
        let images = |id, seed, epoch| -> Vec<u64> {
            let order = EpochOrder::new(&[id; 32], seed, epoch, 100);
            (0..100).map(|index| order.at(index)).collect()
        };
        let first = images(id, seed, epoch);
        prop_assert_ne!(&first, &images(id, seed, epoch + 1));
        prop_assert_ne!(&first, &images(id, seed ^ 1, epoch));
        prop_assert_ne!(&first, &images(id + 1, seed, epoch));
    }
}

/// The network of the keys in the other direction: the reverse of each round, the last one first.
fn backwards(order: &EpochOrder, value: u64) -> u64 {
    let mask = (1 << order.half) - 1;
    let (mut left, mut right) = (value >> order.half, value & mask);
    for key in order.keys.iter().rev() {
        (left, right) = (right ^ (super::mix(left ^ key) & mask), left);
    }
    left << order.half | right
}

/// Sizes just above a power of four have the longest walks: a quarter of the domain is theirs.
#[test]
fn an_image_takes_fewer_than_four_rounds_of_the_network_on_average() {
    for bits in [4, 10, 20, 40] {
        let size = (1_u64 << bits) + 1;
        let order = order(1, 0, size);
        let mut walked = 0_u64;
        let asked = 20_000;
        for index in 0..asked {
            let mut image = order.network(index % size);
            walked += 1;
            while image >= size {
                image = order.network(image);
                walked += 1;
            }
        }
        assert!(
            walked < 4 * asked + asked / 10,
            "{walked} for {asked} at {size}"
        );
    }
}

/// Pearson's statistic of pairs in 16 × 16 bins against equal frequencies, in standard deviations from its mean.
///
/// With 255 degrees of freedom its mean is 255 and its deviation √510. Above a few, the pairs are not spread
/// evenly; below minus a few, they are spread too evenly to be random.
fn surprise(pairs: impl Iterator<Item = (u64, u64)>, size: u64) -> f64 {
    let bin = |value: u64| (u128::from(value) * 16 / u128::from(size)) as usize;
    let mut table = [[0_u32; 16]; 16];
    let mut count = 0_u32;
    for (one, other) in pairs {
        table[bin(one)][bin(other)] += 1;
        count += 1;
    }
    let expected = f64::from(count) / 256.0;
    let cells = table.iter().flatten();
    let statistic: f64 = cells
        .map(|seen| (f64::from(*seen) - expected).powi(2) / expected)
        .sum();
    (statistic - 255.0) / 510_f64.sqrt()
}

const DRAWN: u64 = 100_000;
const LARGE: u64 = 1_000_003_000_000;

/// Random numbers are beyond this one time in 300,000.
const TOO_MUCH: f64 = 4.5;

#[test]
fn an_order_looks_random() {
    let one = order(1, 0, LARGE);
    let (next_epoch, next_seed) = (order(1, 1, LARGE), order(2, 0, LARGE));
    let other_part = EpochOrder::new(&[8; 32], 1, 0, LARGE);
    let all = [
        // Where an index goes, and where its neighbour goes.
        surprise((0..DRAWN).map(|n| (one.at(n), one.at(n + 1))), LARGE),
        // Far apart in the part.
        surprise(
            (0..DRAWN).map(|n| (one.at(n), one.at(LARGE / 2 + n))),
            LARGE,
        ),
        // Whether an image tells of its index.
        surprise(
            (0..DRAWN)
                .map(|n| n * (LARGE / DRAWN))
                .map(|n| (n, one.at(n))),
            LARGE,
        ),
        surprise((0..DRAWN).map(|n| (one.at(n), next_epoch.at(n))), LARGE),
        surprise((0..DRAWN).map(|n| (one.at(n), next_seed.at(n))), LARGE),
        surprise((0..DRAWN).map(|n| (one.at(n), other_part.at(n))), LARGE),
    ];
    assert!(
        all.iter().all(|surprise| surprise.abs() < TOO_MUCH),
        "{all:?}"
    );
}

#[test]
fn orders_that_are_not_random_are_noticed() {
    let step = 618_034_000_001;
    let affine = |n: u64| (u128::from(n) * step % u128::from(LARGE)) as u64;
    let all = [
        surprise((0..DRAWN).map(|n| (n, n + 1)), LARGE),
        surprise((0..DRAWN).map(|n| (affine(n), affine(n + 1))), LARGE),
        // Each pair of bins equally often.
        surprise((0..DRAWN).map(|n| (n % 16, n / 16 % 16)), 16),
    ];
    assert!(
        all.iter().all(|surprise| surprise.abs() > TOO_MUCH),
        "{all:?}"
    );
}

/// In small parts every index must go everywhere equally often: 16 indices over 4,800 epochs.
#[test]
fn epochs_of_a_small_part_are_spread_evenly() {
    let epochs = 4_800;
    let pairs = (0..epochs).flat_map(|epoch| {
        let order = order(1, epoch, 16);
        (0..16).map(move |index| (index, order.at(index)))
    });
    // Rows and columns of a permutation's table have sums that are given: (16 − 1)² degrees of freedom, and each
    // cell varies by 15/16 of its mean.
    let statistic = (surprise(pairs, 16) * 510_f64.sqrt() + 255.0) * 15.0 / 16.0;
    let surprise = (statistic - 225.0) / 450_f64.sqrt();
    assert!(surprise.abs() < TOO_MUCH, "{surprise}");
}

#[test]
fn first_places_are_spread_over_the_part() {
    let mut counts = [0_u32; 10];
    for seed in 0..5000 {
        counts[order(seed, 0, 10).at(0) as usize] += 1;
    }
    // 500 each, with a deviation of 21.
    assert!(
        counts.iter().all(|count| (400..600).contains(count)),
        "{counts:?}"
    );
}
