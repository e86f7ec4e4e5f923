//! A sequence under way: what the model keeps of the tokens it has read.

use std::sync::Arc;

use super::{Inference, InferenceError};
use crate::inference::pass::Row;
use crate::kernels::cached_attention::KeysValues;
use crate::{Model, ModelConfig};

/// The key-value cache of one sequence, f32.
#[derive(Clone, Debug)]
pub struct Sequence {
    pub(super) read: usize,
    room: usize,
    /// One per layer.
    pub(super) held: Vec<KeysValues>,
    /// Vectors that stand in the place of tokens.
    pub(super) given: Option<Given>,
}

/// Vectors to read in the place of marked tokens of a sequence.
#[derive(Clone, Debug)]
pub struct Given {
    /// The places, rising.
    pub(crate) places: Arc<[usize]>,
    /// One for each place: [places, width].
    pub(crate) vectors: Arc<[f32]>,
}

impl Given {
    /// The vector at `position`, `width` long, if one was given.
    pub fn at(&self, position: usize, width: usize) -> Option<&[f32]> {
        let at = self.places.binary_search(&position).ok()?;
        self.vectors.get(at * width..(at + 1) * width)
    }
}

impl Sequence {
    /// Tokens read so far.
    pub fn read(&self) -> usize {
        self.read
    }

    /// Tokens that can be read in all.
    pub fn room(&self) -> usize {
        self.room
    }
}

impl Inference {
    /// An empty sequence with room for `tokens`, at most the model's context.
    pub fn sequence(&self, tokens: usize) -> Sequence {
        let room = tokens.min(self.config().context);
        let held = KeysValues::new(self.model().heads(), room);
        Sequence {
            read: 0,
            room,
            held: vec![held; self.config().layers],
            given: None,
        }
    }

    /// The same, in which vectors stand in the place of tokens.
    pub(crate) fn sequence_with(&self, tokens: usize, given: Option<Given>) -> Sequence {
        Sequence {
            given,
            ..self.sequence(tokens)
        }
    }

    /// Reads more tokens of each sequence, as many as each list has; returns the logits after the
    /// last of each, [sequences, vocabulary].
    ///
    /// Fails, with no sequence changed, where a list is empty or outgrows its sequence.
    pub fn extend(
        &self,
        sequences: &mut [Sequence],
        tokens: &[&[u32]],
    ) -> Result<Vec<f32>, InferenceError> {
        if sequences.len() != tokens.len() {
            return Err(InferenceError::Unpaired {
                tokens: tokens.len(),
                sequences: sequences.len(),
            });
        }
        for (item, (sequence, tokens)) in sequences.iter().zip(tokens).enumerate() {
            if tokens.is_empty() {
                return Err(InferenceError::NoPrompt { item });
            }
            fits(item, sequence.read + tokens.len(), sequence.room)?;
            known(item, tokens, self.config())?;
        }
        let lists = tokens.iter().zip(&*sequences).enumerate();
        let rows = lists.flat_map(|(sequence, (tokens, cache))| {
            let last = tokens.len() - 1;
            let read = cache.read;
            tokens.iter().enumerate().map(move |(at, &token)| Row {
                token,
                sequence,
                position: read + at,
                is_wanted: at == last,
            })
        });
        let rows: Vec<Row> = rows.collect();
        let mut logits = Vec::with_capacity(sequences.len() * self.config().vocabulary);
        self.passes(sequences, &rows, |wanted, _| {
            logits.extend_from_slice(wanted);
        });
        Ok(logits)
    }

    pub(super) fn config(&self) -> &ModelConfig {
        Model::config(&self.model)
    }
}

/// Fails where `tokens` are to be read, and only `context` can be.
pub(crate) fn fits(item: usize, tokens: usize, context: usize) -> Result<(), InferenceError> {
    if tokens <= context {
        return Ok(());
    }
    Err(InferenceError::TooLong {
        item,
        tokens,
        context,
    })
}

/// Fails on a token outside the vocabulary.
pub(crate) fn known(
    item: usize,
    tokens: &[u32],
    config: &ModelConfig,
) -> Result<(), InferenceError> {
    let vocabulary = config.vocabulary;
    match tokens.iter().find(|token| **token as usize >= vocabulary) {
        None => Ok(()),
        Some(&token) => Err(InferenceError::Token {
            item,
            token,
            vocabulary,
        }),
    }
}
