//! The shape of a model and the settings of a training run.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Optimizer, Schedule};

/// Shape of a Llama-style decoder (RMSNorm, RoPE, SwiGLU, grouped-query attention, tied or untied
/// embeddings).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Decoder blocks.
    pub layers: usize,
    /// Length of the residual stream.
    pub width: usize,
    /// Query heads; each is `width / heads` long.
    pub heads: usize,
    /// Key and value heads; each serves `heads / kv_heads` query heads.
    pub kv_heads: usize,
    /// Length of the MLP's inner layer.
    pub hidden: usize,
    /// Longest sequence, in tokens.
    pub context: usize,
    /// Number of tokens.
    pub vocabulary: usize,
    /// Base of the rotary frequencies.
    pub rope_base: f64,
    /// Added to the mean square before the root in RMSNorm.
    pub norm_eps: f64,
    /// Whether the output projection is the embedding table.
    pub tied: bool,
}

/// All settings of one training run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Shape of the model.
    pub model: ModelConfig,
    /// AdamW's settings.
    pub optimizer: Optimizer,
    /// Learning rate over the run, as factors of [`Optimizer::rate`].
    pub schedule: Schedule,
    /// Sequences per step; what [`crate::Trainer::step`] is given decides, this is the plan's record.
    pub batch: usize,
    /// Sequences whose gradient is computed at once; `None` for the whole batch.
    pub micro_batch: Option<usize>,
    /// Steps of the whole run, the end of the schedule; 0 for the initial weights.
    pub steps: u64,
    /// Seed of the initial weights.
    pub seed: u64,
}

/// Why a configuration cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// A dimension or count is zero.
    #[error("`{0}` is 0; it must be at least 1")]
    Zero(&'static str),
    /// One dimension must divide another.
    #[error("`{whole}` ({whole_size}) is not a multiple of `{part}` ({part_size})")]
    Indivisible {
        /// Name of the larger dimension.
        whole: &'static str,
        /// Its value.
        whole_size: usize,
        /// Name of the divisor.
        part: &'static str,
        /// Its value.
        part_size: usize,
    },
    /// Rotary embedding turns pairs of numbers.
    #[error("a head is {0} long (`width` / `heads`); rotary embedding needs an even length")]
    OddHead(usize),
    /// A real setting is outside its range.
    #[error("`{name}` is {value}; it must be {range}")]
    Range {
        /// Name of the setting.
        name: &'static str,
        /// Its value, as text.
        value: String,
        /// The permitted range, in words.
        range: &'static str,
    },
    /// The parameters would not fit in memory addresses.
    #[error("the model is too large: its parameters cannot be counted in 2^40")]
    TooLarge,
}

