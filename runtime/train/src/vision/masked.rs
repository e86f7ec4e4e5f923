//! Masked autoencoding of images (He et al. 2022).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::block::{block_slabs, norm_slabs, stacked};
use super::encoder::Network;
use super::layout::{VIT, normal};
use super::mask::{Masked, target};
use super::{Encoder, Family, TransformerBlock, VisionConfig, VisionError, waves};
use crate::config::within;
use crate::course::{Joined, Learner, Trained};
use crate::model::{DEVIATION, Slab};
use crate::ops::{
    Marked, Mask, Matrix, Recording, Tape, add, embedding, layer_norm, linear, scatter_rows,
    take_rows,
};
use crate::weights::{Leaves, Weights};
use crate::{Course, StepReport};

/// Shapes of masked autoencoding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaskedConfig {
    /// The encoder, of MAE's family.
    pub encoder: VisionConfig,
    /// The decoder's blocks.
    pub layers: usize,
    /// Length of its residual stream; a multiple of 4.
    pub width: usize,
    /// Its attention heads.
    pub heads: usize,
    /// Length of its MLPs' inner layers.
    pub hidden: usize,
    /// Share of the patches that are hidden, such as 0.75.
    pub mask: f64,
}

/// An encoder and a decoder in training on images alone, with their optimiser.
///
/// Masks are a function of seed, step and image: the same bits at any number of threads.
#[derive(Clone, Debug)]
pub struct MaskedTrainer {
    config: MaskedConfig,
    pub(super) encoder: Encoder,
    pub(super) decoder: Weights,
    learner: Learner,
    seed: u64,
}

impl MaskedConfig {
    /// The decoder's blocks, in the words of an encoder.
    fn decoder(&self) -> VisionConfig {
        VisionConfig {
            layers: self.layers,
            width: self.width,
            heads: self.heads,
            hidden: self.hidden,
            ..self.encoder.clone()
        }
    }

    /// Checks that both can be built, and that some patches are seen and some hidden.
    pub fn check(&self) -> Result<(), VisionError> {
        if self.encoder.family != Family::Mae {
            return Err(VisionError::Family {
                found: self.encoder.family,
                wanted: "Mae",
            });
        }
        self.encoder.check()?;
        self.decoder().check()?;
        let is_share = self.mask > 0.0 && self.mask < 1.0;
        within("mask", self.mask, is_share, "above 0 and below 1")?;
        let patches = self.encoder.patches();
        let seen = (patches as f64 * (1.0 - self.mask)) as usize;
        if seen == 0 || seen == patches {
            return Err(VisionError::Unfit {
                found: format!("{seen} of {patches} patches are seen"),
                wanted: "a share that leaves some and hides some, or smaller patches",
            });
        }
        Ok(())
    }

    /// Every slab of the decoder, under the names of `ViTMAEForPreTraining`.
    pub(super) fn layout(&self) -> Vec<Slab> {
        let (width, outputs) = (self.width, self.encoder.cut().patch());
        let mut slabs = vec![normal("decoder.mask_token", &[1, 1, width])];
        let into = (width, self.encoder.width);
        slabs.extend(stacked("decoder.", &["decoder_embed"], into, DEVIATION));
        for layer in 0..self.layers {
            let prefix = format!("decoder.decoder_encoder.layer.{layer}.");
            let sizes = (self.layers, width, self.hidden);
            slabs.extend(block_slabs(&VIT, &prefix, sizes));
        }
        slabs.extend(norm_slabs("decoder.decoder_norm", width));
        let out = (outputs, width);
        slabs.extend(stacked("decoder.", &["decoder_pred"], out, DEVIATION));
        slabs
    }
}

impl MaskedTrainer {
    /// Before the first step. Weights start as an encoder's do; positions are fixed.
    pub fn new(config: &MaskedConfig, course: &Course) -> Result<Self, VisionError> {
        config.check()?;
        let mut encoder = Encoder::initial(&config.encoder, course.seed)?;
        let mut decoder = Weights::initial(config.layout(), course.seed);
        let joined = Joined(vec![&mut encoder.weights, &mut decoder]);
        let learner = Learner::new(course, &joined, |_| true)?;
        Ok(Self {
            config: config.clone(),
            encoder,
            decoder,
            learner,
            seed: course.seed,
        })
    }

    /// Takes one step on images [n, 3, side, side]. The loss is the mean squared error of hidden
    /// patches' normalised pixels; where it diverges everything is as before.
    pub fn step(&mut self, pixels: &[f32]) -> Result<StepReport, VisionError> {
        let masks = self.masks(self.learner.done(), self.encoder.images(pixels)?);
        let (loss, gradients) = self.gradients(pixels, &masks)?;
        let (mut joined, learner) = self.parts();
        Ok(learner.step(&mut joined, loss, &gradients)?)
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
        let all: [&dyn Trained; 2] = [&self.encoder.weights, &self.decoder];
        Ok(self.learner.encode(&all)?)
    }

