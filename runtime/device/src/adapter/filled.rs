//! Batches of examples, filled up to one shape.

use vpc_train::adapted::{Example, Sight, resize};

use crate::DeviceError;
use crate::program::{AdaptModel, AdaptShape, NOWHERE};

/// A batch as a step reads it.
pub(super) struct Filled {
    pub(super) shape: AdaptShape,
    pub(super) inputs: Vec<u32>,
    pub(super) features: Vec<f32>,
    pub(super) places: Vec<u32>,
    pub(super) answers: Vec<u32>,
    pub(super) targets: Vec<u32>,
}

impl Filled {
    /// Fills up a checked batch of which `count` tokens are answers.
    pub(super) fn of(
        batch: &[Example],
        count: usize,
        rows: usize,
        model: &AdaptModel,
    ) -> Result<Self, DeviceError> {
        let config = &model.projector;
        let images = |example: &Example| match example.sight {
            Sight::Features(features) => features.len() / config.numbers(),
            Sight::None | Sight::Pixels(_) => 0,
        };
        let is_raw = |example: &Example| matches!(example.sight, Sight::Pixels([_, ..]));
        if batch.iter().any(is_raw) {
            let what = "look at pixels in training; give it an encoder's features";
            return Err(DeviceError::Unsupported(what.to_owned()));
        }
        let longest = batch.iter().map(|example| example.tokens.len()).max();
        let shape = AdaptShape {
            rows: rows.max(batch.len()),
            length: longest.unwrap_or_default(),
            images: batch.iter().map(images).sum(),
            answers: count,
        };
        let shape = shape.filled(model.model.context);
        let vectors = shape.images * config.tokens;
        // What is read nowhere is some token each: the gradient of one that stands very often is slow.
        let vocabulary = model.model.vocabulary;
        let all = shape.rows * shape.length;
        let mut filled = Self {
            shape,
            inputs: (0..all).map(|at| (at % vocabulary) as u32).collect(),
            features: Vec::with_capacity(vectors * config.features),
            places: Vec::with_capacity(vectors),
            answers: Vec::with_capacity(shape.answers),
            targets: Vec::with_capacity(shape.answers),
        };
        for (row, example) in batch.iter().enumerate() {
            filled.add(row * shape.length, example, model);
        }
        filled.features.resize(vectors * config.features, 0.0);
        filled.places.resize(vectors, NOWHERE);
        filled.answers.resize(shape.answers, NOWHERE);
        filled.targets.resize(shape.answers, NOWHERE);
        Ok(filled)
    }

    /// Adds an example whose first token has row `start`.
    fn add(&mut self, start: usize, example: &Example, model: &AdaptModel) {
        let config = &model.projector;
        let pairs = example.tokens.iter().zip(example.answer);
        for (at, (token, is_answer)) in pairs.enumerate() {
            let row = start + at;
            if *token == model.marker {
                self.places.push(row as u32);
            } else {
                self.inputs[row] = *token;
            }
            if *is_answer {
                self.answers.push(row as u32 - 1);
                self.targets.push(*token);
            }
        }
        if let Sight::Features(features) = example.sight {
            for image in features.chunks_exact(config.numbers()) {
                let resized = resize(image, config.features, config.grid, config.side());
                self.features.extend(resized);
            }
        }
    }
}
