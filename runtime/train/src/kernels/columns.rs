//! Sums over the rows of a matrix, and their counterpart: one row put into all rows.

use rayon::prelude::*;

use super::buffer::buffer;
use super::gemm::Write;
use super::simd::simd;

/// Rows per unit of work; columns are summed per unit, then over units in order.
const ROWS: usize = 32;

/// Copies `row` to every row of `y`.
pub(crate) fn spread(y: &mut [f32], row: &[f32]) {
    y.par_chunks_mut(ROWS * row.len()).for_each(|y| {
        for y in y.chunks_exact_mut(row.len()) {
            y.copy_from_slice(row);
        }
    });
}

/// Adds `row` to every row of `y`.
pub(crate) fn add_row(y: &mut [f32], row: &[f32]) {
    y.par_chunks_mut(ROWS * row.len()).for_each(|y| {
        simd(
            #[inline(always)]
            || {
                y.chunks_exact_mut(row.len()).for_each(|y| plus(y, row));
            },
        );
    });
}

/// Sum of the rows of `rows` [n, target.len()] into `target`; of none, zeros.
pub(crate) fn sum_rows(target: &mut [f32], write: Write, rows: &[f32]) {
    let width = target.len();
    let mut partials = buffer(rows.len().div_ceil(ROWS * width) * width);
    partials
        .par_chunks_mut(width)
        .zip(rows.par_chunks(ROWS * width))
        .for_each(|(partial, rows)| {
            simd(
                #[inline(always)]
                || {
                    partial.fill(0.0);
                    rows.chunks_exact(width).for_each(|row| plus(partial, row));
                },
            );
        });
    add_up(target, write, &partials);
}

/// Adds the rows of `partials`, the sums of the units of work, in order.
pub(crate) fn add_up(target: &mut [f32], write: Write, partials: &[f32]) {
    if write == Write::Set {
        target.fill(0.0);
    }
    for partial in partials.chunks_exact(target.len()) {
        plus(target, partial);
    }
}

#[inline(always)]
fn plus(sum: &mut [f32], part: &[f32]) {
    for (sum, part) in sum.iter_mut().zip(part) {
        *sum += part;
    }
}
