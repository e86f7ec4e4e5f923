//! Training a byte-level BPE tokenizer whose bytes depend on the texts alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

use crate::error::DataError;
use crate::tokenizer::merges::Learner;
use crate::tokenizer::words::{Counter, WordCounts, byte_level};
use crate::tokenizer::{END, failed};

/// The end token and the 256 bytes.
const MINIMUM: usize = 257;

/// What a tokenizer was trained on and how large it became.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TokenizerStats {
    /// Number of texts.
    pub texts: u64,
    /// Their UTF-8 text, in bytes.
    pub bytes: u64,
    /// The vocabulary asked for.
    pub wanted: usize,
    /// The vocabulary reached; smaller than wanted when the texts have no more pairs to merge.
    pub vocabulary: usize,
}

/// A trained tokenizer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trained {
    /// Its `tokenizer.json`.
    pub json: Vec<u8>,
    /// What it was trained on.
    pub stats: TokenizerStats,
}

/// Trains a byte-level BPE tokenizer with at most `vocabulary` tokens.
///
/// Token 0 is [`END`], tokens 1 to 256 are the bytes, and the merges follow. The bytes of the result depend on the
/// texts as a collection and on `vocabulary`, not on their order or on threads.
///
/// # Errors
/// [`DataError::VocabularyTooSmall`] below 257.
pub fn train_bpe<'t>(
    texts: impl Iterator<Item = &'t str>,
    vocabulary: usize,
) -> Result<Trained, DataError> {
    if vocabulary < MINIMUM {
        return Err(DataError::VocabularyTooSmall {
            wanted: vocabulary,
            minimum: MINIMUM,
        });
    }
    let mut stats = TokenizerStats {
        wanted: vocabulary,
        ..TokenizerStats::default()
    };
    let mut counter = Counter::default();
    for text in texts {
        stats.texts += 1;
        stats.bytes += text.len() as u64;
        counter.add(text)?;
    }
    let mut table = Table::new();
    table.learn(counter.finish()?, vocabulary);
    stats.vocabulary = table.tokens.len();
    Ok(Trained {
        json: table.json()?,
        stats,
    })
}

/// Tokens by number, and the merges in the order learned.
struct Table {
    tokens: Vec<String>,
    numbers: BTreeMap<String, u32>,
    merges: Vec<[String; 2]>,
}

impl Table {
    fn new() -> Self {
        let mut alphabet: Vec<char> = ByteLevel::alphabet().into_iter().collect();
        alphabet.sort_unstable();
        let mut table = Self {
            tokens: Vec::new(),
            numbers: BTreeMap::new(),
            merges: Vec::new(),
        };
        table.add(END.to_owned());
        for symbol in alphabet {
            table.add(symbol.to_string());
        }
        table
    }

    /// The number of `token`, a new one unless it is there.
    fn add(&mut self, token: String) -> u32 {
        let next = self.tokens.len() as u32;
        let number = *self.numbers.entry(token.clone()).or_insert(next);
        if number == next {
            self.tokens.push(token);
        }
        number
    }

    fn learn(&mut self, words: WordCounts, vocabulary: usize) {
        let spelt = words
            .into_iter()
            .map(|(word, count)| (self.spell(&word), count))
            .collect();
        let mut learner = Learner::new(spelt);
        while self.tokens.len() < vocabulary {
            let Some(pair) = learner.best() else { return };
            let Some((left, right)) = self.texts(pair) else {
                return;
            };
            let merged = self.add(format!("{left}{right}"));
            self.merges.push([left, right]);
            learner.merge(pair, merged);
        }
    }

    fn spell(&self, word: &str) -> Vec<u32> {
        let mut buffer = [0; 4];
        word.chars()
            .filter_map(|symbol| self.numbers.get(symbol.encode_utf8(&mut buffer)).copied())
            .collect()
    }

    fn texts(&self, (left, right): (u32, u32)) -> Option<(String, String)> {
        let text = |number: u32| self.tokens.get(number as usize).cloned();
        Some((text(left)?, text(right)?))
    }

    fn json(&self) -> Result<Vec<u8>, DataError> {
        let value = self.value()?.to_string();
        let parsed = tokenizers::Tokenizer::from_bytes(value).map_err(|error| failed(&error))?;
        Ok(parsed
            .to_string(false)
            .map_err(|error| failed(&error))?
            .into_bytes())
    }

    fn value(&self) -> Result<Value, DataError> {
        let cut = serde_json::to_value(byte_level()).map_err(|error| DataError::Tokenizer {
            reason: error.to_string(),
        })?;
        Ok(json!({
            "version": "1.0",
            "truncation": null,
            "padding": null,
            "added_tokens": [{
                "id": 0, "content": END, "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": true,
            }],
            "normalizer": null,
            "pre_tokenizer": cut,
            "post_processor": null,
            "decoder": cut,
            "model": {
                "type": "BPE", "dropout": null, "unk_token": null,
                "continuing_subword_prefix": null, "end_of_word_suffix": null,
                "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
                "vocab": self.numbers, "merges": self.merges,
            },
        }))
    }
}
