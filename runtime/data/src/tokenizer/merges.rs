//! Learning merges: byte-pair encoding (Sennrich, Haddow and Birch 2016) over counted words.
//!
//! Not the learner of `tokenizers`, whose queue can hold one pair twice and then takes either in the order of a
//! randomly seeded hash table: the same text must give the same merges in every process.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

type Pair = (u32, u32);

/// A pair of neighbouring tokens: how often it occurs, and the words that may contain it.
#[derive(Default)]
struct Occurrences {
    count: u64,
    words: Vec<u32>,
}

/// The state of learning.
pub(crate) struct Learner {
    words: Vec<(Vec<u32>, u64)>,
    pairs: BTreeMap<Pair, Occurrences>,
    queue: BinaryHeap<(u64, Reverse<Pair>)>,
}

impl Learner {
    /// Begins with `words`, each as tokens with a count; equal input in equal order gives equal merges.
    pub(crate) fn new(words: Vec<(Vec<u32>, u64)>) -> Self {
        let mut learner = Self {
            words,
            pairs: BTreeMap::new(),
            queue: BinaryHeap::new(),
        };
        for (index, (word, count)) in learner.words.iter().enumerate() {
            for pair in pairs_of(word) {
                let occurrences = learner.pairs.entry(pair).or_default();
                occurrences.count += count;
                occurrences.words.push(index as u32);
            }
        }
        learner.queue = learner
            .pairs
            .iter()
            .map(|(pair, found)| (found.count, Reverse(*pair)))
            .collect();
        learner
    }

    /// The most frequent pair, the smallest of equals; `None` when no word has two tokens left.
    pub(crate) fn best(&mut self) -> Option<Pair> {
        while let Some((count, Reverse(pair))) = self.queue.pop() {
            let now = self.pairs.get(&pair).map_or(0, |found| found.count);
            if now == count && now > 0 {
                return Some(pair);
            }
        }
        None
    }

    /// Replaces every occurrence of `pair` by the token `merged`.
    pub(crate) fn merge(&mut self, pair: Pair, merged: u32) {
        let Some(mut found) = self.pairs.remove(&pair) else {
            return;
        };
        found.words.sort_unstable();
        found.words.dedup();
        let mut touched = Vec::new();
        for index in found.words {
            self.merge_in_word(index, pair, merged, &mut touched);
        }
        touched.sort_unstable();
        touched.dedup();
        for pair in touched {
            if let Some(found) = self.pairs.get(&pair) {
                self.queue.push((found.count, Reverse(pair)));
            }
        }
    }

    fn merge_in_word(&mut self, index: u32, pair: Pair, merged: u32, touched: &mut Vec<Pair>) {
        let Some((word, count)) = self.words.get_mut(index as usize) else {
            return;
        };
        let after = merged_word(word, pair, merged);
        if after.len() == word.len() {
            return;
        }
        for old in pairs_of(word) {
            if let Some(found) = self.pairs.get_mut(&old) {
                found.count -= *count;
                touched.push(old);
            }
        }
        for new in pairs_of(&after).filter(|new| *new != pair) {
            let found = self.pairs.entry(new).or_default();
            found.count += *count;
            found.words.push(index);
            touched.push(new);
        }
        *word = after;
    }
}

fn pairs_of(word: &[u32]) -> impl Iterator<Item = Pair> + '_ {
    word.iter().copied().zip(word.iter().copied().skip(1))
}

fn merged_word(word: &[u32], pair: Pair, merged: u32) -> Vec<u32> {
    let mut after = Vec::with_capacity(word.len());
    let mut rest = word;
    while let [first, tail @ ..] = rest {
        match tail {
            [second, beyond @ ..] if (*first, *second) == pair => {
                after.push(merged);
                rest = beyond;
            }
            _ => {
                after.push(*first);
                rest = tail;
            }
        }
    }
    after
}

#[cfg(test)]
mod tests {
    use super::Learner;

    #[test]
    fn the_most_frequent_pair_comes_first_and_the_smallest_of_equals() {
        let mut learner = Learner::new(vec![(vec![1, 2, 3], 5), (vec![4, 2, 3], 1)]);
        assert_eq!(learner.best(), Some((2, 3)));
        learner.merge((2, 3), 9);
        assert_eq!(learner.best(), Some((1, 9)));
        learner.merge((1, 9), 10);
        assert_eq!(learner.best(), Some((4, 9)));
        learner.merge((4, 9), 11);
        assert_eq!(learner.best(), None);
    }

    #[test]
    fn runs_of_one_token_merge_from_the_left() {
        let mut learner = Learner::new(vec![(vec![1; 5], 1)]);
        assert_eq!(learner.best(), Some((1, 1)));
        learner.merge((1, 1), 2);
        assert_eq!(learner.best(), Some((2, 1)));
        learner.merge((2, 1), 3);
        assert_eq!(learner.best(), Some((2, 3)));
    }
}
