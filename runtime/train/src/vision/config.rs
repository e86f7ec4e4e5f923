//! The shape of a vision transformer.

use serde::{Deserialize, Serialize};

use crate::ConfigError;
use crate::config::{divides, within};
use crate::ops::{Activation, Heads, Patches};

/// Which conventions an encoder follows; all have a class token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Radford et al. 2021: no bias of the patch projection, a norm before the blocks, and one
    /// after them that only the pooled class token goes through.
    Clip,
    /// Oquab et al. 2023: layer scale, a last norm.
    Dinov2,
    /// He et al. 2022: fixed sine-cosine positions, a last norm. Nothing is masked in inference.
    Mae,
    /// Dosovitskiy et al. 2021: learned positions, a last norm.
    Vit,
}

/// Shape of a vision transformer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisionConfig {
    /// Its conventions.
    pub family: Family,
    /// Transformer blocks.
    pub layers: usize,
    /// Length of the residual stream.
    pub width: usize,
    /// Attention heads; each is `width / heads` long.
    pub heads: usize,
    /// Length of the MLP's inner layer; where it is gated, of the values that the gates multiply.
    pub hidden: usize,
    /// Whether the MLP is gated: silu(g) ∘ u of an inner layer twice as long, in place of an activation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gated: bool,
    /// Length of a patch's side, in pixels.
    pub patch: usize,
    /// Length of an image's side, in pixels; a multiple of `patch`.
    pub image: usize,
    /// Between the layers of an MLP that is not gated.
    pub activation: Activation,
    /// Added to the variance before the root in LayerNorm.
    pub norm_eps: f64,
}

impl VisionConfig {
    /// Colours of a pixel.
    pub const CHANNELS: usize = 3;

    /// Checks that the encoder can be built.
    pub fn check(&self) -> Result<(), ConfigError> {
        let sizes = [
            ("layers", self.layers),
            ("width", self.width),
            ("heads", self.heads),
            ("hidden", self.hidden),
            ("patch", self.patch),
            ("image", self.image),
        ];
        if let Some((name, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return Err(ConfigError::Zero(name));
        }
        divides(("heads", self.heads), ("width", self.width))?;
        divides(("patch", self.patch), ("image", self.image))?;
        if self.gated {
            self.is_told_gated()?;
        }
        if self.family == Family::Mae {
            divides(("4", 4), ("width", self.width))?;
        }
        within(
            "norm_eps",
            self.norm_eps,
            self.norm_eps > 0.0,
            "a finite number above 0",
        )?;
        let too_large =
            sizes.iter().any(|(_, size)| *size > u32::MAX as usize) || self.count() > 1 << 40;
        if too_large {
            Err(ConfigError::TooLarge)
        } else {
            Ok(())
        }
    }

    /// Checks that `transformers` has a place for the gated MLP: in `DINOv2`, and of a multiple of 8.
    fn is_told_gated(&self) -> Result<(), ConfigError> {
        if self.family != Family::Dinov2 {
            return Err(ConfigError::Range {
                name: "family",
                value: format!("{:?}", self.family).to_lowercase(),
                range: "`dinov2` where the MLP is gated",
            });
        }
        divides(("8", 8), ("hidden", self.hidden))
    }

    /// Patches on a side of an image.
    pub fn grid(&self) -> usize {
        self.image / self.patch
    }

    /// Patches of an image.
    pub fn patches(&self) -> usize {
        self.grid() * self.grid()
    }

    /// Numbers of an image: channels · side · side.
    pub fn pixels(&self) -> usize {
        Self::CHANNELS * self.image * self.image
    }

    /// How images are cut.
    pub(crate) fn cut(&self) -> Patches {
        Patches {
            channels: Self::CHANNELS,
            height: self.image,
            width: self.image,
            size: self.patch,
        }
    }

    /// How heads lie in a row.
    pub(crate) fn heads(&self) -> Heads {
        Heads {
            queries: self.heads,
            keys: self.heads,
            width: self.width / self.heads,
        }
    }

    /// Matrix weights, in whole numbers that cannot overflow for sizes of 32 bits.
    pub(crate) fn count(&self) -> u128 {
        let [layers, width, hidden, patch, side] = [
            self.layers,
            self.width,
            self.hidden,
            self.patch,
            self.grid(),
        ]
        .map(|n| n as u128);
        let matrices = if self.gated { 3 } else { 2 };
        let block = 4 * width * width + matrices * width * hidden;
        // Each product is cut off where it is too large in any case.
        layers
            .saturating_mul(block)
            .saturating_add(width.saturating_mul(3 * patch * patch))
            .saturating_add(width.saturating_mul(side * side + 1))
    }
}
