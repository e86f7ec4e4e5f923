//! Bytes: what training and scoring hold in memory, and what stays on disk.

use vpc_compiler::plan::ModelSpec;

use crate::flops::kv_width;

/// Numbers as the store files them and as the CPU trainer computes: f32.
pub(crate) const F32: f64 = 4.0;

/// Numbers that models on devices compute with: bfloat16.
const BF16: f64 = 2.0;

/// Bytes per trained parameter of mixed-precision Adam: weight and gradient of 2 bytes, and a weight
/// and two moments of 4 (ZeRO, arXiv 1910.02054, section 3.1). In f32 without a second copy of the
/// weights it is 16 as well: weight, gradient, two moments.
pub const STATE: f64 = 16.0;

/// Bytes per trained parameter that the store keeps of a training: weight and two moments of 4.
pub const KEPT: f64 = 12.0;

/// How the trainer cuts a batch: parts of so many tokens or more, at most so many, and no more numbers
/// than these in all their gradients.
const PART: f64 = 512.0;
const PARTS: f64 = 8.0;
const SHARDED: f64 = (1_u64 << 26) as f64;

/// What the CPU trainer keeps of an activation: itself, and its gradient on the way back.
const WITH_GRADIENT: f64 = 2.0;

/// Parameters of a language model by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameters {
    /// The table of embeddings.
    pub embedding: u64,
    /// Matrices of all blocks.
    pub blocks: u64,
    /// Gains of norms.
    pub gains: u64,
    /// The output projection; 0 where it is the embedding.
    pub head: u64,
}

impl Parameters {
    /// Counts those of a shape.
    pub fn of(model: &ModelSpec) -> Self {
        let table = model.vocabulary.saturating_mul(model.width);
        let gains = (2 * model.layers + 1).saturating_mul(model.width);
        let head = if model.tied { 0 } else { table };
        let all = model.parameters();
        Self {
            embedding: table,
            blocks: all.saturating_sub(table.saturating_add(head).saturating_add(gains)),
            gains,
            head,
        }
    }
}

/// Memory of a job on one device, in bytes, as far as it can be known.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Memory {
    /// What several devices can share out among them: weights, gradients, moments (ZeRO, stage 3).
    pub state: f64,
    /// What each device needs for the smallest part of a batch: one sequence.
    pub sequence: f64,
    /// The same on the CPU, in f32: what a thread needs for its part of a batch.
    pub thread: f64,
    /// What the CPU trainer needs once, whatever the threads.
    pub machine: f64,
}

/// Numbers kept per token and block for the backward pass: the residual stream and its norm, twice;
/// queries, keys, values and the output of attention; gate, up and their product. Attention's weights
/// are computed again (FlashAttention, arXiv 2205.14135).
fn kept_per_token(model: &ModelSpec) -> f64 {
    model.layers as f64 * kept_per_block(model)
}

fn kept_per_block(model: &ModelSpec) -> f64 {
    6.0 * model.width as f64 + 2.0 * kv_width(model) + 3.0 * model.hidden as f64
}

/// The same where blocks are computed again: the input of each, and one block at a time.
fn recomputed_per_token(model: &ModelSpec) -> f64 {
    model.layers as f64 * model.width as f64 + kept_per_block(model)
}

/// Bytes that the backward pass needs of `tokens` tokens on a device: activations in bfloat16, logits
/// and their gradient in f32.
pub(crate) fn activations(model: &ModelSpec, tokens: f64) -> f64 {
    with_head(model, kept_per_token(model), tokens)
}

fn with_head(model: &ModelSpec, per_token: f64, tokens: f64) -> f64 {
    tokens * (per_token * BF16 + 2.0 * model.vocabulary as f64 * F32)
}

/// Memory of training a model from scratch, so many sequences at once.
pub(crate) fn training(model: &ModelSpec, batch: u64, recompute: bool) -> Memory {
    let per_token = if recompute {
        recomputed_per_token(model)
    } else {
        kept_per_token(model)
    };
    let parameters = model.parameters() as f64;
    let (rows, length) = (batch as f64, model.context as f64);
    let parts = (SHARDED / parameters)
        .min(rows * length / PART)
        .clamp(1.0, PARTS);
    let parts = parts.log2().floor().exp2();
    let part = (rows / parts).ceil() * length;
    let kept = WITH_GRADIENT * per_token + model.vocabulary as f64;
    Memory {
        state: parameters * STATE,
        sequence: with_head(model, per_token, length),
        thread: part * kept * F32,
        machine: parameters * F32 * (3.0 + parts),
    }
}

/// Memory of scoring text: weights, and the widest pair of layers of one sequence.
pub(crate) fn scoring(model: &ModelSpec) -> Memory {
    let parameters = model.parameters() as f64;
    let row = (4 * model.width + 3 * model.hidden) as f64;
    let tokens = model.context as f64 * (row + model.vocabulary as f64);
    Memory {
        state: parameters * BF16,
        sequence: tokens * F32,
        thread: tokens * F32,
        machine: parameters * F32,
    }
}

/// Memory of adapting: trained parameters with their optimiser, frozen ones as weights alone, and
/// the activations of one item through the language model.
pub(crate) fn adapting(model: &ModelSpec, trained: f64, frozen: f64, tokens: f64) -> Memory {
    let activations = activations(model, tokens);
    Memory {
        state: trained * STATE + frozen * BF16,
        sequence: activations,
        thread: activations * F32 / BF16,
        machine: trained * STATE + frozen * F32,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "whole numbers, exact in floats")]

    use super::*;

    fn s7b() -> ModelSpec {
        ModelSpec {
            layers: 32,
            width: 4096,
            heads: 32,
            kv_heads: 8,
            hidden: 14_336,
            context: 2048,
            vocabulary: 32_000,
            rope_base: 10_000,
            tied: false,
        }
    }

    #[test]
    fn kinds_add_up_to_all_parameters() {
        for tied in [false, true] {
            let model = ModelSpec { tied, ..s7b() };
            let Parameters {
                embedding,
                blocks,
                gains,
                head,
            } = Parameters::of(&model);
            assert_eq!(embedding + blocks + gains + head, model.parameters());
            let attention = 2 * 4096 * 4096 + 2 * 4096 * 1024;
            assert_eq!(blocks, 32 * (attention + 3 * 4096 * 14_336));
        }
    }

    #[test]
    fn the_state_of_seven_billion_parameters_fills_two_large_devices() {
        let memory = training(&s7b(), 1024, false);
        assert_eq!(memory.state, 16.0 * 7_241_732_096.0);
        // By hand: 2048 · (32 · 69,632 · 2 + 32,000 · 8) bytes.
        assert_eq!(
            memory.sequence,
            2048.0 * (32.0 * 69_632.0 * 2.0 + 256_000.0)
        );
        // Computed again: 32 inputs of 4096 and one block.
        let least = training(&s7b(), 1024, true);
        assert_eq!(
            least.sequence,
            2048.0 * ((32.0 * 4096.0 + 69_632.0) * 2.0 + 256_000.0)
        );
        assert_eq!(least.state, memory.state);
    }
}
