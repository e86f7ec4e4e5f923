//! A decoder that reads images among its text.

use std::sync::Arc;

use super::{AdaptError, Projector};
use crate::batch::check_rows;
use crate::gradient::Activations;
use crate::model::Parameters;
use crate::ops::{
    Loss, Marked, Matrix, Recording, Silent, Tape, cross_entropy, embedding, scatter_rows,
    take_rows,
};
use crate::{Model, TrainError};

/// A decoder and a projector; the token `marker` stands where a vector of an image belongs.
#[derive(Clone, Debug)]
pub struct Adapted {
    pub(super) model: Model,
    pub(super) projector: Projector,
    pub(super) marker: u32,
}

/// A text to learn from, with images or without.
#[derive(Clone, Copy, Debug)]
pub struct Example<'a> {
    /// All tokens, at most the decoder's context; each visual token of an image is a marker.
    pub tokens: &'a [u32],
    /// Which tokens the loss is of; as long as `tokens`. Not the first, and no marker.
    pub answer: &'a [bool],
    /// Features of its images in order, [images·grid², features]; empty where there are none.
    pub features: &'a [f32],
}

/// Loss and gradients of some examples.
pub(super) struct Shard {
    /// Sum of the losses of all answer tokens, in nats.
    pub(super) loss: f64,
    /// Gradients of the mean loss, projector before decoder; empty where they are not asked for.
    pub(super) gradients: Vec<Vec<f32>>,
}

impl Adapted {
    /// Puts both together; fails where the projector's vectors are not as long as the decoder's, or
    /// the marker is not in its vocabulary.
    pub fn new(model: Model, projector: Projector, marker: u32) -> Result<Self, AdaptError> {
        let (outputs, width) = (projector.config().outputs, model.config().width);
        if outputs != width {
            return Err(AdaptError::Width { outputs, width });
        }
        let vocabulary = model.config().vocabulary;
        if marker as usize >= vocabulary {
            return Err(AdaptError::Marker { marker, vocabulary });
        }
        Ok(Self {
            model,
            projector,
            marker,
        })
    }

    /// The decoder.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The projector.
    pub fn projector(&self) -> &Projector {
        &self.projector
    }

    /// The token that stands for vectors of images.
    pub fn marker(&self) -> u32 {
        self.marker
    }

    /// Logits after each token, [tokens, vocabulary].
    pub fn logits(&self, tokens: &[u32], features: &[f32]) -> Result<Vec<f32>, AdaptError> {
        self.check_tokens(0, tokens, features)?;
        let parameters = Parameters::new(&self.model);
        let leaves = self.projector.weights.leaves();
        let x = self.read(&parameters, &leaves, tokens, features, Silent);
        let hidden = self.decode(&parameters, x, Activations::Kept);
        let head = self.model.head(&parameters);
        let mut logits = vec![0.0; tokens.len() * head.rows()];
        let (x, weight) = (hidden.values(), head.values());
        let write = crate::kernels::gemm::Write::Set;
        crate::kernels::gemm::linear(&mut logits, write, x, weight, head.columns());
        Ok(logits)
    }

    /// Mean loss of the answer tokens, in nats, of each example.
    pub fn losses(&self, examples: &[Example]) -> Result<Vec<f64>, AdaptError> {
        examples
            .iter()
            .enumerate()
            .map(|(item, example)| {
                let count = self.check(item, example)?;
                Ok(self.loss(example, count, Activations::Kept, Silent).total / count as f64)
            })
            .collect()
    }

    /// What the first block reads of a checked text, [tokens, width].
    fn read<T: Tape>(
        &self,
        parameters: &Parameters,
        leaves: &[Matrix],
        tokens: &[u32],
        features: &[f32],
        tape: T,
    ) -> Matrix<T> {
        let mut x = embedding(parameters.table(), &Arc::from(tokens), tape);
        if !features.is_empty() {
            let fresh = T::default();
            let vectors = self.projector.forward(leaves, features, fresh);
            x = scatter_rows(x, vectors, &Marked::places(tokens, self.marker));
        }
        x
    }

