//! Corpora and tokenizers.

use serde::{Deserialize, Serialize};

use super::list;
use crate::plan::{Filter, Fraction, Key, Operation, Record, Value};

/// Text of one category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorpusTask {
    /// Where the text comes from.
    pub source: SourceSpec,
    /// Share of documents held out of training.
    pub held_out: Fraction,
    /// Which documents belong.
    pub filter: Filter,
}

/// Where text comes from. Paths are for reading; identity is the digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum SourceSpec {
    /// Plain text, cut into documents at blank lines.
    Text {
        /// The file.
        path: Operation<String>,
        /// blake3 of its bytes.
        digest: Key,
    },
    /// One JSON object per line.
    Jsonl {
        /// The file.
        path: Operation<String>,
        /// blake3 of its bytes.
        digest: Key,
        /// The fields that make up the text.
        fields: Vec<String>,
        /// What stands between the fields.
        join: String,
        /// The field with the words of a document's labels.
        labels: Option<String>,
    },
    /// The synthetic world.
    World {
        /// Source style, such as `web`.
        style: String,
        /// Seed of the generator.
        seed: u64,
        /// Bytes of text, reached within one document.
        bytes: u64,
    },
    /// Not there yet.
    Planned {
        /// What it will be.
        what: String,
    },
}

/// How a tokenizer comes about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum TokenizerTask {
    /// Byte-level BPE trained on the training side of corpora.
    Trained {
        /// Size of the vocabulary.
        vocabulary: u64,
        /// Bytes of text to learn from.
        sample: u64,
        /// Share of the sample from each corpus, in the order of the inputs.
        shares: Vec<Fraction>,
    },
    /// A Hugging Face `tokenizer.json`.
    Imported {
        /// The file.
        path: Operation<String>,
        /// blake3 of its bytes.
        digest: Key,
        /// Size of the vocabulary, checked on import.
        vocabulary: u64,
    },
    /// Not there yet.
    Planned {
        /// What it will be.
        what: String,
        /// Size of the vocabulary.
        vocabulary: u64,
    },
}

impl CorpusTask {
    pub(super) fn record(&self) -> Record<'_> {
        let Self {
            source,
            held_out,
            filter,
        } = self;
        let record = source.record().with("held_out", *held_out);
        if filter.is_all() {
            record
        } else {
            record.with("filter", filter.value())
        }
    }
}

impl SourceSpec {
    pub(super) fn record(&self) -> Record<'_> {
        let record = Record::default();
        match self {
            Self::Text { path: _, digest } => {
                record.with("from", "text").with("digest", *digest.bytes())
            }
            Self::Jsonl {
                path: _,
                digest,
                fields,
                join,
                labels,
            } => {
                let record = record
                    .with("from", "jsonl")
                    .with("digest", *digest.bytes())
                    .with("fields", Value::texts(fields))
                    .with("join", join.as_str());
                match labels {
                    Some(labels) => record.with("labels", labels.as_str()),
                    None => record,
                }
            }
            Self::World { style, seed, bytes } => record
                .with("from", "world")
                .with("style", style.as_str())
                .with("seed", *seed)
                .with("bytes", *bytes),
            Self::Planned { what } => record.with("from", "planned").with("what", what.as_str()),
        }
    }
}

impl TokenizerTask {
    pub(super) fn record(&self) -> Record<'_> {
        let record = Record::default();
        match self {
            Self::Trained {
                vocabulary,
                sample,
                shares,
            } => record
                .with("from", "trained")
                .with("vocabulary", *vocabulary)
                .with("sample", *sample)
                .with("shares", list(shares)),
            Self::Imported {
                path: _,
                digest,
                vocabulary,
            } => record
                .with("from", "imported")
                .with("digest", *digest.bytes())
                .with("vocabulary", *vocabulary),
            Self::Planned { what, vocabulary } => record
                .with("from", "planned")
                .with("what", what.as_str())
                .with("vocabulary", *vocabulary),
        }
    }

    /// Returns the size of the vocabulary.
    pub const fn vocabulary(&self) -> u64 {
        match self {
            Self::Trained { vocabulary, .. }
            | Self::Imported { vocabulary, .. }
            | Self::Planned { vocabulary, .. } => *vocabulary,
        }
    }
}
