//! Features of images by a device.

use vpc_train::vision::{Encoder, EncoderParts, Features, VisionError};

use crate::program::{EncoderProgram, Span};
use crate::{Device, DeviceError};

/// A frozen encoder whose numbers lie on a device.
///
/// In f32 it computes what [`Encoder::features`] does, up to the order of sums. Images go through together,
/// in batches of one size, the last one filled up.
#[derive(Debug)]
pub struct EncoderDevice<D: Device> {
    encoder: Encoder,
    of: Features,
    images: usize,
    device: D,
    graph: D::Graph,
    rows: Span,
    out: Span,
    bytes: usize,
}

/// Why features cannot be had of a device.
#[derive(Debug, thiserror::Error)]
pub enum EncoderError {
    /// As on the host.
    #[error(transparent)]
    Vision(#[from] VisionError),
    /// The device could not do it.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// Bytes of device memory that features of so many images at a time take.
pub fn encoder_memory(
    encoder: &Encoder,
    of: Features,
    images: usize,
) -> Result<usize, VisionError> {
    let parts: EncoderParts = encoder.parts(of.layer)?;
    Ok(
        EncoderProgram::record(encoder.config(), &parts, images.max(1))
            .0
            .bytes,
    )
}

impl<D: Device> EncoderDevice<D> {
    /// Puts an encoder on a device, for batches of so many images, at least 1.
    ///
    /// Fails where there is no such layer, and where the device lacks memory or cannot do it.
    pub fn new(
        encoder: Encoder,
        of: Features,
        images: usize,
        mut device: D,
    ) -> Result<Self, EncoderError> {
        let images = images.max(1);
        let parts = encoder.parts(of.layer)?;
        let (program, places) = EncoderProgram::record(encoder.config(), &parts, images);
        device.reserve(program.bytes)?;
        for (span, numbers) in places {
            device.write(span, bytemuck::cast_slice(numbers))?;
        }
        let graph = device.prepare(&program.commands)?;
        Ok(Self {
            encoder,
            of,
            images,
            device,
            graph,
            rows: program.rows,
            out: program.out,
            bytes: program.bytes,
        })
    }

    /// The encoder on the host.
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    /// Memory that the device lends, in bytes.
    pub fn memory(&self) -> usize {
        self.bytes
    }

    /// Vectors of each image, as [`Encoder::features`] gives them: [n, patches (one more with the class
    /// token), width] of `pixels` [n, 3, side, side].
    pub fn features(&mut self, pixels: &[f32]) -> Result<Vec<f32>, EncoderError> {
        let config = self.encoder.config();
        let (width, length) = (config.width, config.patches() + 1);
        let skipped = if self.of.class { 0 } else { width };
        let rows = self.encoder.rows(pixels)?;
        let mut all = Vec::with_capacity(rows.len() / self.rows.len * self.out.len);
        let each = self.rows.len / self.images;
        for together in rows.chunks(self.rows.len) {
            let mut filled = together.to_vec();
            filled.resize(self.rows.len, 0.0);
            self.device
                .write(self.rows, bytemuck::cast_slice(&filled))?;
            self.device.run(&self.graph)?;
            let bytes = self.device.read(self.out)?;
            let numbers = bytes.as_chunks().0.iter();
            let numbers: Vec<f32> = numbers.map(|four| f32::from_le_bytes(*four)).collect();
            let images = numbers.chunks_exact(length * width);
            for image in images.take(together.len() / each) {
                all.extend_from_slice(&image[skipped..]);
            }
        }
        Ok(all)
    }
}
