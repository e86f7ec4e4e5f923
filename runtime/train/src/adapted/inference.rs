//! Scores of options and generation, with images.

use std::sync::Arc;

use super::{AdaptError, Adapted, Sight};
use crate::inference::{Given, Options};
use crate::ops::{Marked, Matrix};
use crate::{Activations, Generated, Generation, Inference, Request, Sampling, Sequence};

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

    /// log p of each token of each option of each question, in nats; `batch` questions at a time, on
    /// which the bits do not depend.
    ///
    /// A prompt is read once for all its options. Fails before any work where an item does not fit.
    pub fn score(
        &self,
        questions: &[Question],
        batch: usize,
    ) -> Result<Vec<Vec<Vec<f64>>>, AdaptError> {
        for (item, question) in questions.iter().enumerate() {
            self.check(item, &question.prompt)?;
        }
        let asked: Vec<Options> = questions
            .iter()
            .map(|question| Options {
                prompt: question.prompt.tokens,
                options: question.options,
            })
            .collect();
        let begin = |item: usize, room| self.begin(&questions[item].prompt, room);
        Ok(self.inference.score_options_with(&asked, batch, begin)?)
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
        self.inference
            .sequence_with(room, self.adapted.seen(prompt))
    }
}

impl Adapted {
    /// What the decoder reads in the place of the marked tokens of a prompt; none where it has no images.
    ///
    /// Fails, naming item `item`, where images and markers do not fit each other or the model.
    pub fn given(&self, item: usize, prompt: &Prompt) -> Result<Option<Given>, AdaptError> {
        self.check_tokens(item, prompt.tokens, prompt.sight)?;
        Ok(self.seen(prompt))
    }

    /// The same of a checked prompt.
    fn seen(&self, prompt: &Prompt) -> Option<Given> {
        let encoder = self.encoder().map(|own| own.weights.leaves());
        let projector = self.projector.weights.leaves();
        let vectors: Option<Matrix> = self.vectors(
            &encoder.unwrap_or_default(),
            &projector,
            prompt.sight,
            Activations::Kept,
        );
        vectors.map(|vectors| Given {
            places: Marked::places(prompt.tokens, self.marker).rows(),
            vectors: Arc::from(vectors.values()),
        })
    }
}
