//! Contrastive training of an encoder beside a text tower (CLIP, Radford et al. 2021).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::contrast::Contrast;
use super::encoder::Network;
use super::layout::normal;
use super::{Encoder, Family, TextConfig, VisionConfig, VisionError};
use crate::course::{Joined, Learner, Trained};
use crate::model::{Part, Slab, Start};
use crate::ops::{Linear, Matrix, Recording, Silent, Tape, linear, rms_norm, take_rows};
use crate::weights::Weights;
use crate::{ConfigError, Course, StepReport};

/// ln(1/0.07): where the temperature starts.
const FIRST_LOG_SCALE: f32 = 2.659_26;
/// ln(100): the scale is held below, as in CLIP's training.
const LARGEST_LOG_SCALE: f32 = 4.605_17;
/// Added to mean squares; no vector of a trained tower is as small.
const EPS: f32 = 1e-12;

/// Shapes of contrastive training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContrastiveConfig {
    /// The encoder, of CLIP's family.
    pub encoder: VisionConfig,
    /// The text tower.
    pub text: TextConfig,
    /// Length of the vectors that are compared.
    pub embedding: usize,
}

/// An encoder and a text tower in training on pairs, with their optimiser.
///
/// The same bits at any number of threads.
#[derive(Clone, Debug)]
pub struct ContrastiveTrainer {
    config: ContrastiveConfig,
    pub(super) encoder: Encoder,
    pub(super) text: Weights,
    /// Projections of both towers, and the logarithm of the logits' scale.
    pub(super) heads: Weights,
    learner: Learner,
}

impl ContrastiveTrainer {
    /// Before the first step. Weights start as an encoder's do, the scale of logits at 1/0.07.
    pub fn new(config: &ContrastiveConfig, course: &Course) -> Result<Self, VisionError> {
        if config.encoder.family != Family::Clip {
            return Err(VisionError::Family {
                found: config.encoder.family,
                wanted: "Clip",
            });
        }
        config.text.check()?;
        match config.embedding {
            0 => return Err(ConfigError::Zero("embedding").into()),
            n if n > 1 << 20 => return Err(ConfigError::TooLarge.into()),
            _ => {}
        }
        let seed = course.seed;
        let mut encoder = Encoder::initial(&config.encoder, seed)?;
        let mut text = Weights::initial(config.text.layout(), seed);
        let scale = Slab::new(
            vec![Part::new("logit_scale", &[])],
            Start::Filled(FIRST_LOG_SCALE),
        );
        let head = |name, width| normal(name, &[config.embedding, width]);
        let heads = vec![
            head("visual_projection.weight", config.encoder.width),
            head("text_projection.weight", config.text.width),
            scale,
        ];
        let mut heads = Weights::initial(heads, seed);
        let joined = Joined(vec![&mut encoder.weights, &mut text, &mut heads]);
        let learner = Learner::new(course, &joined, |_| true)?;
        Ok(Self {
            config: config.clone(),
            encoder,
            text,
            heads,
            learner,
        })
    }

    /// Takes one step on n images [n, 3, side, side] and their n texts.
    ///
    /// Where the loss diverges everything is as before.
    pub fn step(&mut self, pixels: &[f32], texts: &[&str]) -> Result<StepReport, VisionError> {
        let (loss, gradients) = self.gradients(pixels, texts)?;
        let (mut joined, learner) = self.parts();
        let report = learner.step(&mut joined, loss, &gradients)?;
        let scale = &mut Trained::values_mut(&mut self.heads, 2)[0];
        *scale = scale.min(LARGEST_LOG_SCALE);
        Ok(report)
    }

    /// Vectors of images [n, embedding], each of length 1.
    pub fn embed_images(&self, pixels: &[f32]) -> Result<Vec<f32>, VisionError> {
        let images = self.encoder.images(pixels)?;
        let (leaves, heads) = (self.encoder.weights.leaves(), self.heads.leaves());
        let vectors = self.images(&leaves, &heads, pixels, images, Silent);
        Ok(vectors.values().to_vec())
    }

