//! A decoder that reads images among its text.

use std::sync::Arc;

use super::sight::Eye;
use super::{AdaptError, Projector, Sight};
use crate::batch::check_rows;
use crate::course::Trained;
use crate::gradient::Activations;
use crate::model::Parameters;
use crate::ops::{
    Loss, Marked, Matrix, Recording, Silent, Tape, cross_entropy, embedding, scatter_rows,
    take_rows,
};
use crate::{Model, TrainError};

/// A decoder and a projector, and an encoder if it has its own; the token `marker` stands where a vector
/// of an image belongs.
#[derive(Clone, Debug)]
pub struct Adapted {
    pub(super) model: Model,
    pub(super) projector: Projector,
    pub(super) marker: u32,
    pub(super) eye: Option<Eye>,
}

/// A text to learn from, with images or without.
#[derive(Clone, Copy, Debug)]
pub struct Example<'a> {
    /// All tokens, at most the decoder's context; each visual token of an image is a marker.
    pub tokens: &'a [u32],
    /// Which tokens the loss is of; as long as `tokens`. Not the first, and no marker.
    pub answer: &'a [bool],
    /// Its images.
    pub sight: Sight<'a>,
}

/// All weights in one pass.
struct Pass {
    projector: Vec<Matrix>,
    parameters: Parameters,
    encoder: Vec<Matrix>,
    activations: Activations,
}

/// Loss and gradients of some examples.
pub(super) struct Shard {
    /// Sum of the losses of all answer tokens, in nats.
    pub(super) loss: f64,
    /// Gradients of the mean loss: projector, decoder, encoder; empty where they are not asked for.
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
            eye: None,
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
    pub fn logits(&self, tokens: &[u32], sight: Sight) -> Result<Vec<f32>, AdaptError> {
        self.check_tokens(0, tokens, sight)?;
        let pass = self.pass(Activations::Kept, |_| false);
        let hidden = self.hidden(&pass, tokens, sight, Silent);
        let head = self.model.head(&pass.parameters);
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
                let pass = self.pass(Activations::Kept, |_| false);
                Ok(self.loss(&pass, example, count, Silent).total / count as f64)
            })
            .collect()
    }

    /// All weights for a new pass; `wanted` says of which slabs there are to be gradients, in the order
    /// of [`Shard::gradients`].
    fn pass(&self, activations: Activations, wanted: impl Fn(usize) -> bool) -> Pass {
        let [decoder, encoder] = self.begins();
        let own = self.encoder().map(|own| &own.weights);
        Pass {
            projector: self.projector.weights.leaves_where(&wanted),
            parameters: Parameters::where_wanted(&self.model, |index| wanted(decoder + index)),
            encoder: own.map_or_else(Vec::new, |own| {
                own.leaves_where(|index| wanted(encoder + index))
            }),
            activations,
        }
    }

    /// Which slabs are the decoder's and the encoder's first; the projector's come before.
    pub(super) fn begins(&self) -> [usize; 2] {
        let decoder = Trained::len(&self.projector.weights);
        [decoder, decoder + Trained::len(&self.model)]
    }

    /// Vectors of checked images, [visual tokens, width]; none where there are no images.
    pub(super) fn vectors<T: Tape>(
        &self,
        encoder: &[Matrix],
        projector: &[Matrix],
        sight: Sight,
        activations: Activations,
    ) -> Option<Matrix<T>> {
        let images = self.see(encoder, sight, activations);
        (!images.is_empty()).then(|| self.projector.forward(projector, images))
    }

    /// Output of the last norm, [tokens, width], of a checked text.
    fn hidden<T: Tape>(&self, pass: &Pass, tokens: &[u32], sight: Sight, tape: T) -> Matrix<T> {
        let mut x = embedding(pass.parameters.table(), &Arc::from(tokens), tape);
        let vectors = self.vectors(&pass.encoder, &pass.projector, sight, pass.activations);
        if let Some(vectors) = vectors {
            x = scatter_rows(x, vectors, &Marked::places(tokens, self.marker));
        }
        let length = x.rows();
        self.model
            .decode(&pass.parameters, x, length, pass.activations)
    }

    /// Loss of a checked example, of whose batch `count` tokens are answers.
    fn loss<T: Tape>(&self, pass: &Pass, example: &Example, count: usize, tape: T) -> Loss<T> {
        let Example {
            tokens,
            answer,
            sight,
        } = *example;
        let hidden = self.hidden(pass, tokens, sight, tape);
        let answers = answer.iter().enumerate();
        let answers = answers.filter(|(_, is_answer)| **is_answer);
        let (rows, targets): (Vec<u32>, Vec<u32>) =
            answers.map(|(at, _)| (at as u32 - 1, tokens[at])).unzip();
        let hidden = take_rows(hidden, &Arc::from(rows));
        let head = self.model.head(&pass.parameters);
        cross_entropy(hidden, head, &targets, count)
    }

    /// Loss and gradients of a checked example; `wanted` says of which slabs. Of the others none are
    /// computed.
    pub(super) fn shard(
        &self,
        example: &Example,
        count: usize,
        activations: Activations,
        wanted: impl Fn(usize) -> bool,
    ) -> Result<Shard, TrainError> {
        let pass = self.pass(activations, &wanted);
        let loss = self.loss(&pass, example, count, Recording::default());
        let total = loss.total;
        let mut gradients = loss.backward()?;
        let [decoder, encoder] = self.begins();
        let projector = &self.projector.weights;
        let mut all = projector.gradients_where(&mut gradients, &wanted)?;
        let of_decoder = |index| wanted(decoder + index);
        all.extend(gradients.take_where(self.model.tensors(), of_decoder)?);
        if let Some(own) = self.encoder() {
            let of_encoder = |index| wanted(encoder + index);
            all.extend(own.weights.gradients_where(&mut gradients, of_encoder)?);
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
            sight,
        } = *example;
        self.check_tokens(item, tokens, sight)?;
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
        sight: Sight,
    ) -> Result<(), AdaptError> {
        check_rows(self.model.config(), tokens, tokens.len())
            .map_err(|source| AdaptError::Tokens { item, source })?;
        let marked = Marked::places(tokens, self.marker).count();
        let vectors = self.images(item, sight)? * self.projector.config().tokens;
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
