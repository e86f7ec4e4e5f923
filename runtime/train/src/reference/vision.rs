//! Patches of images, and rows in the place of others.

use super::layers::{add, linear_bias};
use crate::kernels::patches::Patches;

/// One dot product of a convolution's weight at a time, as its definition has it.
pub(crate) fn patch_embedding(
    images: &[f64],
    cut: Patches,
    [weight, bias]: [&[f64]; 2],
    class: Option<&[f64]>,
    positions: Option<&[f64]>,
) -> Vec<f64> {
    let Patches {
        channels,
        height,
        width,
        size,
    } = cut;
    let mut out = Vec::new();
    for image in images.chunks(channels * height * width) {
        let mut sequence = class.map(<[f64]>::to_vec).unwrap_or_default();
        for top in (0..height).step_by(size) {
            for left in (0..width).step_by(size) {
                let mut patch = Vec::new();
                for channel in 0..channels {
                    for line in top..top + size {
                        for column in left..left + size {
                            patch.push(image[(channel * height + line) * width + column]);
                        }
                    }
                }
                sequence.extend(linear_bias(&patch, weight, bias));
            }
        }
        out.extend(positions.map_or(sequence.clone(), |positions| add(&sequence, positions)));
    }
    out
}

/// `x` with the next row of `rows` wherever the token is `marker`.
pub(crate) fn scatter_rows(x: &[f64], rows: &[f64], tokens: &[u32], marker: u32) -> Vec<f64> {
    let width = x.len() / tokens.len();
    let mut next = rows.chunks(width);
    let pick = |(x, &token): (&[f64], &u32)| {
        let row = if token == marker {
            next.next()
        } else {
            Some(x)
        };
        row.expect("a row for each marker").to_vec()
    };
    x.chunks(width).zip(tokens).flat_map(pick).collect()
}
