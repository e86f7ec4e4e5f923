//! What a model answered to each item of a benchmark, and the forms it is filed in.

mod columns;
mod export;

use std::collections::BTreeSet;

pub use columns::{decode, encode};
pub use export::{to_csv, to_jsonl};

/// The answer to one item.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The item's name, of which a benchmark has each once.
    pub item: String,
    /// blake3 of the prompt.
    pub prompt: [u8; 32],
    /// What the model wrote.
    pub output: String,
    /// The answer read from it; `None` where none was found.
    pub parsed: Option<String>,
    /// Its score: 1 for right, 0 for wrong, between for partly right.
    pub score: f64,
    /// Log-likelihoods of the options in nats, in their order; empty where not computed.
    pub options: Vec<f64>,
}

/// Records that cannot be written, or bytes that are none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Two records of one item.
    #[error("item `{item}` has two records; write one for each item")]
    Twice {
        /// The item.
        item: String,
    },
    /// A score or a log-likelihood that is no number.
    #[error("the {what} of item `{item}` is not finite; leave the item out, or score it 0")]
    NotFinite {
        /// Which of its numbers.
        what: &'static str,
        /// The item.
        item: String,
    },
    /// More than the layout holds.
    #[error("the records have more than {limit} MiB; write them in several parts")]
    TooLarge {
        /// The limit in MiB.
        limit: usize,
    },
    /// Bytes that are not records.
    #[error("not a file of records: {reason}; make it again")]
    Damaged {
        /// How they differ.
        reason: String,
    },
    /// A library that packs or writes failed.
    #[error("cannot write the records: {reason}")]
    Write {
        /// What it said.
        reason: String,
    },
}

/// Holds records to what a reader relies on: one for each item, finite numbers.
fn check(records: &[Record]) -> Result<(), RecordError> {
    let mut seen = BTreeSet::new();
    for record in records {
        let item = || record.item.clone();
        if !seen.insert(record.item.as_str()) {
            return Err(RecordError::Twice { item: item() });
        }
        if !record.score.is_finite() {
            return Err(RecordError::NotFinite {
                what: "score",
                item: item(),
            });
        }
        if !record.options.iter().all(|own| own.is_finite()) {
            return Err(RecordError::NotFinite {
                what: "log-likelihood",
                item: item(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
