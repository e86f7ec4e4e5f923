//! Making room: the jobs that cost least to compute again, for the bytes they free, go first.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use vpc_compiler::plan::Key;

use super::Hindrance;
use super::choose::Choice;
use crate::Digest;

/// A job that may go, at its price.
#[derive(Debug, PartialEq)]
struct Offer {
    /// Whether it is not known what it would take to compute it again: such jobs go last.
    is_unknown: bool,
    /// Seconds of recomputation for each byte that is freed.
    price: f64,
    key: Key,
}

impl Eq for Offer {}

impl Ord for Offer {
    fn cmp(&self, other: &Self) -> Ordering {
        let price = self.price.total_cmp(&other.price);
        let unknown = self.is_unknown.cmp(&other.is_unknown);
        unknown.then(price).then(self.key.cmp(&other.key))
    }
}

impl PartialOrd for Offer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Choice {
    /// Evicts until the store is as small as was asked for.
    ///
    /// Prices change as others go: a job becomes dearer when one of its inputs goes, and cheaper
    /// when it is the last that names a blob. So the best offer is priced again before it is
    /// taken, and offers that became better are made again.
    pub(super) fn make_room(&mut self, idle: bool) {
        let Some(to) = self.removal.to.filter(|to| self.removal.after() > *to) else {
            return;
        };
        if !idle {
            self.removal.hindrances.push(Hindrance::UnderWay);
            return;
        }
        let candidates = self.candidates();
        let mut sharing: BTreeMap<Digest, Vec<Key>> = BTreeMap::new();
        for key in &candidates {
            for digest in self
                .census
                .jobs
                .get(key)
                .into_iter()
                .flat_map(|one| one.files.keys())
            {
                sharing.entry(*digest).or_default().push(*key);
            }
        }
        let offers = candidates.iter().filter_map(|key| self.offer(*key));
        let mut offers: BinaryHeap<Reverse<Offer>> = offers.map(Reverse).collect();
        let mut evicted = Vec::new();
        let mut left = self.removal.after();
        while left > to
            && let Some(Reverse(best)) = offers.pop()
        {
            let Some(now) = self.offer(best.key) else {
                continue;
            };
            if now > best {
                offers.push(Reverse(now));
                continue;
            }
            let files = self.census.jobs.get(&best.key).map(|one| one.files.clone());
            let Some(gone) = self.take(best.key) else {
                continue;
            };
            left = left.saturating_sub(gone.freed.bytes);
            evicted.push(gone);
            let digests = files.iter().flat_map(BTreeMap::keys);
            let others = digests.filter_map(|digest| sharing.get(digest)).flatten();
            offers.extend(others.filter_map(|key| self.offer(*key)).map(Reverse));
        }
        let keys: Vec<Key> = evicted.iter().map(|gone| gone.key).collect();
        self.removal.evicted_again = self.cost(&keys);
        self.removal.evicted = self.with_costs(evicted);
        if left > to {
            self.removal.hindrances.push(Hindrance::TooMuchLeft);
        }
    }

    fn candidates(&self) -> BTreeSet<Key> {
        let jobs = self.census.jobs.values();
        let may_go = jobs.filter(|entry| {
            let reach = self.roots.reached.get(&entry.key);
            reach.is_some_and(|reach| !reach.read) && !self.roots.is_irreplaceable(entry)
        });
        may_go.map(|entry| entry.key).collect()
    }

    /// The price of a job as things are; none where it would free nothing, or is gone.
    fn offer(&self, key: Key) -> Option<Offer> {
        let entry = self.census.jobs.get(&key)?;
        let only_here = |digest: &&Digest| self.holders.get(*digest) == Some(&1);
        let freed = entry.files.keys().filter(only_here);
        let bytes: u64 = freed
            .filter_map(|digest| self.census.objects.get(digest))
            .sum();
        let cost = self.cost(&[key]);
        (bytes > 0).then(|| Offer {
            is_unknown: cost.unknown > 0,
            price: cost.seconds / bytes as f64,
            key,
        })
    }
}
