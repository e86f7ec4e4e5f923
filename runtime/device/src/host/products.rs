//! Matrix products.

use rayon::prelude::*;

use super::memory::Memory;
use crate::program::Command;

pub(super) fn carry_out(memory: &mut Memory, command: &Command) {
    let &Command::Gemm {
        out,
        a,
        b,
        m,
        n,
        k,
        a_transposed,
        b_transposed,
        plus,
    } = command
    else {
        return;
    };
    assert_eq!(a.kind, b.kind, "factors are of one kind");
    assert_eq!(
        (a.len, b.len, out.len),
        (m * k, k * n, m * n),
        "{command:?}"
    );
    let (a, b) = (memory.floats(a), memory.floats(b));
    let mut result = plus.map_or_else(|| vec![0.0; m * n], |plus| memory.floats(plus));
    result.par_chunks_mut(n).enumerate().for_each(|(i, row)| {
        for (j, sum) in row.iter_mut().enumerate() {
            let product = |l: usize| {
                let left = if a_transposed {
                    a[l * m + i]
                } else {
                    a[i * k + l]
                };
                let right = if b_transposed {
                    b[j * k + l]
                } else {
                    b[l * n + j]
                };
                f64::from(left) * f64::from(right)
            };
            *sum = (f64::from(*sum) + (0..k).map(product).sum::<f64>()) as f32;
        }
    });
    memory.put(out, &result);
}
