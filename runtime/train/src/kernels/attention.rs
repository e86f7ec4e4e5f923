//! Grouped-query attention in blocks of queries, keeping only log-sum-exps for the gradient.
#![expect(unsafe_code, reason = "heads are disjoint column blocks of one matrix")]

use rayon::prelude::*;

use super::buffer::buffer;
use super::gemm::{Crew, Write, product};
use super::lanes::{dot, exp, max, sum};
use super::pattern::{Block, Pattern, QUERIES};
use super::simd::simd;
use super::view::{Shared, View, ViewMut};

/// Attends within each sequence: `qkv` [tokens, row] into `out` [tokens, output].
///
/// Returns the log-sum-exp of the scaled scores, [sequences, query heads, length].
pub(crate) fn forward(out: &mut [f32], qkv: &[f32], pattern: Pattern) -> Vec<f32> {
    let Pattern { heads, length, .. } = pattern;
    let qkv = View::new(qkv, heads.row());
    let tokens = qkv.extent().rows;
    let mut log_sums = buffer(tokens * heads.queries);
    let out = Shared::new(out, heads.output());
    let work = log_sums.par_chunks_mut(length).enumerate();
    work.for_each_init(
        || buffer(QUERIES * length),
        |scores, (task, log_sums)| {
            let (sequence, head) = (task / heads.queries, task % heads.queries);
            let first = sequence * length;
            for block in pattern.blocks() {
                let (rows, seen) = block.rows(first);
                let kv_head = head / heads.group();
                let scores = &mut scores[..block.scores()];
                let q = qkv.block(rows.clone(), heads.query(head));
                let k = qkv.block(seen.clone(), heads.key(kv_head));
                let v = qkv.block(seen, heads.value(kv_head));
                let target = ViewMut::new(scores, block.seen);
                product(
                    target,
                    Write::Set,
                    heads.scale(),
                    q,
                    k.transposed(),
                    Crew::Alone,
                );
                simd(
                    #[inline(always)]
                    || softmax(scores, &mut log_sums[block.queries.clone()], &block),
                );
                // SAFETY: each task owns its head's columns in its sequence's rows.
                let target = unsafe { out.block(rows, heads.query(head)) };
                product(
                    target,
                    Write::Set,
                    1.0,
                    View::new(scores, block.seen),
                    v,
                    Crew::Alone,
                );
            }
        },
    );
    log_sums
}

/// Turns the scores of a block into probabilities.
#[inline(always)]
fn softmax(scores: &mut [f32], log_sums: &mut [f32], block: &Block) {
    let rows = scores.chunks_exact_mut(block.seen).zip(log_sums);
    for (visible, (row, log_sum)) in block.visible().zip(rows) {
        let (seen, masked) = row.split_at_mut(visible);
        let top = max(seen);
        for score in seen.iter_mut() {
            *score = exp(*score - top);
        }
        let total = sum(seen);
        let share = 1.0 / total;
        for weight in seen {
            *weight *= share;
        }
        masked.fill(0.0);
        *log_sum = top + total.ln();
    }
}

/// What [`forward`] leaves behind for its gradient.
pub(crate) struct Saved<'a> {
    pub(crate) qkv: &'a [f32],
    pub(crate) out: &'a [f32],
    pub(crate) log_sums: &'a [f32],
}

/// Gradient of queries, keys and values into `dqkv` (every element is written), given `dout`.
///
/// Probabilities are recomputed from the log-sum-exps (Dao et al. 2022, algorithm 4).
pub(crate) fn backward(dqkv: &mut [f32], dout: &[f32], saved: &Saved, pattern: Pattern) {
    let Pattern { heads, length, .. } = pattern;
    let tokens = saved.qkv.len() / heads.row();
    let dqkv = Shared::new(dqkv, heads.row());
    let pass = Pass {
        qkv: View::new(saved.qkv, heads.row()),
        out: View::new(saved.out, heads.output()),
        dout: View::new(dout, heads.output()),
        log_sums: saved.log_sums,
        pattern,
    };
    // One task per key head: the query heads of its group add to the same key and value gradients.
    (0..tokens / length * heads.keys)
        .into_par_iter()
        .for_each_init(
            || (buffer(QUERIES * length), buffer(QUERIES * length)),
            |(weights, slopes), task| {
                let (sequence, kv_head) = (task / heads.keys, task % heads.keys);
                let mut write = Write::Set;
                for head in kv_head * heads.group()..(kv_head + 1) * heads.group() {
                    // From the last block, which sees every key: its write covers all rows of dk and dv.
                    for block in pattern.blocks().rev() {
                        pass.block(&dqkv, (weights, slopes), sequence, head, &block, write);
                        write = Write::Add;
                    }
                }
            },
        );
}

