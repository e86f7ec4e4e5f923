//! Log-likelihoods of continuations.

use super::sampling::greedy;
use super::sequence::{fits, known};
use super::{Inference, InferenceError, Sequence};
use crate::inference::pass::Row;
use crate::kernels::cross_entropy::{self, Logits};

/// Text to score, in tokens.
#[derive(Clone, Copy, Debug)]
pub struct Continuation<'a> {
    /// What stands before; at least one token.
    pub prompt: &'a [u32],
    /// What is scored; at least one token.
    pub continuation: &'a [u32],
}

/// What the model says of a continuation.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// log p of each token given all before it, in nats.
    pub log_likelihoods: Vec<f64>,
    /// Whether greedy generation would give just this continuation.
    pub is_greedy: bool,
}

impl Score {
    /// log p of the whole continuation, in nats: the tokens' added in order.
    pub fn total(&self) -> f64 {
        self.log_likelihoods.iter().sum()
    }
}

impl Continuation<'_> {
    /// Tokens the model reads: all but the last.
    fn read(&self) -> usize {
        self.prompt.len() + self.continuation.len() - 1
    }

    fn check(&self, item: usize, inference: &Inference) -> Result<(), InferenceError> {
        if self.prompt.is_empty() {
            return Err(InferenceError::NoPrompt { item });
        }
        if self.continuation.is_empty() {
            return Err(InferenceError::NoContinuation { item });
        }
        fits(item, self.read(), inference.config().context)?;
        known(item, self.prompt, inference.config())?;
        known(item, self.continuation, inference.config())
    }

    /// The rows to read as sequence `sequence`, each with the token that follows it.
    fn rows(&self, sequence: usize) -> impl Iterator<Item = (Row, u32)> {
        let first = self.prompt.len() - 1;
        let tokens = self.prompt.iter().chain(self.continuation);
        let targets = tokens.clone().skip(1);
        let pairs = tokens.zip(targets).enumerate();
        pairs.map(move |(position, (&token, &target))| {
            let row = Row {
                token,
                sequence,
                position,
                is_wanted: position >= first,
            };
            (row, target)
        })
    }
}

impl Inference {
    /// Scores continuations, at most `batch` at a time; the bits do not depend on `batch`.
    pub fn score(
        &self,
        items: &[Continuation],
        batch: usize,
    ) -> Result<Vec<Score>, InferenceError> {
        for (item, continuation) in items.iter().enumerate() {
            continuation.check(item, self)?;
        }
        let batch = batch.max(1);
        let mut scores = Vec::with_capacity(items.len());
        for (number, items) in items.chunks(batch).enumerate() {
            scores.extend(self.score_together(items));
            let parts = scores.iter().enumerate().skip(number * batch);
            let mut parts = parts.filter(|(_, score)| !score.total().is_finite());
            if let Some((item, _)) = parts.next() {
                return Err(InferenceError::NotFinite { item });
            }
        }
        Ok(scores)
    }

    fn score_together(&self, items: &[Continuation]) -> Vec<Score> {
        let mut sequences: Vec<Sequence> = items
            .iter()
            .map(|item| self.sequence(item.read()))
            .collect();
        let pairs = items.iter().enumerate();
        let (rows, targets): (Vec<Row>, Vec<u32>) =
            pairs.flat_map(|(at, item)| item.rows(at)).unzip();
        let mut scores: Vec<Score> = items
            .iter()
            .map(|item| Score {
                log_likelihoods: Vec::with_capacity(item.continuation.len()),
                is_greedy: true,
            })
            .collect();
        let vocabulary = self.config().vocabulary;
        self.passes(&mut sequences, &rows, |logits, wanted| {
            let targets: Vec<u32> = wanted.iter().map(|&row| targets[row]).collect();
            let likeliest: Vec<u32> = logits.chunks_exact(vocabulary).map(greedy).collect();
            let mut losses = vec![0.0; wanted.len()];
            cross_entropy::rows(&mut losses, logits, vocabulary, &targets, Logits::Spent);
            for (at, &row) in wanted.iter().enumerate() {
                let score = &mut scores[rows[row].sequence];
                score.log_likelihoods.push(-losses[at]);
                score.is_greedy &= likeliest[at] == targets[at];
            }
        });
        scores
    }
}
