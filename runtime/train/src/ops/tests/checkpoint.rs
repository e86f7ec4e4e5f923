//! A checkpointed block gives the bits of the block itself.

use super::harness::{bits, check, recording};
use crate::ops::{
    Activation, Block, Linear, Matrix, Norm, Tape, checkpoint, layer_norm, linear, mlp,
};
use crate::reference;

/// A block with a residual stream, whose weights other blocks use as well.
struct Residual {
    norm: Norm,
    layer: Linear,
}

impl Block for Residual {
    fn forward<T: Tape>(&self, x: Matrix<T>) -> Matrix<T> {
        let normed = layer_norm(x.branch(), &self.norm);
        let x = linear(normed, &self.layer, Some(x));
        let normed = layer_norm(x.branch(), &self.norm);
        mlp(normed, &self.layer, &self.layer, Activation::Gelu, Some(x))
    }
}

const SHAPES: [(usize, usize); 5] = [(41, 6), (1, 6), (1, 6), (6, 6), (1, 6)];

fn block(m: &[Matrix]) -> Residual {
    Residual {
        norm: Norm {
            gain: m[1].clone(),
            bias: m[2].clone(),
            eps: 1e-3,
        },
        layer: Linear::new(m[3].clone(), Some(m[4].clone())),
    }
}

/// Two blocks of the same weights, of which some are checkpointed.
fn blocks(m: &[Matrix], checkpointed: [bool; 2]) -> super::harness::Recorded {
    checkpointed
        .into_iter()
        .fold(recording(&m[0]), |x, checkpointed| {
            if checkpointed {
                checkpoint(x, block(m))
            } else {
                block(m).forward(x)
            }
        })
}

#[test]
fn bits_are_those_of_the_block() {
    let plain = bits("blocks", &SHAPES, |m| blocks(m, [false, false]));
    for checkpointed in [[true, true], [true, false], [false, true]] {
        let found = bits("blocks", &SHAPES, |m| blocks(m, checkpointed));
        assert!(found == plain, "{checkpointed:?}");
    }
}

#[test]
fn a_block_in_a_block_is_recomputed_twice() {
    struct Outer(Vec<Matrix>);
    impl Block for Outer {
        fn forward<T: Tape>(&self, x: Matrix<T>) -> Matrix<T> {
            let x = checkpoint(x, block(&self.0));
            checkpoint(x, block(&self.0))
        }
    }
    let plain = bits("blocks", &SHAPES, |m| blocks(m, [false, false]));
    let found = bits("blocks", &SHAPES, |m| {
        checkpoint(recording(&m[0]), Outer(m.to_vec()))
    });
    assert!(found == plain);
}

/// The input of a checkpointed block has another reader: their gradients add.
#[test]
fn gradients_are_right_beside_another_reader() {
    check(
        "checkpoint",
        &SHAPES,
        |m| {
            let x = recording(&m[0]);
            let y = checkpoint(x.branch(), block(m));
            linear(y, &block(m).layer, Some(x))
        },
        |m| {
            let norm = |x: &[f64]| reference::layer_norm(x, &m[1], &m[2], 1e-3_f32.into());
            let layer = [&m[3][..], &m[4][..]];
            let linear = |x: &[f64]| reference::linear_bias(x, &m[3], &m[4]);
            let x = reference::add(&m[0], &linear(&norm(&m[0])));
            let inner = reference::mlp(&norm(&x), layer, layer, Activation::Gelu);
            reference::add(&m[0], &linear(&reference::add(&x, &inner)))
        },
    );
}