    /// Goes on from what was saved, to the same bits; where it does not fit, nothing is changed.
    pub fn load(&mut self, state: &[u8]) -> Result<(), VisionError> {
        let (mut joined, learner) = self.parts();
        Ok(learner.decode(&mut joined, state)?)
    }

    /// All weights and what moves them.
    pub(super) fn parts(&mut self) -> (Joined<'_>, &mut Learner) {
        let parts: Vec<&mut dyn Trained> = vec![&mut self.encoder.weights, &mut self.decoder];
        (Joined(parts), &mut self.learner)
    }

    /// The masks of a step's images.
    pub(super) fn masks(&self, step: u64, images: usize) -> Vec<Masked> {
        let (patches, share) = (self.config.encoder.patches(), self.config.mask);
        (0..images)
            .map(|image| Masked::draw(self.seed, step, image, patches, share))
            .collect()
    }

    /// Loss of checked images, and gradients of all slabs: encoder, decoder.
    pub(super) fn gradients(
        &self,
        pixels: &[f32],
        masks: &[Masked],
    ) -> Result<(f64, Vec<Vec<f32>>), VisionError> {
        let (encoder, decoder) = (self.encoder.weights.leaves(), self.decoder.leaves());
        let found = self.predict(&encoder, &decoder, pixels, masks, Recording::default());
        let config = &self.config.encoder;
        let images = pixels.chunks_exact(config.pixels()).zip(masks);
        let targets = images.flat_map(|(image, mask)| {
            let hidden = mask.hidden.iter();
            hidden.flat_map(|&patch| target(config, image, patch))
        });
        let errors: Vec<f32> = found
            .values()
            .iter()
            .zip(targets)
            .map(|(y, t)| y - t)
            .collect();
        let n = errors.len() as f64;
        let loss = errors.iter().map(|e| f64::from(*e).powi(2)).sum::<f64>() / n;
        let seed = errors.iter().map(|e| (2.0 * f64::from(*e) / n) as f32);
        let mut gradients = found.backward(seed.collect())?;
        let mut all = self.encoder.weights.gradients(&mut gradients)?;
        all.extend(self.decoder.gradients(&mut gradients)?);
        Ok((loss, all))
    }

    /// What the decoder says of hidden patches, [all images' hidden patches, numbers of a patch].
    fn predict<T: Tape>(
        &self,
        encoder: &[Matrix],
        decoder: &[Matrix],
        pixels: &[f32],
        masks: &[Masked],
        tape: T,
    ) -> Matrix<T> {
        let (config, blocks) = (&self.config.encoder, self.config.decoder());
        let network = Network::new(config, encoder);
        let (tokens, all) = (config.patches() + 1, masks.len() * (config.patches() + 1));
        // The class token is row 0 of its image, patch p is row p + 1.
        let rows = |of: fn(&Masked) -> &[usize], class: bool| -> Arc<[u32]> {
            let images = masks.iter().enumerate();
            let rows = images.flat_map(|(image, mask)| {
                let patches = of(mask).iter().map(|patch| patch + 1);
                let class = class.then_some(0).into_iter();
                class
                    .chain(patches)
                    .map(move |row| (image * tokens + row) as u32)
            });
            rows.collect()
        };
        let seen = rows(|mask| &mask.seen, true);
        let x = take_rows(network.embed(pixels, tape), &seen);
        let x = network.blocks(x, config.layers, seen.len() / masks.len());
        let x = network.last(x);

        let mut leaves = Leaves::new(decoder);
        let mask_token = leaves.next();
        let x = linear(x, &leaves.linear(), None);
        let everywhere: Arc<[u32]> = vec![0; all].into();
        let masked = embedding(&mask_token, &everywhere, T::default());
        let mut marks = vec![0; all];
        seen.iter().for_each(|row| marks[*row as usize] = 1);
        let x = scatter_rows(masked, x, &Marked::places(&marks, 1));
        let positions = waves(config.grid(), self.config.width).repeat(masks.len());
        let positions = Matrix::new(positions, self.config.width);
        let mut x = add(x, positions.record(T::default()));
        for _ in 0..self.config.layers {
            let block = TransformerBlock::new(&mut leaves, &blocks, false);
            x = block.forward(x, &blocks, Mask::Full, tokens);
        }
        let norm = leaves.norm(config.norm_eps as f32);
        let x = take_rows(layer_norm(x, &norm), &rows(|mask| &mask.hidden, false));
        linear(x, &leaves.linear(), None)
    }
}
