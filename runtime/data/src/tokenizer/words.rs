//! Counting the pre-tokens of texts, the words that merges are learned from.

use std::collections::BTreeMap;

use rayon::prelude::*;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};

use crate::error::DataError;
use crate::limits::{BATCH_BYTES, LEARNED_WORD_BYTES};
use crate::tokenizer::failed;

/// The words of some texts, spelt in the byte-level alphabet, and how often each occurs.
pub(crate) type WordCounts = BTreeMap<String, u64>;

/// How the tokenizers trained here cut text into words: GPT-2's pattern, no space added in front.
pub(crate) fn byte_level() -> ByteLevel {
    ByteLevel::new(false, true, true)
}

/// Words counted so far, with the texts that are waiting to be counted together.
#[derive(Default)]
pub(crate) struct Counter<'t> {
    counts: WordCounts,
    waiting: Vec<&'t str>,
    size: usize,
}

impl<'t> Counter<'t> {
    /// Adds one text.
    pub(crate) fn add(&mut self, text: &'t str) -> Result<(), DataError> {
        self.waiting.push(text);
        self.size += text.len();
        if self.size >= BATCH_BYTES {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// The counts of everything added.
    pub(crate) fn finish(mut self) -> Result<WordCounts, DataError> {
        self.flush()?;
        Ok(self.counts)
    }

    fn flush(&mut self) -> Result<(), DataError> {
        let counted: Vec<_> = self.waiting.par_iter().map(|text| count(text)).collect();
        for counts in counted {
            for (word, occurrences) in counts? {
                *self.counts.entry(word).or_default() += occurrences;
            }
        }
        self.waiting.clear();
        self.size = 0;
        Ok(())
    }
}

fn count(text: &str) -> Result<WordCounts, DataError> {
    let mut words = PreTokenizedString::from(text);
    byte_level()
        .pre_tokenize(&mut words)
        .map_err(|error| failed(&error))?;
    let mut counts = WordCounts::new();
    for (word, _, _) in words.get_splits(OffsetReferential::Normalized, OffsetType::None) {
        if word.chars().count() <= LEARNED_WORD_BYTES {
            match counts.get_mut(word) {
                Some(count) => *count += 1,
                None => drop(counts.insert(word.to_owned(), 1)),
            }
        }
    }
    Ok(counts)
}
