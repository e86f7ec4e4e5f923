//! Tokenizers: a byte-level BPE learned here, or one imported as a `tokenizer.json`.

mod import;
mod merges;
mod rename;
mod sample;
mod train;
mod words;

pub use rename::rename_token;
pub use sample::{SamplePart, sample_for_tokenizer};
pub use train::{TokenizerStats, Trained, train_bpe};

use crate::error::DataError;

/// The end token of the tokenizers trained here; its number is 0.
pub const END: &str = "<|end|>";

/// How vocabularies write the byte 255: as GPT-2's does, or as SentencePiece does.
const UNUSED: [&str; 2] = ["ÿ", "<0xFF>"];

/// Text to tokens and back.
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    end: u32,
    vocabulary: usize,
}

impl Tokenizer {
    /// Reads a `tokenizer.json`, trained here or in the format of Hugging Face.
    ///
    /// The end token is the first of the well-known names that the vocabulary has (`<|end|>`, `<|endoftext|>`, `</s>`,
    /// `<|end_of_text|>`, …). Truncation, padding and dropout that the file asks for are switched off.
    ///
    /// # Errors
    /// [`DataError::Tokenizer`] for a file that does not parse or has none of the end tokens.
    pub fn from_json(json: &[u8]) -> Result<Self, DataError> {
        import::read(json)
    }

    /// The tokens of `text`.
    ///
    /// Text that looks like a special token is encoded as the plain text that it is; the end token never comes out.
    ///
    /// # Errors
    /// [`DataError::Tokenizer`] when an imported tokenizer fails on the text or yields its end token.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, DataError> {
        let encoding = self
            .inner
            .encode_fast(text, false)
            .map_err(|error| failed(&error))?;
        let tokens = encoding.get_ids().to_vec();
        if tokens.contains(&self.end) {
            let reason = "it turns plain text into its end token; import one that keeps them apart";
            return Err(DataError::Tokenizer {
                reason: reason.to_owned(),
            });
        }
        Ok(tokens)
    }

    /// The text of `tokens`, special tokens included; bytes that are not UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// [`DataError::Tokenizer`] for a token outside the vocabulary.
    pub fn decode(&self, tokens: &[u32]) -> Result<String, DataError> {
        if let Some(token) = tokens
            .iter()
            .find(|token| **token as usize >= self.vocabulary)
        {
            let reason = format!(
                "token {token} is outside its vocabulary of {}",
                self.vocabulary
            );
            return Err(DataError::Tokenizer { reason });
        }
        self.inner
            .decode(tokens, false)
            .map_err(|error| failed(&error))
    }

    /// One more than the largest token: the rows that a model's embedding needs.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    /// How the token between documents is written in its vocabulary.
    pub fn end_text(&self) -> String {
        self.inner.id_to_token(self.end).unwrap_or_default()
    }

    /// A token that no text has: that of the byte 255, which no UTF-8 has. Where something else than text
    /// is to stand among tokens, it marks the place.
    ///
    /// # Errors
    /// [`DataError::Tokenizer`] where the vocabulary has no tokens of single bytes.
    pub fn unused(&self) -> Result<u32, DataError> {
        let known = UNUSED.iter().find_map(|name| self.inner.token_to_id(name));
        known.ok_or_else(|| DataError::Tokenizer {
            reason: "it has no token for the byte 255, so none that could stand for a picture; import one \
                     that falls back to bytes"
                .to_owned(),
        })
    }

    /// The token between documents.
    pub fn end(&self) -> u32 {
        self.end
    }
}

/// Words an error of the tokenizer library.
fn failed(error: &tokenizers::Error) -> DataError {
    DataError::Tokenizer {
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests;
