//! A batch of equally long token sequences.

use thiserror::Error;

use crate::ModelConfig;

/// Sequences to train on or to score: rows × `length`, row-major.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Tokens the model reads.
    pub inputs: &'a [u32],
    /// The token that follows each input.
    pub targets: &'a [u32],
    /// Tokens per row; at most the model's context.
    pub length: usize,
}

/// Why a batch does not fit a model.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BatchError {
    /// There is nothing to compute on.
    #[error("the batch is empty")]
    Empty,
    /// A row is longer than the model can read.
    #[error("rows are {length} tokens long, but the model's context is {context}")]
    TooLong {
        /// Tokens per row.
        length: usize,
        /// The model's context.
        context: usize,
    },
    /// The tokens do not fill whole rows.
    #[error("{tokens} tokens do not fill rows of {length}")]
    Ragged {
        /// Tokens in all.
        tokens: usize,
        /// Tokens per row.
        length: usize,
    },
    /// Inputs and targets must pair up.
    #[error("{inputs} inputs but {targets} targets")]
    Unpaired {
        /// Number of inputs.
        inputs: usize,
        /// Number of targets.
        targets: usize,
    },
    /// A token the model has no row for.
    #[error("token {token} at position {position} is not below the vocabulary of {vocabulary}")]
    Token {
        /// The token.
        token: u32,
        /// Where it stands in inputs or targets.
        position: usize,
        /// Number of tokens the model knows.
        vocabulary: usize,
    },
}

impl Batch<'_> {
    /// Checks that the batch fits a model of this shape.
    pub fn check(&self, config: &ModelConfig) -> Result<(), BatchError> {
        let (inputs, targets) = (self.inputs.len(), self.targets.len());
        if inputs != targets {
            return Err(BatchError::Unpaired { inputs, targets });
        }
        check_rows(config, self.inputs, self.length)?;
        check_tokens(config, self.targets)
    }
}

/// Checks that `tokens` are whole rows of `length` that a model of this shape can read.
pub(crate) fn check_rows(
    config: &ModelConfig,
    tokens: &[u32],
    length: usize,
) -> Result<(), BatchError> {
    if tokens.is_empty() || length == 0 {
        return Err(BatchError::Empty);
    }
    if length > config.context {
        return Err(BatchError::TooLong {
            length,
            context: config.context,
        });
    }
    if !tokens.len().is_multiple_of(length) {
        return Err(BatchError::Ragged {
            tokens: tokens.len(),
            length,
        });
    }
    check_tokens(config, tokens)
}

fn check_tokens(config: &ModelConfig, tokens: &[u32]) -> Result<(), BatchError> {
    let vocabulary = config.vocabulary;
    match tokens
        .iter()
        .position(|&token| token as usize >= vocabulary)
    {
        None => Ok(()),
        Some(position) => Err(BatchError::Token {
            token: tokens[position],
            position,
            vocabulary,
        }),
    }
}
