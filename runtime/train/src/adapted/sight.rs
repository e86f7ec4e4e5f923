//! What is seen: features of a frozen encoder, or pixels for an encoder that the model has itself.

use super::{AdaptError, Adapted};
use crate::gradient::Activations;
use crate::ops::{Matrix, Tape};
use crate::vision::{At, Encoder, Layer};

/// The images of a text, in order.
#[derive(Clone, Copy, Debug, Default)]
pub enum Sight<'a> {
    /// There are none.
    #[default]
    None,
    /// Features, [images·grid², features]; of none, empty.
    Features(&'a [f32]),
    /// Pixels, [images, 3, side, side], normalised as for [`Encoder::features`]; of none, empty.
    Pixels(&'a [f32]),
}

/// An encoder that belongs to an adapted model.
#[derive(Clone, Debug)]
pub(super) struct Eye {
    pub(super) encoder: Encoder,
    pub(super) at: At,
}

impl Adapted {
    /// Gives the model an encoder of its own, whose `layer` the projector reads without the class token.
    ///
    /// Pixels are then the same to it as that layer's [`Encoder::features`], bit for bit. Fails where
    /// there is no such layer, or its vectors are not as long or as many as the projector reads.
    pub fn with_encoder(self, encoder: Encoder, layer: Layer) -> Result<Self, AdaptError> {
        let (own, read) = (encoder.config(), self.projector.config());
        let sizes = [
            ("width", own.width, read.features),
            ("grid", own.grid(), read.grid),
        ];
        if let Some((name, found, wanted)) =
            sizes.into_iter().find(|(_, found, read)| found != read)
        {
            return Err(AdaptError::Encoder {
                name,
                found,
                wanted,
            });
        }
        let at = encoder.at(layer)?;
        Ok(Self {
            eye: Some(Eye { encoder, at }),
            ..self
        })
    }

    /// The model's own encoder, if it has one.
    pub fn encoder(&self) -> Option<&Encoder> {
        self.eye.as_ref().map(|eye| &eye.encoder)
    }

    /// The features [grid², features] of each checked image, each on a tape of its own.
    pub(super) fn see<T: Tape>(
        &self,
        leaves: &[Matrix],
        sight: Sight,
        activations: Activations,
    ) -> Vec<Matrix<T>> {
        let config = self.projector.config();
        match (sight, &self.eye) {
            (Sight::Pixels(pixels), Some(eye)) => {
                eye.encoder.see(leaves, pixels, eye.at, activations)
            }
            (Sight::Features(features), _) => features
                .chunks_exact(config.numbers())
                .map(|image| Matrix::new(image.to_vec(), config.features).freeze())
                .map(|image| image.record(T::default()))
                .collect(),
            (Sight::None | Sight::Pixels(_), _) => Vec::new(),
        }
    }

    /// How many images there are; fails where the numbers are no whole ones, or cannot be seen.
    pub(super) fn images(&self, item: usize, sight: Sight) -> Result<usize, AdaptError> {
        let (kind, found, each) = match (sight, self.encoder()) {
            (Sight::None | Sight::Features([]) | Sight::Pixels([]), _) => return Ok(0),
            (Sight::Pixels(pixels), Some(own)) => ("pixels", pixels.len(), own.config().pixels()),
            (Sight::Pixels(_), None) => return Err(AdaptError::Unseen { item }),
            (Sight::Features(features), _) => (
                "features",
                features.len(),
                self.projector.config().numbers(),
            ),
        };
        if found.is_multiple_of(each) {
            Ok(found / each)
        } else {
            Err(AdaptError::Images {
                item,
                kind,
                found,
                each,
            })
        }
    }
}
