//! The order of one epoch: a keyed permutation with random access.

use std::sync::LazyLock;

use blake3::Hasher;
use blake3::hazmat::{ContextKey, HasherExt, hash_derive_key_context};

/// Feistel rounds; four suffice for pseudo-randomness (Luby and Rackoff 1988), six leave a margin on tiny domains.
const ROUNDS: usize = 6;

/// The blake3 key-derivation context of the round keys.
const DOMAIN: &str = "vpc-data 2025 epoch order of sequences v1";

/// What blake3 makes of [`DOMAIN`].
static CONTEXT_KEY: LazyLock<ContextKey> = LazyLock::new(|| hash_derive_key_context(DOMAIN));

/// A permutation of `0..sequences` for one (identity, seed, epoch).
///
/// A balanced Feistel network permutes the smallest power of four that holds `sequences`; walking the cycle until it
/// is back below `sequences` (Black and Rogaway 2002) takes fewer than four steps on average.
pub(crate) struct EpochOrder {
    sequences: u64,
    half: u32,
    keys: [u64; ROUNDS],
}

impl EpochOrder {
    /// The order in which `epoch` goes through the `sequences` of the part `identity` under `seed`.
    pub(crate) fn new(identity: &[u8; 32], seed: u64, epoch: u64, sequences: u64) -> Self {
        let bits = u64::BITS - sequences.saturating_sub(1).leading_zeros();
        Self {
            sequences,
            half: bits.div_ceil(2),
            keys: round_keys(identity, seed, epoch),
        }
    }

    /// The image of `index`, which must be below `sequences`.
    pub(crate) fn at(&self, index: u64) -> u64 {
        let mut image = self.network(index);
        while image >= self.sequences {
            image = self.network(image);
        }
        image
    }

    fn network(&self, value: u64) -> u64 {
        let mask = (1 << self.half) - 1;
        let (mut left, mut right) = (value >> self.half, value & mask);
        for key in self.keys {
            (left, right) = (right, left ^ (mix(right ^ key) & mask));
        }
        left << self.half | right
    }
}

/// The first [`ROUNDS`] words that blake3 derives from identity, seed and epoch: one block in and one block out, since
/// each `at` asks for them.
fn round_keys(identity: &[u8; 32], seed: u64, epoch: u64) -> [u64; ROUNDS] {
    let mut hasher = Hasher::new_from_context_key(&CONTEXT_KEY);
    hasher
        .update(identity)
        .update(&seed.to_le_bytes())
        .update(&epoch.to_le_bytes());
    let mut bytes = [0; ROUNDS * 8];
    hasher.finalize_xof().fill(&mut bytes);
    let mut keys = [0; ROUNDS];
    for (key, bytes) in keys.iter_mut().zip(bytes.as_chunks().0) {
        *key = u64::from_le_bytes(*bytes);
    }
    keys
}

/// The finaliser of splitmix64 (Steele, Lea and Flood 2014).
fn mix(mut word: u64) -> u64 {
    word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

#[cfg(test)]
mod tests;
