//! Scoring text with a model.

use std::sync::Arc;

use rayon::prelude::*;

use crate::batch::check_rows;
use crate::gradient::Activations;
use crate::kernels::buffer::buffer;
use crate::kernels::gemm::{Write, linear};
use crate::model::Parameters;
use crate::ops::Silent;
use crate::{Batch, BatchError, Model};

impl Model {
    /// Sum of −log p(target) over all targets, in nats.
    ///
    /// Rows are scored one by one and added in order, so a row's share is the same bits in any
    /// batch: the sum of one-row calls is the call on all rows.
    pub fn negative_log_likelihood(&self, batch: &Batch) -> Result<f64, BatchError> {
        batch.check(self.config())?;
        let rows: Vec<f64> = batch
            .inputs
            .par_chunks(batch.length)
            .zip(batch.targets.par_chunks(batch.length))
            .map(|(inputs, targets)| {
                let row = Batch {
                    inputs,
                    targets,
                    length: batch.length,
                };
                self.loss(&row, row.targets.len(), Activations::Kept, Silent)
                    .total
            })
            .collect();
        Ok(rows.iter().sum())
    }

    /// Logits after every token, [inputs.len(), vocabulary], row-major; sequences of `length` tokens.
    pub fn logits(&self, inputs: &[u32], length: usize) -> Result<Vec<f32>, BatchError> {
        check_rows(self.config(), inputs, length)?;
        let parameters = Parameters::new(self);
        let hidden = self.hidden(
            &parameters,
            &Arc::from(inputs),
            length,
            Activations::Kept,
            Silent,
        );
        let mut logits = buffer(inputs.len() * self.config().vocabulary);
        let head = self.head(&parameters).values();
        linear(
            &mut logits,
            Write::Set,
            hidden.values(),
            head,
            self.config().width,
        );
        Ok(logits)
    }
}
