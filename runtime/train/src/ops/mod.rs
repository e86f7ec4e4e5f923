//! Fused operations on dfdx's tape: real dfdx tensors and gradients, our kernels.
//!
//! Every operation works with a recording tape (training) and without one (inference). What each
//! writes to a gradient, and whether it is the first to do so, is known from [`matrix::Slot`].

pub(crate) mod attention;
pub(crate) mod embedding;
pub(crate) mod head;
pub(crate) mod linear;
pub(crate) mod matrix;
pub(crate) mod rms_norm;
pub(crate) mod storage;
pub(crate) mod swiglu;
#[cfg(test)]
mod tests;