/// One backward pass: all it reads.
struct Pass<'a> {
    qkv: View<'a>,
    out: View<'a>,
    dout: View<'a>,
    log_sums: &'a [f32],
    pattern: Pattern,
}

impl Pass<'_> {
    /// Gradient through one block of queries of one head; `write` says how dk and dv are written.
    fn block(
        &self,
        dqkv: &Shared,
        (weights, slopes): (&mut [f32], &mut [f32]),
        sequence: usize,
        head: usize,
        block: &Block,
        write: Write,
    ) {
        let Pattern { heads, length, .. } = self.pattern;
        let (rows, seen) = block.rows(sequence * length);
        let seen_len = block.seen;
        let kv_head = head / heads.group();
        let q = self.qkv.block(rows.clone(), heads.query(head));
        let k = self.qkv.block(seen.clone(), heads.key(kv_head));
        let v = self.qkv.block(seen.clone(), heads.value(kv_head));
        let out = self.out.block(rows.clone(), heads.query(head));
        let dout = self.dout.block(rows.clone(), heads.query(head));
        let weights = &mut weights[..block.scores()];
        let slopes = &mut slopes[..block.scores()];
        let (set, scale, alone) = (Write::Set, heads.scale(), Crew::Alone);

        product(
            ViewMut::new(weights, seen_len),
            set,
            scale,
            q,
            k.transposed(),
            alone,
        );
        product(
            ViewMut::new(slopes, seen_len),
            set,
            1.0,
            dout,
            v.transposed(),
            alone,
        );
        let log_sums = &self.log_sums[(sequence * heads.queries + head) * length..];
        simd(
            #[inline(always)]
            || {
                score_gradients(
                    weights,
                    slopes,
                    &log_sums[block.queries.clone()],
                    (out, dout),
                    block,
                );
            },
        );
        let (weights, slopes) = (View::new(weights, seen_len), View::new(slopes, seen_len));
        // SAFETY: each task owns its key head's columns, and its group's query columns, in its
        // sequence's rows; the three blocks lie in different columns.
        let (dq, dk, dv) = unsafe {
            (
                dqkv.block(rows, heads.query(head)),
                dqkv.block(seen.clone(), heads.key(kv_head)),
                dqkv.block(seen, heads.value(kv_head)),
            )
        };
        product(dv, write, 1.0, weights.transposed(), dout, alone);
        product(dk, write, scale, slopes.transposed(), q, alone);
        product(dq, set, scale, slopes, k, alone);
    }
}

/// Turns scores into probabilities P, and dP into the score gradient P·(dP − Σ out·dout).
#[inline(always)]
fn score_gradients(
    weights: &mut [f32],
    slopes: &mut [f32],
    log_sums: &[f32],
    (out, dout): (View, View),
    block: &Block,
) {
    let rows = weights
        .chunks_exact_mut(block.seen)
        .zip(slopes.chunks_exact_mut(block.seen));
    let rows = rows.zip(log_sums).zip(block.visible());
    for (i, (((weights, slopes), &log_sum), seen)) in rows.enumerate() {
        let pull = dot(out.row(i), dout.row(i));
        for (weight, slope) in weights[..seen].iter_mut().zip(&mut slopes[..seen]) {
            *weight = exp(*weight - log_sum);
            *slope = *weight * (*slope - pull);
        }
        weights[seen..].fill(0.0);
        slopes[seen..].fill(0.0);
    }
}
