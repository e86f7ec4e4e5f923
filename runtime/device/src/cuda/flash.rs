//! Which attention tensor cores do, and how kernels are laid out for it.

use crate::program::{AttentionShape, Kind};

/// Rows that a block owns: two tiles of 16 a warp, or one of long heads.
pub(super) fn tile(width: usize) -> usize {
    if width > 64 { 64 } else { 128 }
}

/// Whether the tensor cores' kernels take heads of this length.
pub(super) fn takes(kind: Kind, shape: &AttentionShape) -> bool {
    kind == Kind::Bf16 && shape.width.is_multiple_of(16) && (16..=128).contains(&shape.width)
}

/// Bytes of dynamic shared memory of a block, for heads of `width`: of the forward pass, and of each of the two backward kernels.
pub fn shared(width: usize) -> (usize, usize) {
    // Rows are padded, so that eight of them lie in different banks; what passes by is held twice.
    let (row, tile) = ((width + 8) * 2, tile(width));
    let back = if width > 64 { 64 } else { 32 };
    ((tile + 4 * 64) * row, (2 * tile + 4 * back) * row)
}
