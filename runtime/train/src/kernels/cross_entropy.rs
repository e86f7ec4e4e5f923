//! Softmax cross-entropy of rows of logits, and its gradient in place.

use rayon::prelude::*;

use super::lanes::{exp, max, sum};
use super::simd::simd;

/// Rows per unit of work.
const ROWS: usize = 8;

/// What becomes of the logits once their losses are known.
#[derive(Clone, Copy)]
pub(crate) enum Logits {
    /// They are left as unspecified values.
    Spent,
    /// They become their own gradient, times this factor.
    Gradient(f32),
}

/// Writes −log softmax(logits)[target], in nats, of each row into `losses`.
///
/// `logits` is [targets.len(), vocabulary]; every target must be below `vocabulary`.
pub(crate) fn rows(
    losses: &mut [f64],
    logits: &mut [f32],
    vocabulary: usize,
    targets: &[u32],
    fate: Logits,
) {
    losses
        .par_chunks_mut(ROWS)
        .zip(logits.par_chunks_mut(ROWS * vocabulary))
        .zip(targets.par_chunks(ROWS))
        .for_each(|((losses, logits), targets)| {
            simd(
                #[inline(always)]
                || {
                    let rows = logits.chunks_exact_mut(vocabulary).zip(targets);
                    for (loss, (row, &target)) in losses.iter_mut().zip(rows) {
                        *loss = one_row(row, target as usize, fate);
                    }
                },
            );
        });
}

#[inline(always)]
fn one_row(row: &mut [f32], target: usize, fate: Logits) -> f64 {
    let top = max(row);
    let hit = row[target];
    for logit in row.iter_mut() {
        *logit = exp(*logit - top);
    }
    let total = sum(row);
    if let Logits::Gradient(factor) = fate {
        let share = factor / total;
        for weight in row.iter_mut() {
            *weight *= share;
        }
        row[target] -= factor;
    }
    f64::from(total).ln() + f64::from(top) - f64::from(hit)
}
