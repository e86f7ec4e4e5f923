//! Representations of texts in every layer: one vector for each text and layer.

use rayon::prelude::*;

use super::pass::{ROWS, Row};
use super::sequence::{fits, known};
use super::{Inference, InferenceError};

/// How the vectors of a text's tokens become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// Their mean.
    Mean,
    /// That of the last token.
    Last,
}

impl Inference {
    /// Vectors of texts in every layer, `[layers + 1][texts·width]`: `hidden_states` of
    /// `transformers`, pooled. These are the embeddings, what each block but the last gives, and
    /// what the last gives after the norm.
    ///
    /// Fails on a text that is empty or longer than the context, on a token that the model has not,
    /// and where a vector is not finite.
    pub fn representations(
        &self,
        texts: &[&[u32]],
        pooling: Pooling,
    ) -> Result<Vec<Vec<f32>>, InferenceError> {
        for (item, text) in texts.iter().enumerate() {
            if text.is_empty() {
                return Err(InferenceError::NoPrompt { item });
            }
            fits(item, text.len(), self.config().context)?;
            known(item, text, self.config())?;
        }
        let each: Vec<Vec<Vec<f32>>> = texts
            .par_iter()
            .map(|text| self.pooled(text, pooling))
            .collect();
        let is_finite = |text: &Vec<Vec<f32>>| text.iter().flatten().all(|x| x.is_finite());
        if let Some(item) = each.iter().position(|text| !is_finite(text)) {
            return Err(InferenceError::NotFinite { item });
        }
        let layer = |layer: usize| each.iter().flat_map(|text| text[layer].clone()).collect();
        Ok((0..=self.config().layers).map(layer).collect())
    }

    /// The vectors of a checked text, [layers + 1][width].
    fn pooled(&self, text: &[u32], pooling: Pooling) -> Vec<Vec<f32>> {
        let (width, layers) = (self.config().width, self.config().layers);
        let from = match pooling {
            Pooling::Mean => 0,
            Pooling::Last => text.len() - 1,
        };
        // Token by token in their order, as no number may depend on how they are cut into passes.
        let mut sums = vec![vec![0.0_f64; width]; layers + 1];
        let mut sequence = [self.sequence(text.len())];
        let rows = text.iter().enumerate().map(|(position, &token)| Row {
            token,
            sequence: 0,
            position,
            is_wanted: position >= from,
        });
        let rows: Vec<Row> = rows.collect();
        for rows in rows.chunks(ROWS) {
            self.watched(&mut sequence, rows, |layer, vectors| {
                let pairs = rows.iter().zip(vectors.chunks_exact(width));
                for (_, vector) in pairs.filter(|(row, _)| row.is_wanted) {
                    for (sum, &x) in sums[layer].iter_mut().zip(vector) {
                        *sum += f64::from(x);
                    }
                }
            });
        }
        let count = (text.len() - from) as f64;
        let mean = |sums: Vec<f64>| sums.into_iter().map(|sum| (sum / count) as f32).collect();
        sums.into_iter().map(mean).collect()
    }
}

#[cfg(test)]
mod tests;
