//! Something for each of many keys.

#![expect(
    clippy::disallowed_types,
    reason = "a map that cannot be gone through has no order to leak"
)]

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::Key;

/// Finds things by key, faster than an ordered map. It offers no way through all of them.
#[derive(Debug)]
pub struct KeyMap<T>(HashMap<Key, T, BuildHasherDefault<Beginning>>);

/// The first eight bytes of a key, which is a hash itself.
#[derive(Debug, Default)]
struct Beginning(u64);

impl Hasher for Beginning {
    fn write(&mut self, bytes: &[u8]) {
        let beginning = bytes.first_chunk().copied().unwrap_or_default();
        self.0 ^= u64::from_le_bytes(beginning);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl<T> Default for KeyMap<T> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<T> KeyMap<T> {
    /// Returns what is there for a key.
    pub fn get(&self, key: Key) -> Option<&T> {
        self.0.get(&key)
    }

    /// Puts something there; returns what was there before.
    pub fn insert(&mut self, key: Key, thing: T) -> Option<T> {
        self.0.insert(key, thing)
    }
}

impl<T> FromIterator<(Key, T)> for KeyMap<T> {
    fn from_iter<I: IntoIterator<Item = (Key, T)>>(things: I) -> Self {
        Self(things.into_iter().collect())
    }
}
