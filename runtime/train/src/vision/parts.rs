//! A frozen encoder as plain numbers, for those that run it elsewhere.

use super::{Encoder, Family, Layer, VisionConfig, VisionError};
use crate::course::Trained;

/// What of an encoder is used on the way to one layer's vectors, row-major.
///
/// Of rows `x` of [`Encoder::rows`]: `x·projectionᵀ`, plus `start` for each image, then the first norm, the
/// blocks, the last norm. Layer scales are multiplied into the layers before them; class token, positions
/// and the projection's bias are added up.
#[derive(Clone, Debug)]
pub struct EncoderParts {
    /// `[width, 3·patch²]`
    pub projection: Vec<f32>,
    /// `[patches + 1, width]`, the class token's first.
    pub start: Vec<f32>,
    /// Before the blocks.
    pub first_norm: Option<NormParts>,
    /// The blocks before the layer.
    pub blocks: Vec<BlockParts>,
    /// After them.
    pub last_norm: Option<NormParts>,
}

/// The weights of a LayerNorm.
#[derive(Clone, Debug)]
pub struct NormParts {
    /// `[width]`
    pub gain: Vec<f32>,
    /// `[width]`
    pub bias: Vec<f32>,
}

/// A linear layer.
#[derive(Clone, Debug)]
pub struct LinearParts {
    /// `[outputs, inputs]`
    pub weight: Vec<f32>,
    /// `[outputs]`
    pub bias: Vec<f32>,
}

/// A block: norm, attention, norm, MLP.
#[derive(Clone, Debug)]
pub struct BlockParts {
    /// Before attention.
    pub first_norm: NormParts,
    /// Queries above keys above values.
    pub qkv: LinearParts,
    /// After attention.
    pub output: LinearParts,
    /// Before the MLP.
    pub second_norm: NormParts,
    /// The MLP's layer that reads; gates above values where it is gated.
    pub inner: LinearParts,
    /// The MLP's layer that writes.
    pub outer: LinearParts,
}

impl Encoder {
    /// What is used on the way to a layer's vectors. Fails where there is no such layer.
    pub fn parts(&self, layer: Layer) -> Result<EncoderParts, VisionError> {
        let at = self.at(layer)?;
        let config = &self.config;
        let mut slabs = (0..Trained::len(&self.weights)).map(|index| self.weights.values(index));
        let mut next = || slabs.next().unwrap_or_default();
        let class = next();
        if config.family == Family::Dinov2 {
            // The mask token, which only its own training uses.
            next();
        }
        let projection = next().to_vec();
        let bias = match config.family {
            Family::Clip => &[][..],
            _ => next(),
        };
        let mut start = next().to_vec();
        add(&mut start[..config.width], class);
        for row in start.chunks_exact_mut(config.width).skip(1) {
            add(row, bias);
        }
        let first_norm = (config.family == Family::Clip).then(|| norm(&mut next));
        let scaled = config.family.is_scaled();
        let mut blocks: Vec<BlockParts> = (0..config.layers)
            .map(|_| BlockParts {
                first_norm: norm(&mut next),
                qkv: linear(&mut next, false),
                output: linear(&mut next, scaled),
                second_norm: norm(&mut next),
                inner: linear(&mut next, false),
                outer: linear(&mut next, scaled),
            })
            .collect();
        blocks.truncate(at.blocks);
        Ok(EncoderParts {
            projection,
            start,
            first_norm,
            blocks,
            last_norm: at.normed.then(|| norm(&mut next)),
        })
    }

    /// The patches of images as rows [n·(patches + 1), 3·patch²], each image's after a row of zeros in the
    /// class token's place; a row is in the order of channel, line, column.
    ///
    /// `pixels` is as for [`Encoder::features`]. Fails where these are no whole images.
    pub fn rows(&self, pixels: &[f32]) -> Result<Vec<f32>, VisionError> {
        let images = self.images(pixels)?;
        let cut = self.config.cut();
        let mut rows = vec![0.0; images * (cut.count() + 1) * cut.patch()];
        let each = VisionConfig::pixels(&self.config);
        let sequences = rows.chunks_exact_mut((cut.count() + 1) * cut.patch());
        for (sequence, image) in sequences.zip(pixels.chunks_exact(each)) {
            cut.gather(&mut sequence[cut.patch()..], image);
        }
        Ok(rows)
    }
}

fn add(sum: &mut [f32], part: &[f32]) {
    sum.iter_mut()
        .zip(part)
        .for_each(|(sum, part)| *sum += part);
}

fn norm<'a>(next: &mut impl FnMut() -> &'a [f32]) -> NormParts {
    NormParts {
        gain: next().to_vec(),
        bias: next().to_vec(),
    }
}

/// A layer with its scale, if there is one, multiplied in.
fn linear<'a>(next: &mut impl FnMut() -> &'a [f32], scaled: bool) -> LinearParts {
    let (mut weight, mut bias) = (next().to_vec(), next().to_vec());
    if scaled {
        let factors = next();
        let inputs = weight.len() / factors.len();
        for (row, factor) in weight.chunks_exact_mut(inputs).zip(factors) {
            for value in row {
                *value *= factor;
            }
        }
        for (value, factor) in bias.iter_mut().zip(factors) {
            *value *= factor;
        }
    }
    LinearParts { weight, bias }
}
