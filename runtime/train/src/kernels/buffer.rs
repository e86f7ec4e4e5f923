//! Large work arrays without the cost of clearing them first.
#![expect(unsafe_code, reason = "a buffer every kernel fills before it reads")]

/// A vector of `len` unspecified values, for kernels that write every element before reading any.
#[expect(
    clippy::uninit_vec,
    reason = "clearing costs a pass over memory per activation"
)]
pub(crate) fn buffer(len: usize) -> Vec<f32> {
    let mut values = Vec::with_capacity(len);
    // SAFETY: the capacity is `len`; every bit pattern is a valid `f32`, and each caller hands the
    // buffer to a kernel that overwrites all of it.
    unsafe {
        values.set_len(len);
    }
    values
}
