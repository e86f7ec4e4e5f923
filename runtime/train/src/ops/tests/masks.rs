//! Attention: causal or full, rotary or not, grouped or not, with biases.

use std::sync::Arc;

use proptest::prelude::*;

use super::harness::{check, check_threads, recording};
use super::layers::layer;
use crate::ops::{Attention, Heads, Mask, Rope, attention};
use crate::reference;

/// An attention of `queries`, `keys` heads `head` long, and the same for the reference.
pub(super) fn ways(
    (queries, keys, head): (usize, usize, usize),
    (mask, turned): (Mask, bool),
    length: usize,
) -> (Attention, reference::Attention) {
    let heads = Heads {
        queries,
        keys,
        width: head,
    };
    let base = turned.then_some(100.0);
    let ours = Attention {
        heads,
        mask,
        rope: base.map(|base| Arc::new(Rope::new(head, length, base))),
        length,
    };
    let plain = reference::Attention {
        heads,
        mask,
        rope_base: base,
        length,
    };
    (ours, plain)
}

/// Each mask, with rotary embedding and without.
const KINDS: [(Mask, bool); 4] = [
    (Mask::Causal, false),
    (Mask::Causal, true),
    (Mask::Full, false),
    (Mask::Full, true),
];

fn check_attention(
    kind: (Mask, bool),
    (rows, length): (usize, usize),
    heads: (usize, usize, usize),
    width: usize,
) {
    let (ours, plain) = ways(heads, kind, length);
    let row = ours.heads.row();
    check(
        &format!("attention {rows}×{length}, {heads:?}, {width}, {kind:?}"),
        &[(rows * length, width), (row, width), (1, row)],
        |m| attention(recording(&m[0]), &layer(&m[1], &m[2]), &ours),
        |m| reference::attention(&plain, &reference::linear_bias(&m[0], &m[1], &m[2])),
    );
}

#[test]
fn attention_shapes() {
    for kind in KINDS {
        check_attention(kind, (1, 1), (1, 1, 2), 1);
        check_attention(kind, (3, 1), (2, 1, 4), 5);
        check_attention(kind, (2, 17), (4, 2, 6), 13);
        check_attention(kind, (2, 65), (3, 1, 2), 7);
        check_attention(kind, (1, 131), (2, 1, 4), 6);
    }
    // Only pairs can be turned; other heads may be odd.
    check_attention((Mask::Full, false), (1, 1), (1, 1, 1), 1);
    check_attention((Mask::Full, false), (1, 64), (2, 2, 3), 8);
    check_attention((Mask::Causal, false), (1, 64), (2, 2, 5), 8);
}

#[test]
fn bits_do_not_depend_on_threads() {
    let (tokens, width) = (3 * 67, 37);
    for kind in KINDS {
        let how = ways((4, 2, 6), kind, 67).0;
        let row = how.heads.row();
        let shapes = [(tokens, width), (row, width), (1, row)];
        check_threads("attention", &shapes, |m| {
            attention(recording(&m[0]), &layer(&m[1], &m[2]), &how)
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_attention(
        rows in 1..3_usize,
        length in 1..90_usize,
        keys in 1..3_usize,
        group in 1..4_usize,
        half in 1..5_usize,
        width in 1..12_usize,
        kind in 0..4_usize,
    ) {
        check_attention(KINDS[kind], (rows, length), (keys * group, keys, 2 * half), width);
    }
}
