//! Fused operations on dfdx's tape: real dfdx tensors and gradients, our kernels.
//!
//! They are the blocks that decoders, vision transformers and projectors are built from. Each takes
//! and gives a [`Matrix`] of rows, one row a token, a patch or an image, sequences one after the
//! other. Each works with a recording tape ([`Recording`], for training) and without one
//! ([`Silent`], for inference), and gives the same bits on both, at any number of threads.
//!
//! | operation | computes |
//! |---|---|
//! | [`embedding`] | rows of a table |
//! | [`patch_embedding`] | patches of images, projected, with class token and positions |
//! | [`scatter_rows`] | rows of one matrix in the place of marked rows of another |
//! | [`take_rows`] | chosen rows of a matrix |
//! | [`resize_squares`] | squares of vectors, resized bilinearly |
//! | [`rms_norm`], [`layer_norm`] | normalised rows |
//! | [`linear`] | x·Wᵀ, with a bias or without, added to a residual stream or not |
//! | [`scaled`] | a linear layer times a scale of its outputs |
//! | [`mlp`] | linear, activation, linear |
//! | [`activate`] | the function of an MLP alone |
//! | [`add`] | the sum of two matrices |
//! | [`swiglu_residual`] | the gated MLP of Llama |
//! | [`attention`] | projections and attention: causal or full, rotary or not, grouped or not |
//! | [`cross_entropy`] | output projection and loss, in chunks: logits are never all held |
//! | [`checkpoint`] | a block whose inner values are recomputed for its gradient |
//!
//! **Gradients.** [`Matrix::backward`] runs a tape from its end and gives the [`Gradients`] of all
//! leaves. A matrix may have several readers, and a weight several uses (tied embeddings): whether a
//! write to a gradient is its first is known, not guessed, since all readers share one slot. Of a matrix
//! that is frozen ([`Matrix::freeze`]), and of what depends on frozen ones alone, none is computed.
//!
//! **Of dfdx** these are its tensors, its tape and its gradients. None of dfdx's own differentiable
//! operations is used, several of which have wrong gradients; `tests/stock.rs` holds us to it.
//!
//! **Shapes** are the caller's to keep; operations panic where they do not agree.
//!
//! A block of a vision transformer, and the gradient of its input:
//!
//! ```
//! use vpc_train::ops::*;
//!
//! let (width, hidden, patches) = (8, 16, 5);
//! let some = |rows: usize, columns: usize| {
//!     Matrix::new((0..rows * columns).map(|i| (i as f32).sin() * 0.1).collect(), columns)
//! };
//! let layer = |outputs, inputs| Linear::new(some(outputs, inputs), Some(some(1, outputs)));
//! let norm = Norm { gain: some(1, width), bias: some(1, width), eps: 1e-6 };
//! let heads = Heads { queries: 2, keys: 2, width: 4 };
//! let qkv = layer(heads.row(), width);
//! let (output, inner, outer) = (layer(width, width), layer(hidden, width), layer(width, hidden));
//!
//! let images = some(2 * patches, width);
//! let x = images.clone().record(Recording::default());
//! let normed = layer_norm(x.branch(), &norm);
//! let full = Attention { heads, mask: Mask::Full, rope: None, length: patches };
//! let x = linear(attention(normed, &qkv, &full), &output, Some(x));
//! let normed = layer_norm(x.branch(), &norm);
//! let y = mlp(normed, &inner, &outer, Activation::Gelu, Some(x));
//!
//! let seed = vec![1.0; y.values().len()];
//! let mut gradients = y.backward(seed)?;
//! assert_eq!(gradients.take(&images)?.len(), 2 * patches * width);
//! assert_eq!(gradients.take(&qkv.weight)?.len(), heads.row() * width);
//! # Ok::<(), vpc_train::TrainError>(())
//! ```

mod activate;
mod add;
mod attention;
mod checkpoint;
mod embedding;
mod gated_mlp;
mod head;
mod layer_norm;
mod linear;
pub(crate) mod matrix;
mod mlp;
mod patch_embedding;
mod rms_norm;
mod scaled;
mod scatter;
mod squares;
pub(crate) mod storage;
mod swiglu;
mod take_rows;
#[cfg(test)]
mod tests;

pub use crate::kernels::activation::Activation;
pub use crate::kernels::patches::Patches;
pub use crate::kernels::pattern::{Heads, Mask};
pub use crate::kernels::rope::Rope;
pub use activate::activate;
pub use add::add;
pub use attention::{Attention, attention};
pub use checkpoint::{Block, checkpoint};
pub use embedding::embedding;
pub use gated_mlp::gated_mlp;
pub use head::{Loss, cross_entropy};
pub use layer_norm::{Norm, layer_norm};
pub use linear::{Linear, linear};
pub use matrix::{Gradients, Matrix, Recording, Silent, Tape};
pub use mlp::mlp;
pub use patch_embedding::{PatchEmbedding, patch_embedding};
pub use rms_norm::rms_norm;
pub use scaled::scaled;
pub use scatter::{Marked, scatter_rows};
pub use squares::resize_squares;
pub use swiglu::swiglu_residual;
pub use take_rows::take_rows;
