//! What cannot be scored or generated.

use thiserror::Error;

/// Why a model cannot read what it was given.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum InferenceError {
    /// There is no token to start from.
    #[error("item {item} has an empty prompt; begin it with the tokenizer's end token")]
    NoPrompt {
        /// Which item, from 0.
        item: usize,
    },
    /// There is nothing to score.
    #[error("item {item} has an empty continuation")]
    NoContinuation {
        /// Which item, from 0.
        item: usize,
    },
    /// The sequence is longer than the model can read.
    #[error(
        "item {item} asks the model to read {tokens} tokens, and its context is {context}; \
         shorten the prompt or generate less"
    )]
    TooLong {
        /// Which item, from 0.
        item: usize,
        /// Tokens to read: all but the last.
        tokens: usize,
        /// The model's context.
        context: usize,
    },
    /// A token the model has no row for.
    #[error("token {token} of item {item} is not below the vocabulary of {vocabulary}")]
    Token {
        /// Which item, from 0.
        item: usize,
        /// The token.
        token: u32,
        /// Number of tokens the model knows.
        vocabulary: usize,
    },
    /// A setting is outside its range.
    #[error("`{name}` is {value}; it must be {range}")]
    Setting {
        /// Name of the setting.
        name: &'static str,
        /// Its value, as text.
        value: String,
        /// The permitted range, in words.
        range: &'static str,
    },
    /// Two requests would draw the same random numbers.
    #[error("two requests have the id {0}; each needs its own, for its random numbers")]
    SameId(u64),
    /// The model's weights give no probabilities.
    #[error("the model's output for item {item} is not finite; its weights are not sound")]
    NotFinite {
        /// Which item, from 0.
        item: usize,
    },
    /// As many token lists as sequences are needed.
    #[error("{tokens} lists of tokens for {sequences} sequences")]
    Unpaired {
        /// Lists of tokens.
        tokens: usize,
        /// Sequences.
        sequences: usize,
    },
}

impl InferenceError {
    /// Which item of those given it is about, from 0, where it is about one.
    pub fn item(&self) -> Option<usize> {
        match self {
            Self::NoPrompt { item }
            | Self::NoContinuation { item }
            | Self::TooLong { item, .. }
            | Self::Token { item, .. }
            | Self::NotFinite { item } => Some(*item),
            Self::Setting { .. } | Self::SameId(_) | Self::Unpaired { .. } => None,
        }
    }
}
