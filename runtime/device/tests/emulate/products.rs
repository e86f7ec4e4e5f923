//! Matrix products in plain loops, in place of the GPU's library.

use half::bf16;
use vpc_device::cuda::launch::Product;
use vpc_device::program::Kind;

/// The result's numbers, `[m, n]`: summed in f32 in ascending order, and rounded once.
pub(crate) fn bytes(product: &Product, a: &[f32], b: &[f32], plus: Option<&[f32]>) -> Vec<u8> {
    let Product { m, n, k, .. } = *product;
    let left = |row: usize, inner: usize| {
        if product.a_transposed {
            a[inner * m + row]
        } else {
            a[row * k + inner]
        }
    };
    let right = |inner: usize, column: usize| {
        if product.b_transposed {
            b[column * k + inner]
        } else {
            b[inner * n + column]
        }
    };
    let mut bytes = Vec::with_capacity(m * n * product.out.kind.bytes());
    for row in 0..m {
        for column in 0..n {
            let first = plus.map_or(0.0, |plus| plus[row * n + column]);
            let sum = (0..k).fold(first, |sum, inner| {
                sum + left(row, inner) * right(inner, column)
            });
            if product.out.kind == Kind::Bf16 {
                bytes.extend(bf16::from_f32(sum).to_le_bytes());
            } else {
                bytes.extend(sum.to_le_bytes());
            }
        }
    }
    bytes
}
