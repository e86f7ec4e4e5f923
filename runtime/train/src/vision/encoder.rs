//! A vision transformer with its weights, and its forward pass.

use std::sync::Arc;

use rayon::prelude::*;

use super::layout::{layout, used};
use super::{Family, TransformerBlock, VisionConfig, VisionError};
use crate::ops::{
    Block, Linear, Mask, Matrix, Norm, PatchEmbedding, Silent, Tape, checkpoint, layer_norm,
    patch_embedding, take_rows,
};
use crate::weights::{Leaves, Weights};
use crate::{Activations, ConfigError};

/// A vision transformer with its weights.
#[derive(Clone, Debug)]
pub struct Encoder {
    pub(super) config: VisionConfig,
    pub(crate) weights: Weights,
}

/// Which of an encoder's layers gives features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// `last_hidden_state` of `transformers`: after the last norm where the family has one.
    Last,
    /// `hidden_states[-n]`, from 1: before any norm after the blocks. LLaVA takes 2.
    FromEnd(usize),
}

/// Where the vectors of a layer arise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    /// After so many blocks,
    pub(super) blocks: usize,
    /// and after the last norm.
    pub(super) normed: bool,
}

/// Which vectors of an image are its features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// Of which layer.
    pub layer: Layer,
    /// Whether the class token's vector comes before those of the patches.
    pub class: bool,
}

impl Encoder {
    /// An encoder with the initial weights of `seed`: normal with deviation 0.02, smaller where they
    /// add to the residual stream, biases 0, gains 1.
    pub fn initial(config: &VisionConfig, seed: u64) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            config: config.clone(),
            weights: Weights::initial(layout(config), seed),
        })
    }

    /// An encoder's slabs, for readers of its numbers.
    pub(super) fn of_weights(config: VisionConfig, weights: Weights) -> Self {
        Self { config, weights }
    }

    /// Its shape.
    pub fn config(&self) -> &VisionConfig {
        &self.config
    }

    /// Vectors of each image: [n, patches (one more with the class token), width].
    ///
    /// `pixels` is [n, 3, side, side], normalised as the encoder's training was. Fails where these are
    /// no whole images, or there is no such layer.
    pub fn features(&self, pixels: &[f32], of: Features) -> Result<Vec<f32>, VisionError> {
        self.images(pixels)?;
        let at = self.at(of.layer)?;
        let leaves = self.weights.leaves();
        let network = Network::new(&self.config, &leaves);
        let skipped = if of.class { 0 } else { self.config.width };
        // One image at a time: no number of it may depend on those beside it.
        let images = pixels.par_chunks(self.config.pixels()).map(|image| {
            let x = network.see(image, at, Activations::Kept, Silent);
            x.values()[skipped..].to_vec()
        });
        Ok(images.collect::<Vec<_>>().concat())
    }

    /// Where a layer's vectors arise; fails where there is no such layer.
    pub(crate) fn at(&self, layer: Layer) -> Result<At, VisionError> {
        let layers = self.config.layers;
        match layer {
            Layer::Last => Ok(At {
                blocks: layers,
                normed: self.config.family != Family::Clip,
            }),
            Layer::FromEnd(n) => match (layers + 1).checked_sub(n).filter(|_| n > 0) {
                Some(blocks) => Ok(At {
                    blocks,
                    normed: false,
                }),
                None => Err(VisionError::Layer {
                    asked: n,
                    most: layers + 1,
                }),
            },
        }
    }

    /// Of each slab whether it is used on the way there.
    pub(crate) fn used(&self, at: At) -> Vec<bool> {
        used(&self.config, at.blocks, at.normed)
    }

    /// Vectors of patches, [patches, width], of each of some checked images: the bits of
    /// [`Encoder::features`] without the class token, on a tape of its own each.
    ///
    /// `leaves` are of [`Weights::leaves`].
    pub(crate) fn see<T: Tape>(
        &self,
        leaves: &[Matrix],
        pixels: &[f32],
        at: At,
        activations: Activations,
    ) -> Vec<Matrix<T>> {
        let network = Network::new(&self.config, leaves);
        let patches: Arc<[u32]> = (1..=self.config.patches() as u32).collect();
        let images = pixels.chunks_exact(self.config.pixels());
        images
            .map(|image| {
                let x = network.see(image, at, activations, T::default());
                take_rows(x, &patches)
            })
            .collect()
    }

    /// The class token's vector after each block, for each image: `[layers][n·width]`; before any norm
    /// after the blocks, as `platonic-rep` takes it.
    ///
    /// `pixels` is as for [`Self::features`]. Fails where these are no whole images.
    pub fn representations(&self, pixels: &[f32]) -> Result<Vec<Vec<f32>>, VisionError> {
        self.images(pixels)?;
        let leaves = self.weights.leaves();
        let network = Network::new(&self.config, &leaves);
        let length = self.config.patches() + 1;
        let images = pixels.par_chunks(self.config.pixels()).map(|image| {
            let mut x = network.embed(image, Silent);
            let mut after = Vec::with_capacity(self.config.layers);
            for block in &network.blocks {
                x = block.forward(x, &self.config, Mask::Full, length);
                after.push(x.values()[..self.config.width].to_vec());
            }
            after
        });
        let images: Vec<Vec<Vec<f32>>> = images.collect();
        let layer = |layer: usize| {
            images
                .iter()
                .flat_map(|image| image[layer].clone())
                .collect()
        };
        Ok((0..self.config.layers).map(layer).collect())
    }

    /// How many images these pixels are; fails where they are no whole ones.
    pub(super) fn images(&self, pixels: &[f32]) -> Result<usize, VisionError> {
        let each = self.config.pixels();
        match pixels.len() / each {
            n if n > 0 && n * each == pixels.len() => Ok(n),
            _ => Err(VisionError::Pixels {
                found: pixels.len(),
                side: self.config.image,
            }),
        }
    }
}

