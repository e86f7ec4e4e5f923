//! Single-precision kernels on plain slices: parallel, vectorised, the same bits at any thread count.
//!
//! Work is cut by shape alone, never by the number of threads, and every sum has one written order.
//! Nothing here knows of tensors or tapes; `crate::ops` puts these kernels on dfdx's tape.
#![expect(
    clippy::inline_always,
    reason = "a loop is compiled for the CPU it is inlined for"
)]

pub(crate) mod activation;
pub(crate) mod adamw;
pub(crate) mod attention;
pub(crate) mod buffer;
pub(crate) mod cached_attention;
pub(crate) mod columns;
pub(crate) mod cross_entropy;
pub(crate) mod embedding;
pub(crate) mod gemm;
pub(crate) mod lanes;
pub(crate) mod layer_norm;
pub(crate) mod norm;
pub(crate) mod panels;
pub(crate) mod patches;
pub(crate) mod pattern;
pub(crate) mod resize;
pub(crate) mod rms_norm;
pub(crate) mod rope;
pub(crate) mod scatter;
pub(crate) mod simd;
pub(crate) mod sum;
pub(crate) mod swiglu;
pub(crate) mod view;
