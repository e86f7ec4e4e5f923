//! The numbers inside a dfdx CPU tensor, without a copy.
#![expect(
    unsafe_code,
    reason = "dfdx gives element access only; kernels need slices"
)]

use dfdx::shapes::{HasShape, Shape};
use dfdx::tensor::{Cpu, Tensor};

/// Elements of a contiguous tensor, row-major.
///
/// The pointer comes from dfdx's public indexing. It reaches past the one element it was made from,
/// into the same allocation: sound under Tree Borrows, flagged by Stacked Borrows.
pub(crate) fn values<S: Shape, T>(tensor: &Tensor<S, f32, Cpu, T>) -> &[f32] {
    let len = tensor.shape().num_elements();
    let first: *const f32 = &raw const tensor[S::Concrete::default()];
    assert_eq!(
        &raw const tensor[last(tensor)],
        first.wrapping_add(len - 1),
        "not contiguous"
    );
    // SAFETY: first and last element are `len − 1` apart in one allocation, borrowed with `tensor`.
    unsafe { std::slice::from_raw_parts(first, len) }
}

/// Elements of a contiguous tensor to change, row-major; copies them first if they are shared.
pub(crate) fn values_mut<S: Shape, T>(tensor: &mut Tensor<S, f32, Cpu, T>) -> &mut [f32] {
    let len = values(tensor).len();
    let first: *mut f32 = &raw mut tensor[S::Concrete::default()];
    // SAFETY: as in `values`; dfdx's mutable indexing has just made the allocation unique.
    unsafe { std::slice::from_raw_parts_mut(first, len) }
}

/// Index of the last element. Tensors here are never empty.
fn last<S: Shape, T>(tensor: &Tensor<S, f32, Cpu, T>) -> S::Concrete {
    let mut index = S::Concrete::default();
    let sizes = tensor.shape().concrete();
    for (i, size) in sizes.into_iter().enumerate() {
        index[i] = size - 1;
    }
    index
}
