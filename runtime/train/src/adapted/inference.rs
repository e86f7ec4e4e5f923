//! Scores of options and generation, with images.

use std::sync::Arc;

use rayon::prelude::*;

use super::{AdaptError, Adapted, Sight};
use crate::inference::{Given, fits, known};
use crate::kernels::cross_entropy::{Logits, rows};
use crate::ops::{Marked, Matrix};
use crate::{
    Activations, Generated, Generation, Inference, InferenceError, Request, Sampling, Sequence,
};

/// An adapted model made ready to be asked.
///
/// As in [`Inference`], an item's bits depend on that item alone.
#[derive(Clone, Debug)]
pub struct AdaptedInference {
    adapted: Adapted,
    inference: Inference,
}

/// A text with images.
#[derive(Clone, Copy, Debug)]
pub struct Prompt<'a> {
    /// Its tokens, at least one; each visual token of an image is a marker.
    pub tokens: &'a [u32],
    /// Its images.
    pub sight: Sight<'a>,
}

/// A prompt and what may follow it.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What stands before.
    pub prompt: Prompt<'a>,
    /// What is scored, each at least one token.
    pub options: &'a [&'a [u32]],
}

impl AdaptedInference {
    /// Lays the decoder's weights out for inference.
    pub fn new(adapted: &Adapted) -> Self {
        Self {
            inference: Inference::new(&adapted.model),
            adapted: adapted.clone(),
        }
    }

    /// log p of each token of each option of each question, in nats.
    ///
    /// A prompt is read once for all its options. Fails before any work where an item does not fit.
    pub fn score(&self, questions: &[Question]) -> Result<Vec<Vec<Vec<f64>>>, AdaptError> {
        for (item, question) in questions.iter().enumerate() {
            self.check(item, &question.prompt)?;
            for option in question.options {
                if option.is_empty() {
                    return Err(InferenceError::NoContinuation { item }.into());
                }
                let config = self.adapted.model.config();
                let read = question.prompt.tokens.len() + option.len() - 1;
                fits(item, read, config.context)?;
                known(item, option, config)?;
            }
        }
        let items = questions.par_iter().enumerate();
        items
            .map(|(item, question)| self.score_one(item, question))
            .collect()
    }

    fn score_one(&self, item: usize, question: &Question) -> Result<Vec<Vec<f64>>, AdaptError> {
        let longest = question.options.iter().map(|option| option.len()).max();
        let Some(longest) = longest else {
            return Ok(Vec::new());
        };
        let room = question.prompt.tokens.len() + longest - 1;
        let mut read = [self.begin(&question.prompt, room)];
        let first = self
            .inference
            .extend(&mut read, &[question.prompt.tokens])?;
        let [read] = read;
        let mut all = Vec::with_capacity(question.options.len());
        for option in question.options {
            let mut sequence = [read.clone()];
            let mut logits = first.clone();
            let mut likelihoods = Vec::with_capacity(option.len());
            for (at, token) in option.iter().enumerate() {
                if at > 0 {
                    logits = self
                        .inference
                        .extend(&mut sequence, &[&option[at - 1..at]])?;
                }
                let vocabulary = logits.len();
                let mut loss = [0.0];
                rows(&mut loss, &mut logits, vocabulary, &[*token], Logits::Spent);
                if !loss[0].is_finite() {
                    return Err(InferenceError::NotFinite { item }.into());
                }
                likelihoods.push(-loss[0]);
            }
            all.push(likelihoods);
        }
        Ok(all)
    }

    /// The likeliest next tokens of each prompt, up to `most` new ones or one of `stop`; `batch`
    /// prompts at a time, on which the bits do not depend.
    pub fn generate(
        &self,
        prompts: &[Prompt],
        most: usize,
        stop: &[u32],
        batch: usize,
    ) -> Result<Vec<Generated>, AdaptError> {
        for (item, prompt) in prompts.iter().enumerate() {
            self.check(item, prompt)?;
        }
        let requests = (0..).zip(prompts).map(|(id, prompt)| Request {
            id,
            prompt: prompt.tokens,
        });
        let requests: Vec<Request> = requests.collect();
        let how = Generation {
            sampling: Sampling::Greedy,
            most,
            stop: stop.to_vec(),
            batch,
        };
        let begin = |item: usize, room| self.begin(&prompts[item], room);
        Ok(self.inference.generate_with(&requests, &how, begin)?)
    }

    fn check(&self, item: usize, prompt: &Prompt) -> Result<(), AdaptError> {
        self.adapted.check_tokens(item, prompt.tokens, prompt.sight)
    }

    /// An empty sequence in which the vectors of the prompt's images stand at its marked tokens.
    fn begin(&self, prompt: &Prompt, room: usize) -> Sequence {
        let adapted = &self.adapted;
        let encoder = adapted.encoder().map(|own| own.weights.leaves());
        let projector = adapted.projector.weights.leaves();
        let vectors: Option<Matrix> = adapted.vectors(
            &encoder.unwrap_or_default(),
            &projector,
            prompt.sight,
            Activations::Kept,
        );
        let given = vectors.map(|vectors| Given {
            places: Marked::places(prompt.tokens, adapted.marker).rows(),
            vectors: Arc::from(vectors.values()),
        });
        self.inference.sequence_with(room, given)
    }
}