/// An encoder's weights in one pass.
pub(super) struct Network<'a> {
    config: &'a VisionConfig,
    embedding: PatchEmbedding,
    /// Before the blocks.
    first: Option<Norm>,
    blocks: Vec<TransformerBlock>,
    /// After the blocks.
    last: Norm,
}

impl<'a> Network<'a> {
    /// Takes `leaves` in the order of the layout.
    pub(super) fn new(config: &'a VisionConfig, leaves: &[Matrix]) -> Self {
        let (mut leaves, eps) = (Leaves::new(leaves), config.norm_eps as f32);
        let class = Some(leaves.next());
        if config.family == Family::Dinov2 {
            // The mask token, which only its own training uses.
            leaves.next();
        }
        let projection = match config.family {
            Family::Clip => Linear::new(leaves.next(), None),
            _ => leaves.linear(),
        };
        let embedding = PatchEmbedding {
            patches: config.cut(),
            projection,
            class,
            positions: Some(leaves.next()),
        };
        let first = (config.family == Family::Clip).then(|| leaves.norm(eps));
        let scaled = config.family.is_scaled();
        let blocks = (0..config.layers)
            .map(|_| TransformerBlock::new(&mut leaves, config, scaled))
            .collect();
        Self {
            config,
            embedding,
            first,
            blocks,
            last: leaves.norm(eps),
        }
    }

    /// What the first block reads: [n·(patches + 1), width].
    pub(super) fn embed<T: Tape>(&self, pixels: &[f32], tape: T) -> Matrix<T> {
        let x = patch_embedding(pixels, &self.embedding, tape);
        match &self.first {
            Some(norm) => layer_norm(x, norm),
            None => x,
        }
    }

    /// The first `blocks` blocks, for sequences of `length`.
    pub(super) fn blocks<T: Tape>(&self, x: Matrix<T>, blocks: usize, length: usize) -> Matrix<T> {
        self.blocks[..blocks].iter().fold(x, |x, block| {
            block.forward(x, self.config, Mask::Full, length)
        })
    }

    /// Vectors of one image, class token first: [patches + 1, width].
    fn see<T: Tape>(&self, image: &[f32], at: At, activations: Activations, tape: T) -> Matrix<T> {
        let length = self.config.patches() + 1;
        let x = self.embed(image, tape);
        let x = match activations {
            Activations::Kept => self.blocks(x, at.blocks, length),
            Activations::Recomputed => self.blocks[..at.blocks].iter().fold(x, |x, block| {
                let (block, config) = (block.clone(), self.config.clone());
                checkpoint(x, Alone { block, config })
            }),
        };
        if at.normed { self.last(x) } else { x }
    }

    /// The norm after the blocks.
    pub(super) fn last<T: Tape>(&self, x: Matrix<T>) -> Matrix<T> {
        layer_norm(x, &self.last)
    }
}

/// A block of one image, by itself.
struct Alone {
    block: TransformerBlock,
    config: VisionConfig,
}

impl Block for Alone {
    fn forward<T: Tape>(&self, x: Matrix<T>) -> Matrix<T> {
        let length = self.config.patches() + 1;
        self.block.forward(x, &self.config, Mask::Full, length)
    }
}
