//! A few of many: the first ones, or some by chance.

use std::collections::BTreeMap;

/// The blake3 key-derivation context of the draws; a new one would move every sample.
const DOMAIN: &str = "vpc 2026 sample of documents and items v1";

/// Keeps so many of what goes by. With a seed each is as likely as any other, and which they are hangs on
/// the seed and their places alone.
#[derive(Debug)]
pub(super) struct Sample<T> {
    count: usize,
    seed: Option<u64>,
    next: u64,
    /// By draw and place; those with the smallest draws stay. Without a seed all draws are alike.
    kept: BTreeMap<(u64, u64), T>,
}

impl<T> Sample<T> {
    pub(super) fn new(count: usize, seed: Option<u64>) -> Self {
        Self {
            count,
            seed,
            next: 0,
            kept: BTreeMap::new(),
        }
    }

    /// Takes the next one, which is made only where it is kept.
    pub(super) fn offer(&mut self, make: impl FnOnce() -> T) {
        let place = self.next;
        self.next += 1;
        let own = (self.draw(place), place);
        if self.kept.len() >= self.count {
            if self
                .kept
                .last_key_value()
                .is_none_or(|(last, _)| *last < own)
            {
                return;
            }
            self.kept.pop_last();
        }
        self.kept.insert(own, make());
    }

    /// Whether nothing that may still come would be kept.
    pub(super) fn is_full(&self) -> bool {
        self.seed.is_none() && self.kept.len() >= self.count
    }

    /// What was kept, each with its place from 1 on, in the order in which they came.
    pub(super) fn into_kept(self) -> Vec<(u64, T)> {
        let kept = self.kept.into_iter();
        let mut kept: Vec<_> = kept.map(|((_, place), one)| (place + 1, one)).collect();
        kept.sort_by_key(|(place, _)| *place);
        kept
    }

    fn draw(&self, place: u64) -> u64 {
        let Some(seed) = self.seed else { return 0 };
        let mut hasher = blake3::Hasher::new_derive_key(DOMAIN);
        hasher
            .update(&seed.to_le_bytes())
            .update(&place.to_le_bytes());
        let mut draw = [0; 8];
        hasher.finalize_xof().fill(&mut draw);
        u64::from_le_bytes(draw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampled(count: usize, seed: Option<u64>) -> Vec<u64> {
        let mut sample = Sample::new(count, seed);
        for number in 0..100_u64 {
            sample.offer(|| number);
        }
        let kept = sample.into_kept().into_iter();
        kept.map(|(place, number)| {
            assert_eq!(place, number + 1);
            number
        })
        .collect()
    }

    #[test]
    fn the_first_or_some_by_chance() {
        assert_eq!(sampled(3, None), [0, 1, 2]);
        assert_eq!(sampled(200, Some(1)).len(), 100);
        let some = sampled(3, Some(1));
        assert_eq!(some.len(), 3);
        assert_eq!(some, sampled(3, Some(1)));
        assert_ne!(some, sampled(3, Some(2)));
    }

    #[test]
    fn each_is_as_likely() {
        let mut times = [0; 100];
        for seed in 0..400 {
            for number in sampled(25, Some(seed)) {
                times[number as usize] += 1;
            }
        }
        // A hundred are expected of each, with a deviation of √75.
        assert!(
            times.iter().all(|count| (60..140).contains(count)),
            "{times:?}"
        );
    }

    #[test]
    fn only_the_first_ones_end_early() {
        for (seed, is_full) in [(None, true), (Some(1), false)] {
            let mut sample = Sample::new(1, seed);
            assert!(!sample.is_full());
            sample.offer(|| ());
            assert_eq!(sample.is_full(), is_full);
        }
    }
}
