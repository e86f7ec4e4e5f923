//! Matrix products, by the `gemm` crate.
#![expect(unsafe_code, reason = "calls the `gemm` crate on raw strided matrices")]

use super::view::{View, ViewMut};

/// Whether a kernel replaces what its target holds or adds to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    Set,
    Add,
}

/// Who computes a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crew {
    /// The calling thread, which is already one of many.
    Alone,
    /// All threads of the current rayon pool.
    Pool,
}

/// `target (+)= scale · left · right`.
///
/// The bits do not depend on the crew: `gemm` cuts the output into tiles by shape, gives whole tiles
/// to threads, and sums over the inner dimension in one order. `tests::bits_do_not_depend_on_threads`
/// holds it to that.
pub(crate) fn product(
    mut target: ViewMut,
    write: Write,
    scale: f32,
    left: View,
    right: View,
    crew: Crew,
) {
    let (t, l, r) = (target.extent(), left.extent(), right.extent());
    assert!(
        t.rows == l.rows && t.columns == r.columns && l.columns == r.rows,
        "product of {}×{} and {}×{} into {}×{}",
        l.rows,
        l.columns,
        r.rows,
        r.columns,
        t.rows,
        t.columns,
    );
    let crew = match crew {
        Crew::Alone => gemm::Parallelism::None,
        Crew::Pool => gemm::Parallelism::Rayon(0),
    };
    // SAFETY: the views were checked against their slices, the shapes agree, and `target` is unique.
    unsafe {
        gemm::gemm(
            t.rows,
            t.columns,
            l.columns,
            target.start(),
            t.column_step.cast_signed(),
            t.row_step.cast_signed(),
            write == Write::Add,
            left.start(),
            l.column_step.cast_signed(),
            l.row_step.cast_signed(),
            right.start(),
            r.column_step.cast_signed(),
            r.row_step.cast_signed(),
            1.0,
            scale,
            false,
            false,
            false,
            crew,
        );
    }
}

/// y (+)= x·Wᵀ: `x` [tokens, inputs], `weight` [outputs, inputs], `y` [tokens, outputs].
pub(crate) fn linear(y: &mut [f32], write: Write, x: &[f32], weight: &[f32], inputs: usize) {
    let weight = View::new(weight, inputs);
    let outputs = weight.extent().rows;
    let x = View::new(x, inputs);
    product(
        ViewMut::new(y, outputs),
        write,
        1.0,
        x,
        weight.transposed(),
        Crew::Pool,
    );
}

/// dx (+)= dy·W, the input gradient of [`linear`].
pub(crate) fn linear_input(
    dx: &mut [f32],
    write: Write,
    dy: &[f32],
    weight: &[f32],
    inputs: usize,
) {
    let weight = View::new(weight, inputs);
    let dy = View::new(dy, weight.extent().rows);
    product(ViewMut::new(dx, inputs), write, 1.0, dy, weight, Crew::Pool);
}

/// dW (+)= dyᵀ·x, the weight gradient of [`linear`].
pub(crate) fn linear_weight(dw: &mut [f32], write: Write, dy: &[f32], x: &[f32], inputs: usize) {
    let outputs = dw.len() / inputs;
    let dy = View::new(dy, outputs).transposed();
    product(
        ViewMut::new(dw, inputs),
        write,
        1.0,
        dy,
        View::new(x, inputs),
        Crew::Pool,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::with_threads;

    fn values(len: usize, salt: usize) -> Vec<f32> {
        (0..len)
            .map(|i| ((i * 37 + salt * 101) % 1009) as f32 / 504.5 - 1.0)
            .collect()
    }

    /// All three layouts used in training, with and without accumulation, at `threads` threads.
    fn all_forms(tokens: usize, inputs: usize, outputs: usize, threads: usize) -> Vec<u32> {
        let run = || {
            let x = values(tokens * inputs, 1);
            let w = values(outputs * inputs, 2);
            let mut bits = Vec::new();
            for write in [Write::Set, Write::Add] {
                let mut y = values(tokens * outputs, 3);
                linear(&mut y, write, &x, &w, inputs);
                let mut dx = values(tokens * inputs, 4);
                linear_input(&mut dx, write, &y, &w, inputs);
                let mut dw = values(outputs * inputs, 5);
                linear_weight(&mut dw, write, &y, &x, inputs);
                bits.extend(y.iter().chain(&dx).chain(&dw).map(|v| v.to_bits()));
            }
            bits
        };
        with_threads(threads, run).expect("a small pool can be built")
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let shapes = [
            (1, 1, 1),
            (1, 128, 344),
            (2, 7, 5),
            (3, 64, 64),
            (16, 16, 16),
            (17, 31, 13),
            (64, 64, 64),
            (65, 96, 127),
            (127, 128, 384),
            (128, 128, 1024),
            (251, 331, 97),
            (256, 384, 1152),
            (509, 384, 2048),
            (512, 1024, 384),
            (1024, 48, 701),
            (2048, 128, 688),
        ];
        for (tokens, inputs, outputs) in shapes {
            let one = all_forms(tokens, inputs, outputs, 1);
            for threads in [2, 3, 4, 7] {
                let many = all_forms(tokens, inputs, outputs, threads);
                assert!(
                    one == many,
                    "{tokens}×{inputs}×{outputs} differs at {threads} threads"
                );
            }
        }
    }

    #[test]
    fn products_are_right() {
        let (tokens, inputs, outputs) = (19, 23, 11);
        let (x, w) = (values(tokens * inputs, 1), values(outputs * inputs, 2));
        let mut y = vec![1.0; tokens * outputs];
        linear(&mut y, Write::Add, &x, &w, inputs);
        for t in 0..tokens {
            for o in 0..outputs {
                let exact: f64 = (0..inputs)
                    .map(|i| f64::from(x[t * inputs + i]) * f64::from(w[o * inputs + i]))
                    .sum();
                assert!((f64::from(y[t * outputs + o]) - exact - 1.0).abs() < 1e-5);
            }
        }
    }
}
