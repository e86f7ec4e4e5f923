//! From an encoder's features to vectors that a decoder reads.

use serde::{Deserialize, Serialize};

use super::AdaptError;
use crate::ConfigError;
use crate::checkpoint::Reader;
use crate::model::{DEVIATION, Slab};
use crate::ops::{Activation, Matrix, Tape, activate, linear, resize_squares};
use crate::vision::stacked;
use crate::weights::{Leaves, Weights};

/// Shape of a projector: an MLP on a square of vectors that is first resized.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectorConfig {
    /// Length of a feature vector.
    pub features: usize,
    /// Feature vectors on a side of an image.
    pub grid: usize,
    /// Visual tokens of an image: a square number.
    pub tokens: usize,
    /// Linear layers; LLaVA-1.5 has 2.
    pub layers: usize,
    /// Length of inner layers.
    pub width: usize,
    /// Length of the decoder's vectors.
    pub outputs: usize,
    /// Between the layers.
    pub activation: Activation,
}

impl ProjectorConfig {
    /// Checks that the projector can be built.
    pub fn check(&self) -> Result<(), AdaptError> {
        let sizes = [
            ("features", self.features),
            ("grid", self.grid),
            ("tokens", self.tokens),
            ("layers", self.layers),
            ("width", self.width),
            ("outputs", self.outputs),
        ];
        if let Some((name, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return Err(ConfigError::Zero(name).into());
        }
        if sizes.iter().any(|(_, size)| *size > 1 << 20) {
            return Err(ConfigError::TooLarge.into());
        }
        if self.side() * self.side() != self.tokens {
            return Err(AdaptError::NotSquare(self.tokens));
        }
        Ok(())
    }

    /// Visual tokens on a side of an image.
    pub fn side(&self) -> usize {
        self.tokens.isqrt()
    }

    /// Numbers of an image's features: grid² vectors.
    pub fn numbers(&self) -> usize {
        self.grid * self.grid * self.features
    }
}

/// A projector with its weights.
#[derive(Clone, Debug)]
pub struct Projector {
    config: ProjectorConfig,
    pub(super) weights: Weights,
}

impl Projector {
    /// A projector with the initial weights of `seed`: normal with deviation 0.02, biases 0.
    pub fn initial(config: &ProjectorConfig, seed: u64) -> Result<Self, AdaptError> {
        config.check()?;
        Ok(Self {
            weights: Weights::initial(layout(config), seed),
            config: config.clone(),
        })
    }

    pub(super) fn of_weights(config: ProjectorConfig, weights: Weights) -> Self {
        Self { config, weights }
    }

    /// A projector with the weights of a safetensors file (F32), as [`Projector::encode`] writes it.
    pub fn load(config: &ProjectorConfig, safetensors: &[u8]) -> Result<Self, AdaptError> {
        config.check()?;
        let (file, slabs) = (Reader::new(&safetensors)?, layout(config));
        file.expect_only(&slabs, &[""])?;
        Ok(Self {
            weights: Weights::read(slabs, &file, "")?,
            config: config.clone(),
        })
    }

    /// Its weights as a safetensors file, under LLaVA's names; equal weights give equal bytes.
    pub fn encode(&self) -> Result<Vec<u8>, AdaptError> {
        Ok(self.weights.encode()?)
    }

    /// How many numbers its weights are.
    pub fn parameters(&self) -> u64 {
        self.weights.count()
    }

    /// Its shape.
    pub fn config(&self) -> &ProjectorConfig {
        &self.config
    }

    /// The vectors of images [n·tokens, outputs], from the features [grid², features] of each; there is at
    /// least one.
    pub(super) fn forward<T: Tape>(&self, leaves: &[Matrix], images: Vec<Matrix<T>>) -> Matrix<T> {
        let mut leaves = Leaves::new(leaves);
        let x = resize_squares(images, self.config.side());
        let x = linear(x, &leaves.linear(), None);
        (1..self.config.layers).fold(x, |x, _| {
            linear(activate(x, self.config.activation), &leaves.linear(), None)
        })
    }
}

pub(super) fn layout(config: &ProjectorConfig) -> Vec<Slab> {
    let layer = |number: usize| {
        let inputs = if number == 1 {
            config.features
        } else {
            config.width
        };
        let outputs = if number == config.layers {
            config.outputs
        } else {
            config.width
        };
        let name = format!("linear_{number}");
        stacked(
            "multi_modal_projector.",
            &[&name],
            (outputs, inputs),
            DEVIATION,
        )
    };
    (1..=config.layers).flat_map(layer).collect()
}
