//! The choices of one document: a counter-based random stream.

use crate::world::Style;

/// The blake3 key-derivation context of a document's choices.
const DOMAIN: &str = "vpc-data 2025 choices of a world document v1";

/// A random stream that belongs to one (style, seed, document).
#[derive(Debug, Clone)]
pub(crate) struct Dice {
    state: u64,
}

impl Dice {
    /// The stream of document `index` of (`style`, `seed`).
    pub(crate) fn new(style: Style, seed: u64, index: u64) -> Self {
        Self::named(style.name(), seed, index)
    }

    /// The stream of number `index` of (`name`, `seed`); names other than a style's have a space.
    pub(crate) fn named(name: &str, seed: u64, index: u64) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(DOMAIN);
        hasher.update(name.as_bytes()).update(b"\0");
        hasher
            .update(&seed.to_le_bytes())
            .update(&index.to_le_bytes());
        let mut state = [0; 8];
        hasher.finalize_xof().fill(&mut state);
        Self {
            state: u64::from_le_bytes(state),
        }
    }

    /// A whole number below `bound`; 0 when `bound` is 0. The bias is below `bound` / 2⁶⁴.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.word()) * bound as u128) >> 64) as usize
    }

    /// A whole number from `first` to `last`, both included.
    pub(crate) fn between(&mut self, first: i64, last: i64) -> i64 {
        first.saturating_add_unsigned(self.below((last - first + 1) as usize) as u64)
    }

    /// True `above` times out of `below`.
    pub(crate) fn chance(&mut self, above: usize, below: usize) -> bool {
        self.below(below) < above
    }

    /// One of `items`, which are not empty.
    pub(crate) fn pick<'i, T>(&mut self, items: &'i [T]) -> &'i T {
        &items[self.below(items.len())]
    }

    /// Puts `items` into one of their orders, each as likely (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// splitmix64 (Steele, Lea and Flood 2014).
    fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.state;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }
}
