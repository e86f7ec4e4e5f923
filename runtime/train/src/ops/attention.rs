//! Query, key and value projection, rotary embedding and attention, on the tape.

use std::sync::Arc;

use super::linear::Linear;
use super::matrix::{Matrix, Slots, Tape};
use crate::kernels::attention::{Saved, backward, forward};
use crate::kernels::buffer::buffer;
use crate::kernels::pattern::{Heads, Mask, Pattern};
use crate::kernels::rope::{Rope, Turn};

/// How a block attends.
#[derive(Clone, Debug)]
pub struct Attention {
    /// How heads lie in a row of projections.
    pub heads: Heads,
    /// Which keys a query sees.
    pub mask: Mask,
    /// Rotary embedding of queries and keys by their place in the sequence, or none.
    pub rope: Option<Arc<Rope>>,
    /// Tokens of a sequence.
    pub length: usize,
}

impl Attention {
    /// Panics unless it can attend among `tokens` tokens.
    fn check(&self, tokens: usize) {
        let Self { heads, length, .. } = self;
        assert!(
            heads.queries.is_multiple_of(heads.keys),
            "{} query heads for {} key heads",
            heads.queries,
            heads.keys
        );
        assert!(
            tokens.is_multiple_of(*length),
            "{tokens} tokens in sequences of {length}"
        );
        if let Some(rope) = &self.rope {
            assert!(
                rope.fits(heads.width, *length),
                "rotary embedding of other heads, or of shorter sequences than {length}"
            );
        }
    }

    fn pattern(&self) -> Pattern {
        Pattern {
            heads: self.heads,
            mask: self.mask,
            length: self.length,
        }
    }

    /// Turns the queries and keys of all rows, if there is an embedding.
    fn turn(&self, rows: &mut [f32], turn: Turn) {
        let Heads { queries, keys, .. } = self.heads;
        if let Some(rope) = &self.rope {
            let position = |row: usize| row % self.length;
            rope.turn(rows, self.heads.row(), queries + keys, position, turn);
        }
    }
}

/// Attention's output [tokens, heads·head width] of `x` [tokens, width].
///
/// `qkv` [row, width] holds the query, key and value projections one above the other. Scores are
/// never kept: the gradient recomputes them.
///
/// # Panics
/// If the shapes do not agree, or the tokens are not whole sequences.
pub fn attention<T: Tape>(x: Matrix<T>, qkv: &Linear, how: &Attention) -> Matrix<T> {
    let (x, tape) = x.split();
    let (tokens, row, pattern) = (x.rows(), how.heads.row(), how.pattern());
    assert_eq!(qkv.outputs(), row, "projections do not fit the heads");
    qkv.expect(&x);
    how.check(tokens);
    let mut projected = qkv.apply(x.values(), None);
    how.turn(&mut projected, Turn::Forward);
    let mut out = buffer(tokens * how.heads.output());
    let log_sums = forward(&mut out, &projected, pattern);
    let y = Matrix::computed(out, how.heads.output(), x.wants() || qkv.wants());
    let (y_kept, qkv, how) = (y.clone(), qkv.clone(), how.clone());
    y.record_with(tape, move |slots: &mut Slots| {
        let dy = std::mem::take(&mut **slots.get_or_alloc_mut(&y_kept.tensor)?);
        let saved = Saved {
            qkv: &projected,
            out: y_kept.values(),
            log_sums: &log_sums,
        };
        let mut dprojected = buffer(tokens * row);
        backward(&mut dprojected, &dy, &saved, pattern);
        how.turn(&mut dprojected, Turn::Back);
        qkv.input_gradient(slots, &x, &dprojected)?;
        qkv.weight_gradients(slots, &dprojected, x.values())
    })
}