impl ModelConfig {
    /// Checks that the model can be built.
    pub fn check(&self) -> Result<(), ConfigError> {
        let sizes = [
            ("layers", self.layers),
            ("width", self.width),
            ("heads", self.heads),
            ("kv_heads", self.kv_heads),
            ("hidden", self.hidden),
            ("context", self.context),
            ("vocabulary", self.vocabulary),
        ];
        if let Some((name, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return Err(ConfigError::Zero(name));
        }
        divides(("heads", self.heads), ("width", self.width))?;
        divides(("kv_heads", self.kv_heads), ("heads", self.heads))?;
        if !self.head_width().is_multiple_of(2) {
            return Err(ConfigError::OddHead(self.head_width()));
        }
        within(
            "rope_base",
            self.rope_base,
            self.rope_base > 1.0,
            "a finite number above 1",
        )?;
        within(
            "norm_eps",
            self.norm_eps,
            self.norm_eps > 0.0,
            "a finite number above 0",
        )?;
        let most = 1_u128 << 40;
        let too_large = self.count() > most
            || sizes.iter().any(|(_, size)| *size > u32::MAX as usize)
            || self.context as u128 * self.head_width() as u128 > most;
        if too_large {
            Err(ConfigError::TooLarge)
        } else {
            Ok(())
        }
    }

    /// Number of trained weights; a tied table counts once.
    pub fn parameters(&self) -> u64 {
        u64::try_from(self.count()).unwrap_or(u64::MAX)
    }

    /// Floating-point operations of one token's forward and backward pass, at full context.
    ///
    /// 6 per weight of a matrix product (the embedding look-up is free, the output projection is
    /// not), plus 6·width·context per layer for attention: 2 products of width·context
    /// multiply-adds, three passes, causal so counted half.
    pub fn flops_per_token(&self) -> f64 {
        let norms = (2 * self.layers + 1) * self.width;
        let table = self.vocabulary * self.width;
        let unmultiplied = if self.tied { 0 } else { table };
        let multiplied = self.parameters() as f64 - norms as f64 - unmultiplied as f64;
        let attention = (self.layers * self.width) as f64 * self.context as f64;
        6.0 * (multiplied + attention)
    }

    /// Length of one attention head.
    pub(crate) fn head_width(&self) -> usize {
        self.width / self.heads
    }

    /// Exact number of parameters, wide enough not to overflow on absurd shapes.
    fn count(&self) -> u128 {
        let wide = |size: usize| size.min(u32::MAX as usize) as u128;
        let (width, hidden) = (wide(self.width), wide(self.hidden));
        let kv = wide(self.kv_heads) * wide(self.head_width());
        let block = 2 * width + 2 * width * width + 2 * width * kv + 3 * width * hidden;
        let tables = if self.tied { 1 } else { 2 };
        (block.saturating_mul(wide(self.layers)))
            .saturating_add(tables * wide(self.vocabulary) * width + width)
    }
}

impl TrainConfig {
    /// Checks the model, the optimiser and the batch. A run of 0 steps is its initial weights.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.model.check()?;
        self.optimizer.check()?;
        self.schedule.check()?;
        match (self.batch, self.micro_batch) {
            (0, _) => Err(ConfigError::Zero("batch")),
            (_, Some(0)) => Err(ConfigError::Zero("micro_batch")),
            _ => Ok(()),
        }
    }
}

pub(crate) fn divides(
    part: (&'static str, usize),
    whole: (&'static str, usize),
) -> Result<(), ConfigError> {
    if whole.1.is_multiple_of(part.1) {
        return Ok(());
    }
    Err(ConfigError::Indivisible {
        whole: whole.0,
        whole_size: whole.1,
        part: part.0,
        part_size: part.1,
    })
}

/// Fails unless `value` is finite and `holds`.
pub(crate) fn within(
    name: &'static str,
    value: f64,
    holds: bool,
    range: &'static str,
) -> Result<(), ConfigError> {
    if value.is_finite() && holds {
        return Ok(());
    }
    Err(ConfigError::Range {
        name,
        value: value.to_string(),
        range,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::tiny;

    #[test]
    fn parameters_of_known_models() {
        let llama_8b = ModelConfig {
            layers: 32,
            width: 4096,
            heads: 32,
            kv_heads: 8,
            hidden: 14336,
            context: 8192,
            vocabulary: 128_256,
            rope_base: 500_000.0,
            norm_eps: 1e-5,
            tied: false,
        };
        assert_eq!(llama_8b.parameters(), 8_030_261_248);
        let tied = ModelConfig {
            tied: true,
            ..llama_8b.clone()
        };
        assert_eq!(llama_8b.parameters() - tied.parameters(), 128_256 * 4096);
        assert!((llama_8b.flops_per_token() - tied.flops_per_token()).abs() < 1.0);
    }

    #[test]
    fn impossible_shapes_are_refused() {
        let refused = |change: fn(&mut ModelConfig)| {
            let mut config = tiny();
            change(&mut config);
            config
                .check()
                .expect_err("this shape is impossible")
                .to_string()
        };
        assert_eq!(
            refused(|c| c.layers = 0),
            "`layers` is 0; it must be at least 1"
        );
        assert!(refused(|c| c.heads = 5).contains("not a multiple of `heads` (5)"));
        assert!(refused(|c| c.kv_heads = 3).contains("not a multiple of `kv_heads` (3)"));
        assert!(refused(|c| (c.heads, c.kv_heads, c.width) = (4, 4, 12)).contains("3 long"));
        assert!(refused(|c| c.rope_base = f64::NAN).contains("`rope_base` is NaN"));
        assert!(refused(|c| c.vocabulary = usize::MAX).contains("too large"));
        assert!(refused(|c| c.width = usize::MAX - 3).contains("too large"));
    }
}
