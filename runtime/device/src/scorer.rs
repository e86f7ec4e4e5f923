//! Losses of texts on a device.

use vpc_train::{Batch, ConfigError, Model, ModelConfig};

use crate::device::numbers;
use crate::program::{BatchShape, Forward, Kind, Precision};
use crate::{Device, ReadError};

/// A model on a device that tells the loss of each token of texts.
///
/// Texts are read in a pass of one shape, shorter ones padded at their end, which no token before it sees.
/// Attention, norms and losses of a row are sums of its own numbers in an order of its own, and products
/// have one shape always: so a text's bits depend neither on its company nor on its row, as long as the device
/// sums each row of a product alike. In the f32 class losses are those of [`Model`] up to the order of sums.
#[derive(Debug)]
pub struct Scorer<D: Device> {
    config: ModelConfig,
    shape: BatchShape,
    device: D,
    program: Forward,
    graph: D::Graph,
}

/// Bytes of device memory that scoring takes, in passes of `shape`.
pub fn scorer_memory(
    config: &ModelConfig,
    shape: BatchShape,
    precision: Precision,
) -> Result<usize, ConfigError> {
    Ok(Forward::record(config, shape, precision)?.bytes)
}

impl<D: Device> Scorer<D> {
    /// Brings a model to a device, to read so many texts of so many tokens at a time.
    ///
    /// Weights are rounded to bf16 in that class, but for gains. Fails where the device has less memory than
    /// [`scorer_memory`] tells.
    pub fn new(
        model: &Model,
        shape: BatchShape,
        precision: Precision,
        mut device: D,
    ) -> Result<Self, ReadError> {
        let config = model.config().clone();
        let program = Forward::record(&config, shape, precision)?;
        device.reserve(program.bytes)?;
        program.frozen.write(model, &mut device)?;
        let graph = device.prepare(&program.commands)?;
        Ok(Self {
            config,
            shape,
            device,
            program,
            graph,
        })
    }

    /// −log p of each target of a batch, in nats, as the targets stand.
    ///
    /// Fails on a batch that does not fit the model, and on rows longer than the passes are.
    pub fn losses(&mut self, batch: &Batch) -> Result<Vec<f32>, ReadError> {
        batch.check(&self.config)?;
        let BatchShape { rows, length } = self.shape;
        if batch.length > length {
            return Err(ReadError::Batch(vpc_train::BatchError::TooLong {
                length: batch.length,
                context: length,
            }));
        }
        let mut losses = Vec::with_capacity(batch.targets.len());
        let together = rows * batch.length;
        let both = batch
            .inputs
            .chunks(together)
            .zip(batch.targets.chunks(together));
        for (inputs, targets) in both {
            self.device.write(
                self.program.inputs,
                bytemuck::cast_slice(&self.padded(inputs, batch.length)),
            )?;
            self.device.write(
                self.program.targets,
                bytemuck::cast_slice(&self.padded(targets, batch.length)),
            )?;
            self.device.run(&self.graph)?;
            let found = numbers(&self.device.read(self.program.losses)?, Kind::F32);
            let found = found.chunks(length).take(targets.len() / batch.length);
            losses.extend(found.flat_map(|row| &row[..batch.length]));
        }
        Ok(losses)
    }

    /// Sum of −log p(target) over all targets, in nats; see [`Model::negative_log_likelihood`].
    ///
    /// The losses of a row are added in order, in f64, and then the rows: the sum of one-row calls is the call
    /// on all rows.
    pub fn negative_log_likelihood(&mut self, batch: &Batch) -> Result<f64, ReadError> {
        let losses = self.losses(batch)?;
        let row = |row: &[f32]| row.iter().map(|loss| f64::from(*loss)).sum::<f64>();
        Ok(losses.chunks(batch.length).map(row).sum())
    }

    /// Rows of `length` tokens as rows of a pass: token 0 stands where there is none.
    fn padded(&self, tokens: &[u32], length: usize) -> Vec<u32> {
        let mut all = vec![0; self.shape.tokens()];
        for (to, from) in all.chunks_mut(self.shape.length).zip(tokens.chunks(length)) {
            to[..from.len()].copy_from_slice(from);
        }
        all
    }
}