    /// Vectors of texts [n, embedding], each of length 1; of no text, none.
    pub fn embed_texts(&self, texts: &[&str]) -> Vec<f32> {
        if texts.is_empty() {
            return Vec::new();
        }
        let (leaves, heads) = (self.text.leaves(), self.heads.leaves());
        let vectors = self.texts(&leaves, &heads, texts, Silent);
        vectors.values().to_vec()
    }

    /// Steps taken since the run's beginning, before a resume included.
    pub fn steps_done(&self) -> u64 {
        self.learner.done()
    }

    /// The encoder as it is now.
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    /// Everything that a run needs to go on, as safetensors.
    pub fn save(&self) -> Result<Vec<u8>, VisionError> {
        let all: [&dyn Trained; 3] = [&self.encoder.weights, &self.text, &self.heads];
        Ok(self.learner.encode(&all)?)
    }

    /// Goes on from what was saved, to the same bits; where it does not fit, nothing is changed.
    pub fn load(&mut self, state: &[u8]) -> Result<(), VisionError> {
        let (mut joined, learner) = self.parts();
        Ok(learner.decode(&mut joined, state)?)
    }

    /// All weights and what moves them.
    pub(super) fn parts(&mut self) -> (Joined<'_>, &mut Learner) {
        let parts: Vec<&mut dyn Trained> =
            vec![&mut self.encoder.weights, &mut self.text, &mut self.heads];
        (Joined(parts), &mut self.learner)
    }

    /// Loss of pairs, and gradients of all slabs: encoder, text tower, heads.
    pub(super) fn gradients(
        &self,
        pixels: &[f32],
        texts: &[&str],
    ) -> Result<(f64, Vec<Vec<f32>>), VisionError> {
        let images = self.encoder.images(pixels)?;
        if images != texts.len() {
            return Err(VisionError::Unfit {
                found: format!("{images} images and {} texts", texts.len()),
                wanted: "one text for each image",
            });
        }
        let (encoder, text) = (self.encoder.weights.leaves(), self.text.leaves());
        let heads = self.heads.leaves();
        let of_images = self.images(&encoder, &heads, pixels, images, Recording::default());
        let of_texts = self.texts(&text, &heads, texts, Recording::default());
        let (width, log_scale) = (self.config.embedding, Trained::values(&self.heads, 2)[0]);
        let found = Contrast::of(of_images.values(), of_texts.values(), width, log_scale);
        let mut by_image = of_images.backward(found.images)?;
        let mut by_text = of_texts.backward(found.texts)?;
        let mut all = self.encoder.weights.gradients(&mut by_image)?;
        all.extend(self.text.gradients(&mut by_text)?);
        all.push(by_image.take(&heads[0])?);
        all.push(by_text.take(&heads[1])?);
        all.push(vec![found.log_scale]);
        Ok((found.loss, all))
    }

    /// The class token's vector after the last norm, projected, of length 1.
    fn images<T: Tape>(
        &self,
        leaves: &[Matrix],
        heads: &[Matrix],
        pixels: &[f32],
        images: usize,
        tape: T,
    ) -> Matrix<T> {
        let config = &self.config.encoder;
        let network = Network::new(config, leaves);
        let tokens = config.patches() + 1;
        let x = network.embed(pixels, tape);
        let x = network.blocks(x, config.layers, tokens);
        let classes: Arc<[u32]> = (0..images).map(|image| (image * tokens) as u32).collect();
        let x = network.last(take_rows(x, &classes));
        self.unit(linear(x, &Linear::new(heads[0].clone(), None), None))
    }

    fn texts<T: Tape>(
        &self,
        leaves: &[Matrix],
        heads: &[Matrix],
        texts: &[&str],
        tape: T,
    ) -> Matrix<T> {
        let x = self.config.text.forward(leaves, texts, tape);
        self.unit(linear(x, &Linear::new(heads[1].clone(), None), None))
    }

    /// Rows over their lengths: over their root mean square, times 1/√width.
    fn unit<T: Tape>(&self, x: Matrix<T>) -> Matrix<T> {
        let width = self.config.embedding;
        let gain = Matrix::new(vec![1.0 / (width as f32).sqrt(); width], width);
        rms_norm(x, &gain, EPS)
    }
}
