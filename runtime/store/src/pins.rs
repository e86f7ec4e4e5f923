//! Pins: jobs that stay, whatever studies need.

use serde::{Deserialize, Serialize};
use vpc_compiler::plan::Key;

use crate::error::During;
use crate::limits::{MAX_PIN_BYTES, PIN_SCHEMA};
use crate::records::Record;
use crate::{Store, StoreError};

/// A job that is never removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The version of this structure, [`PIN_SCHEMA`].
    pub schema: u32,
    /// The job.
    pub key: Key,
    /// Why, in the words of whoever pinned it; empty where nothing was said.
    pub why: String,
}

impl Record for Pin {
    const WORD: &'static str = "pin";
    const FOLDER: &'static str = "pins";
    const SCHEMA: u32 = PIN_SCHEMA;
    const MOST_BYTES: u64 = MAX_PIN_BYTES;

    fn file_name(&self) -> String {
        format!("pin-{}.json", self.key)
    }
}

impl Pin {
    /// The job that a file of this name pins.
    pub(crate) fn key_of(file_name: &str) -> Option<Key> {
        let digits = file_name.strip_prefix("pin-")?.strip_suffix(".json")?;
        digits.parse().ok()
    }

    fn new(key: Key, why: &str) -> Self {
        Self {
            schema: PIN_SCHEMA,
            key,
            why: why.to_owned(),
        }
    }
}

impl Store {
    /// Pins a job, or changes why; false where it was pinned just so.
    ///
    /// Waits for a clearing under way: look whether the job is still there after this.
    pub fn pin(&self, key: Key, why: &str) -> Result<bool, StoreError> {
        self.must_write()?;
        let _held = self.hold_roots()?;
        self.put_record(&Pin::new(key, why))
    }

    /// Removes a pin, even one that was damaged; false where there was none.
    pub fn unpin(&self, key: Key) -> Result<bool, StoreError> {
        self.must_write()?;
        let _held = self.hold_roots()?;
        let name = Pin::new(key, "").file_name();
        let mut removed = self.remove_record::<Pin>(&name)?;
        for (_, path) in self.aside::<Pin>()?.into_iter().filter(|one| one.0 == name) {
            std::fs::remove_file(&path).during("remove", &path)?;
            removed = true;
        }
        Ok(removed)
    }

    /// Reads all pins in order of their keys.
    ///
    /// A damaged pin is set aside and goes on to count, without its words: which job it is for is
    /// in the name of its file.
    pub fn pins(&self) -> Result<Vec<Pin>, StoreError> {
        let mut pins: Vec<Pin> = self.records()?;
        let lost = self.lost::<Pin>()?;
        let keys = lost.iter().filter_map(|name| Pin::key_of(name));
        pins.extend(keys.map(|key| Pin::new(key, "")));
        pins.sort_by_key(|pin| pin.key);
        Ok(pins)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn pins_come_and_go_and_damage_does_not_unpin() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("s")).unwrap();
        let key = Key::new([3; 32]);
        assert!(store.pin(key, "for the paper").unwrap());
        assert!(!store.pin(key, "for the paper").unwrap());
        assert!(store.pin(key, "for the appendix").unwrap());
        assert_eq!(store.pins().unwrap(), [Pin::new(key, "for the appendix")]);
        let path = store.record_files::<Pin>().unwrap().remove(0);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "{}").unwrap();
        for _ in 0..2 {
            assert_eq!(store.pins().unwrap(), [Pin::new(key, "")]);
        }
        assert_eq!(store.damage().len(), 1);
        assert!(store.unpin(key).unwrap());
        assert!(!store.unpin(key).unwrap());
        assert!(store.pins().unwrap().is_empty());
    }
}
