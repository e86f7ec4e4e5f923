//! Floating-point operations of models, counted matrix product by matrix product.
//!
//! A product of m × k and k × n counts 2·m·k·n; norms, activations, rotations, softmax and the
//! embedding look-up are left out. Attention counts whole, as if no position were masked: that is the
//! convention of PaLM (arXiv 2204.02311, appendix B), in which published utilisations are given, so
//! that these can be used as they are. A causal kernel does half of it; at width 4096 and a context of
//! 2,048 the other half is 3.5 % of a training step.

use vpc_compiler::plan::{EncoderTask, ModelSpec};

/// Passes of training, in forward passes: the forward pass itself, the gradient of inputs and the
/// gradient of weights (PaLM, appendix B: 6 for each weight and token, of which 2 are forward).
pub const TRAINING_PASSES: f64 = 3.0;

/// Weights that each token is multiplied by: all but gains and the look-up of embeddings.
pub fn multiplied(model: &ModelSpec) -> f64 {
    block(model) * model.layers as f64 + (model.vocabulary * model.width) as f64
}

/// Weights of one block's matrices: queries, output, keys, values, gate, up, down.
fn block(model: &ModelSpec) -> f64 {
    let (width, kv) = (model.width as f64, kv_width(model));
    2.0 * width * width + 2.0 * width * kv + 3.0 * width * model.hidden as f64
}

/// Width of all keys of a token.
pub(crate) fn kv_width(model: &ModelSpec) -> f64 {
    (model.kv_heads * (model.width / model.heads.max(1))) as f64
}

/// FLOPs of attention itself in one forward pass over a token that sees `length` tokens: QKᵀ and AV,
/// each 2·width·length in every layer.
pub fn attention(model: &ModelSpec, length: f64) -> f64 {
    4.0 * (model.layers * model.width) as f64 * length
}

/// FLOPs of one token's forward pass in sequences of `length` tokens.
pub fn forward(model: &ModelSpec, length: f64) -> f64 {
    2.0 * multiplied(model) + attention(model, length)
}

/// FLOPs of one token's forward and backward pass at full context: PaLM's 6·N + 12·L·H·Q·T, with N
/// the weights of matrix products.
pub fn training(model: &ModelSpec) -> f64 {
    TRAINING_PASSES * forward(model, model.context as f64)
}

/// FLOPs of one token's forward pass through the blocks alone, at full context: what it takes more where
/// their inner values are computed again for the backward pass.
pub(crate) fn recomputing(model: &ModelSpec) -> f64 {
    let head = 2.0 * (model.vocabulary * model.width) as f64;
    forward(model, model.context as f64) - head
}

/// Weights of an encoder's blocks and its patch embedding.
///
/// A plain MLP has two matrices, a gated one three (arXiv 2304.07193, appendix).
pub fn encoder_weights(encoder: &EncoderTask) -> f64 {
    let (width, hidden) = (encoder.width as f64, encoder.hidden as f64);
    let mlp = if encoder.mlp.is_plain() { 2.0 } else { 3.0 } * width * hidden;
    let patch = (3 * encoder.patch * encoder.patch) as f64 * width;
    encoder.layers as f64 * (4.0 * width * width + mlp) + patch
}

/// FLOPs of an encoder's forward pass over one picture: every patch and one more token, each of which
/// sees all.
pub fn encoder_forward(encoder: &EncoderTask) -> f64 {
    let side = (encoder.image / encoder.patch.max(1)) as f64;
    let tokens = side * side + 1.0;
    let attention = 4.0 * (encoder.layers * encoder.width) as f64 * tokens;
    tokens * (2.0 * encoder_weights(encoder) + attention)
}

/// Weights of a projector of linear layers from `from` to the model's width.
pub fn projector_weights(from: f64, inner: f64, to: f64, layers: u64) -> f64 {
    match layers {
        0 => 0.0,
        1 => from * to,
        _ => from * inner + (layers - 2) as f64 * inner * inner + inner * to,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "whole numbers, exact in floats")]

    use super::*;

    fn shape(layers: u64, width: u64, heads: u64, kv_heads: u64, hidden: u64) -> ModelSpec {
        ModelSpec {
            layers,
            width,
            heads,
            kv_heads,
            hidden,
            context: 32,
            vocabulary: 300,
            rope_base: 10_000,
            tied: false,
        }
    }

    /// Every product of a forward pass over one sequence, as m, k, n.
    fn products(model: &ModelSpec, tokens: u64) -> Vec<(u64, u64, u64)> {
        let head = model.width / model.heads;
        let mut all = Vec::new();
        for _ in 0..model.layers {
            all.push((tokens, model.width, model.width)); // queries
            all.push((tokens, model.width, model.kv_heads * head)); // keys
            all.push((tokens, model.width, model.kv_heads * head)); // values
            for _ in 0..model.heads {
                all.push((tokens, head, tokens)); // queries times keys
                all.push((tokens, tokens, head)); // weights times values
            }
            all.push((tokens, model.width, model.width)); // output
            all.push((tokens, model.width, model.hidden)); // gate
            all.push((tokens, model.width, model.hidden)); // up
            all.push((tokens, model.hidden, model.width)); // down
        }
        all.push((tokens, model.width, model.vocabulary)); // head
        all
    }

    #[test]
    fn a_forward_pass_is_the_sum_of_its_products() {
        for model in [shape(3, 64, 4, 2, 176), shape(1, 48, 6, 6, 100)] {
            let tokens = 20;
            let products = products(&model, tokens);
            let counted: u64 = products.iter().map(|(m, k, n)| 2 * m * k * n).sum();
            let formula = tokens as f64 * forward(&model, tokens as f64);
            assert!(
                (formula - counted as f64).abs() < 0.5,
                "{formula} {counted}"
            );
        }
    }

    #[test]
    fn one_block_by_hand() {
        // Width 4, one head, hidden 2: 4·16 + 3·8 = 88 weights; 3 tokens of vocabulary 5: 20 more.
        let model = ModelSpec {
            vocabulary: 5,
            context: 2,
            ..shape(1, 4, 1, 1, 2)
        };
        assert_eq!(multiplied(&model), 108.0);
        // Twice each weight, and 4·width for each of 2 tokens seen.
        assert_eq!(forward(&model, 2.0), 216.0 + 32.0);
        assert_eq!(training(&model), 3.0 * 248.0);
    }

    /// PaLM 540B: 118 layers, 48 heads of 256, 540.35B parameters, context 2,048; 238.3k tokens per
    /// second on 6,144 TPU v4 of 275 TFLOP/s are 46.2 % with attention and 45.7 % without it
    /// (arXiv 2204.02311, appendix B).
    #[test]
    fn attention_agrees_with_palm() {
        let palm = shape(118, 48 * 256, 48, 1, 0);
        let attention = TRAINING_PASSES * attention(&palm, 2048.0);
        let share = |flops: f64| 238.3e3 * flops / (6144.0 * 275e12);
        let weights = 6.0 * 540.35e9;
        assert!((share(weights) - 0.457).abs() < 5e-4);
        assert!((share(weights + attention) - 0.462).abs() < 5e-4);
    }
}
