//! Writing a token file, and filling one from a documents file.

use std::io::Write;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::documents::documents;
use crate::error::DataError;
use crate::limits::BATCH_BYTES;
use crate::tokenizer::Tokenizer;
use crate::tokens::{MAGIC, TRAILER_MAGIC, VERSION, WHAT, damaged, width_of};

/// What a token file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TokenStats {
    /// Number of documents.
    pub documents: u64,
    /// Their UTF-8 text, in bytes.
    pub bytes: u64,
    /// Tokens, the end tokens included.
    pub tokens: u64,
}

/// Writes a token file.
pub struct TokenWriter<'w> {
    out: &'w mut dyn Write,
    vocabulary: u32,
    buffer: Vec<u8>,
    count: u64,
}

impl<'w> TokenWriter<'w> {
    /// Begins a token file on `out` for tokens below `vocabulary`, with `end` between documents.
    ///
    /// # Errors
    /// [`DataError::Write`] when `out` fails; [`DataError::Damaged`] for an end token outside the vocabulary.
    pub fn new(out: &'w mut dyn Write, vocabulary: u32, end: u32) -> Result<Self, DataError> {
        if end >= vocabulary {
            return Err(damaged(format!(
                "end token {end} in a vocabulary of {vocabulary}"
            )));
        }
        let mut writer = Self {
            out,
            vocabulary,
            buffer: MAGIC.to_vec(),
            count: 0,
        };
        for number in [VERSION, width_of(vocabulary), vocabulary, end] {
            writer.buffer.extend_from_slice(&number.to_le_bytes());
        }
        writer.put()?;
        Ok(writer)
    }

    /// Adds `tokens`.
    ///
    /// # Errors
    /// [`DataError::Write`] when the output fails; [`DataError::Damaged`] for a token outside the vocabulary.
    pub fn add(&mut self, tokens: &[u32]) -> Result<(), DataError> {
        for &token in tokens {
            if token >= self.vocabulary {
                let vocabulary = self.vocabulary;
                return Err(damaged(format!(
                    "token {token} in a vocabulary of {vocabulary}"
                )));
            }
            match width_of(self.vocabulary) {
                2 => self.buffer.extend_from_slice(&(token as u16).to_le_bytes()),
                _ => self.buffer.extend_from_slice(&token.to_le_bytes()),
            }
        }
        self.count += tokens.len() as u64;
        self.put()
    }

    /// Writes the trailer, flushes, and returns the number of tokens.
    ///
    /// # Errors
    /// [`DataError::Write`] when the output fails.
    pub fn finish(mut self) -> Result<u64, DataError> {
        self.buffer.extend_from_slice(&self.count.to_le_bytes());
        self.buffer.extend_from_slice(TRAILER_MAGIC);
        self.put()?;
        self.out
            .flush()
            .map_err(|source| DataError::Write { what: WHAT, source })?;
        Ok(self.count)
    }

    fn put(&mut self) -> Result<(), DataError> {
        let written = self.out.write_all(&self.buffer);
        self.buffer.clear();
        written.map_err(|source| DataError::Write { what: WHAT, source })
    }
}

/// Writes the documents file `documents` as tokens to `out`: END doc END doc … END.
///
/// Documents are encoded in parallel; the result does not depend on the number of threads.
///
/// # Errors
/// [`DataError::Damaged`] for a broken documents file, [`DataError::Tokenizer`] for text that the tokenizer cannot
/// encode, [`DataError::Write`] when `out` fails.
pub fn tokenize(
    documents: &[u8],
    tokenizer: &Tokenizer,
    out: &mut dyn Write,
) -> Result<TokenStats, DataError> {
    let end = tokenizer.end();
    let mut writer = TokenWriter::new(out, tokenizer.vocabulary() as u32, end)?;
    let mut stats = TokenStats::default();
    writer.add(&[end])?;
    for_each_batch(documents, &mut |batch| {
        let encoded: Vec<_> = batch
            .par_iter()
            .map(|text| tokenizer.encode(text))
            .collect();
        for (text, tokens) in batch.iter().zip(encoded) {
            stats.documents += 1;
            stats.bytes += text.len() as u64;
            writer.add(&tokens?)?;
            writer.add(&[end])?;
        }
        Ok(())
    })?;
    stats.tokens = writer.finish()?;
    Ok(stats)
}

/// Calls `each` with runs of documents of about [`BATCH_BYTES`] together.
fn for_each_batch<'d>(
    file: &'d [u8],
    each: &mut dyn FnMut(&[&'d str]) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let (mut batch, mut size) = (Vec::new(), 0);
    for document in documents(file)? {
        let document = document?;
        batch.push(document);
        size += document.len();
        if size >= BATCH_BYTES {
            each(&batch)?;
            batch.clear();
            size = 0;
        }
    }
    each(&batch)
}