    /// Output of the last norm, [tokens, width], of one text.
    fn decode<T: Tape>(
        &self,
        parameters: &Parameters,
        x: Matrix<T>,
        activations: Activations,
    ) -> Matrix<T> {
        let length = x.rows();
        self.model.decode(parameters, x, length, activations)
    }

    /// Loss of a checked example, of whose batch `count` tokens are answers.
    fn loss<T: Tape>(
        &self,
        example: &Example,
        count: usize,
        activations: Activations,
        tape: T,
    ) -> Loss<T> {
        let parameters = Parameters::new(&self.model);
        let leaves = self.projector.weights.leaves();
        let Example {
            tokens, features, ..
        } = *example;
        let x = self.read(&parameters, &leaves, tokens, features, tape);
        let hidden = self.decode(&parameters, x, activations);
        let answers = example.answer.iter().enumerate();
        let answers = answers.filter(|(_, is_answer)| **is_answer);
        let (rows, targets): (Vec<u32>, Vec<u32>) =
            answers.map(|(at, _)| (at as u32 - 1, tokens[at])).unzip();
        let hidden = take_rows(hidden, &Arc::from(rows));
        let head = self.model.head(&parameters);
        cross_entropy(hidden, head, &targets, count)
    }

    /// Loss and gradients of a checked example; `wanted` says of which slabs, projector first.
    pub(super) fn shard(
        &self,
        example: &Example,
        count: usize,
        activations: Activations,
        wanted: impl Fn(usize) -> bool,
    ) -> Result<Shard, TrainError> {
        let loss = self.loss(example, count, activations, Recording::default());
        let total = loss.total;
        let mut gradients = loss.backward()?;
        let mut all = self.projector.weights.gradients(&mut gradients)?;
        for index in 0..self.model.slabs_in_place().len() {
            all.push(if wanted(all.len()) {
                gradients.take_of(self.model.tensor(index))?
            } else {
                Vec::new()
            });
        }
        Ok(Shard {
            loss: total,
            gradients: all,
        })
    }

    /// Checks an example; tells how many answer tokens it has.
    pub(super) fn check(&self, item: usize, example: &Example) -> Result<usize, AdaptError> {
        let Example {
            tokens,
            answer,
            features,
        } = *example;
        self.check_tokens(item, tokens, features)?;
        let wrong = |problem| Err(AdaptError::Answer { item, problem });
        if answer.len() != tokens.len() {
            return wrong(
                "`answer` is not as long as `tokens`; say of each token whether it is one",
            );
        }
        if answer.first() == Some(&true) {
            return wrong("the first token has nothing before it; leave it out of the answer");
        }
        let mut pairs = tokens.iter().zip(answer);
        if pairs.any(|(token, is_answer)| *is_answer && *token == self.marker) {
            return wrong("an image token cannot be an answer; leave it out of the answer");
        }
        match answer.iter().filter(|is_answer| **is_answer).count() {
            0 => wrong("no token is an answer; mark at least one"),
            count => Ok(count),
        }
    }

    /// Checks that a text can be read, and that its images fill its marked places.
    pub(super) fn check_tokens(
        &self,
        item: usize,
        tokens: &[u32],
        features: &[f32],
    ) -> Result<(), AdaptError> {
        check_rows(self.model.config(), tokens, tokens.len())
            .map_err(|source| AdaptError::Tokens { item, source })?;
        let config = self.projector.config();
        let (found, each) = (features.len(), config.numbers());
        if !found.is_multiple_of(each) {
            return Err(AdaptError::Features { item, found, each });
        }
        let marked = Marked::places(tokens, self.marker).count();
        let vectors = found / each * config.tokens;
        if marked != vectors {
            return Err(AdaptError::Marked {
                item,
                marked,
                vectors,
            });
        }
        Ok(())
    }
}
