//! The text tower of contrastive training: a small causal transformer over bytes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::block::{block_slabs, norm_slabs};
use super::layout::{CLIP, normal};
use super::{Family, TransformerBlock, VisionConfig, VisionError};
use crate::model::Slab;
use crate::ops::{Activation, Mask, Matrix, Tape, add, embedding, layer_norm, take_rows};
use crate::weights::Leaves;

/// After the last byte of a text; its vector stands for the whole.
const END: u32 = 256;

/// Shape of a text tower.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextConfig {
    /// Transformer blocks.
    pub layers: usize,
    /// Length of the residual stream.
    pub width: usize,
    /// Attention heads; each is `width / heads` long.
    pub heads: usize,
    /// Length of the MLP's inner layer.
    pub hidden: usize,
    /// Bytes of a text that are read, and one for its end.
    pub context: usize,
}

impl TextConfig {
    /// Checks that the tower can be built.
    pub(super) fn check(&self) -> Result<(), VisionError> {
        if !(2..=1 << 16).contains(&self.context) {
            return Err(VisionError::Unfit {
                found: format!("a context of {} bytes", self.context),
                wanted: "2 to 65536",
            });
        }
        Ok(self.blocks().check()?)
    }

    /// What a block needs to know, in the words of images.
    fn blocks(&self) -> VisionConfig {
        VisionConfig {
            family: Family::Clip,
            layers: self.layers,
            width: self.width,
            heads: self.heads,
            hidden: self.hidden,
            gated: false,
            patch: 1,
            image: 1,
            activation: Activation::QuickGelu,
            norm_eps: 1e-5,
        }
    }

    /// Every slab, in the order in which [`TextConfig::forward`] takes them.
    pub(super) fn layout(&self) -> Vec<Slab> {
        let table =
            |name: &str, rows| normal(&format!("text_model.{name}.weight"), &[rows, self.width]);
        let mut slabs = vec![
            table("embeddings.token_embedding", END as usize + 1),
            table("embeddings.position_embedding", self.context),
        ];
        for layer in 0..self.layers {
            let prefix = format!("text_model.encoder.layers.{layer}.");
            let sizes = (self.layers, self.width, self.hidden);
            slabs.extend(block_slabs(&CLIP, &prefix, sizes));
        }
        slabs.extend(norm_slabs("text_model.final_layer_norm", self.width));
        slabs
    }

    /// The vectors of texts, [n, width]: those of their ends. Longer texts are cut.
    ///
    /// Each text takes up as much as the longest; what stands after its end it cannot see.
    pub(super) fn forward<T: Tape>(&self, leaves: &[Matrix], texts: &[&str], tape: T) -> Matrix<T> {
        let (config, mut leaves) = (self.blocks(), Leaves::new(leaves));
        let longest = texts
            .iter()
            .map(|text| text.len())
            .max()
            .unwrap_or_default();
        let length = self.context.min(longest + 1);
        let mut tokens = Vec::with_capacity(texts.len() * length);
        let mut ends = Vec::with_capacity(texts.len());
        for text in texts {
            let read = text.len().min(length - 1);
            ends.push((tokens.len() + read) as u32);
            tokens.extend(text.bytes().take(read).map(u32::from));
            tokens.extend(std::iter::repeat_n(END, length - read));
        }
        let places = (0..texts.len()).flat_map(|_| 0..length as u32);
        let places: Arc<[u32]> = places.collect();
        let x = embedding(&leaves.next(), &Arc::from(tokens), tape);
        let mut x = add(x, embedding(&leaves.next(), &places, T::default()));
        for _ in 0..self.layers {
            let block = TransformerBlock::new(&mut leaves, &config, false);
            x = block.forward(x, &config, Mask::Causal, length);
        }
        let norm = leaves.norm(config.norm_eps as f32);
        layer_norm(take_rows(x, &Arc::from(ends)), &norm)
    }
}
