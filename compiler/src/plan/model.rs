//! The shape of a language model.

use serde::{Deserialize, Serialize};

use super::Record;

/// A Llama-style decoder: RMSNorm, RoPE, SwiGLU, grouped-query attention.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ModelSpec {
    /// Blocks.
    pub layers: u64,
    /// Width of the residual stream.
    pub width: u64,
    /// Query heads.
    pub heads: u64,
    /// Key and value heads.
    pub kv_heads: u64,
    /// Width inside the MLP.
    pub hidden: u64,
    /// Tokens per sequence.
    pub context: u64,
    /// Entries of the vocabulary.
    pub vocabulary: u64,
    /// Base of the rotary position frequencies.
    pub rope_base: u64,
    /// Whether input and output embeddings are one matrix.
    pub tied: bool,
}

impl ModelSpec {
    /// Returns the number of trained parameters.
    pub fn parameters(&self) -> u64 {
        let wide = u128::from;
        let (width, hidden) = (wide(self.width), wide(self.hidden));
        let head = width / wide(self.heads).max(1);
        let attention = 2 * width * (width + wide(self.kv_heads) * head);
        let block = attention + 3 * width * hidden + 2 * width;
        let embeddings = wide(self.vocabulary) * width * if self.tied { 1 } else { 2 };
        let all = wide(self.layers)
            .saturating_mul(block)
            .saturating_add(width + embeddings);
        u64::try_from(all).unwrap_or(u64::MAX)
    }

    /// Returns the identity fields.
    pub fn record(&self) -> Record<'_> {
        let Self {
            layers,
            width,
            heads,
            kv_heads,
            hidden,
            context,
            vocabulary,
            rope_base,
            tied,
        } = self;
        Record::default()
            .with("layers", *layers)
            .with("width", *width)
            .with("heads", *heads)
            .with("kv_heads", *kv_heads)
            .with("hidden", *hidden)
            .with("context", *context)
            .with("vocabulary", *vocabulary)
            .with("rope_base", *rope_base)
            .unless(&false, "tied", *tied)
    }
}
