//! Which attention Hopper's tensor cores do four warps at a time, how kernels are laid out for it, and
//! whether they are right on the GPU at hand.

use half::bf16;

use crate::program::{AttentionShape, Command, Kind, Mask, Span};
use crate::{Device, DeviceError};

/// Rows of a tile.
const TILE: usize = 64;
/// Stages of tiles that are on their way.
const STAGES: usize = 3;
/// Where a tile begins in shared memory: at a multiple of so many bytes.
const ALIGNMENT: usize = 1024;

/// A kernel: groups of four warps in a block, matrices of which each group owns a tile, and tiles of a
/// stage of each of the two matrices that pass by.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    groups: usize,
    owned: usize,
    passing: usize,
    width: usize,
}

impl Layout {
    /// Of the forward pass, for heads of `width`.
    pub const fn forward(width: usize) -> Self {
        Self {
            groups: if width == 64 { 3 } else { 2 },
            owned: 1,
            passing: 2,
            width,
        }
    }

    /// Of the gradient of queries.
    pub const fn queries(width: usize) -> Self {
        let Self { groups, .. } = Self::forward(width);
        Self {
            groups,
            ..Self::keys(width)
        }
    }

    /// Of the gradient of keys and values.
    pub const fn keys(width: usize) -> Self {
        Self {
            groups: 2,
            owned: 2,
            passing: if width == 64 { 2 } else { 1 },
            width,
        }
    }

    /// Rows that a block owns.
    pub const fn rows(self) -> usize {
        self.groups * TILE
    }

    /// Threads of a block.
    pub const fn threads(self) -> u32 {
        self.groups as u32 * 128
    }

    /// Bytes of dynamic shared memory of a block.
    pub const fn shared(self) -> usize {
        let tiles = self.groups * self.owned + STAGES * 2 * self.passing;
        // It may begin anywhere.
        tiles * TILE * self.width * 2 + ALIGNMENT
    }
}

/// Whether there are kernels for it.
pub(super) fn takes(kind: Kind, shape: &AttentionShape) -> bool {
    kind == Kind::Bf16 && matches!(shape.width, 64 | 128)
}

/// Results of a small attention and of its gradient: `out`, `log_sums`, `dqkv`.
pub(super) fn sample<D: Device>(
    device: &mut D,
    width: usize,
    mask: Mask,
) -> Result<Vec<Vec<f64>>, DeviceError> {
    let shape = AttentionShape {
        sequences: 1,
        // More rows than a block has, and a last tile that is not full.
        length: 200,
        queries: 2,
        keys: 1,
        width,
        mask,
    };
    let tokens = shape.sequences * shape.length;
    let row = (shape.queries + 2 * shape.keys) * width;
    let mut at = 0;
    let mut span = |len: usize, kind: Kind| {
        let span = Span { at, len, kind };
        at = (at + len * kind.bytes()).next_multiple_of(256);
        span
    };
    let qkv = span(tokens * row, Kind::Bf16);
    let dout = span(tokens * shape.queries * width, Kind::Bf16);
    let out = span(dout.len, Kind::Bf16);
    let dqkv = span(qkv.len, Kind::Bf16);
    let log_sums = span(tokens * shape.queries, Kind::F32);
    let delta = span(log_sums.len, Kind::F32);
    device.reserve(at)?;
    let mut state = 1_u32;
    for input in [qkv, dout] {
        let numbers = (0..input.len).flat_map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let even = f64::from(state >> 8) / f64::from(1_u32 << 24);
            // About as wide as normal numbers.
            bf16::from_f64((even - 0.5) * 3.5).to_le_bytes()
        });
        device.write(input, &numbers.collect::<Vec<u8>>())?;
    }
    let graph = device.prepare(&[
        Command::Attention {
            out,
            log_sums,
            qkv,
            shape,
        },
        Command::AttentionGradient {
            dqkv,
            delta,
            dout,
            qkv,
            out,
            log_sums,
            shape,
        },
    ])?;
    device.run(&graph)?;
    [out, log_sums, dqkv]
        .into_iter()
        .map(|span| Ok(numbers(&device.read(span)?, span.kind)))
        .collect()
}

fn numbers(bytes: &[u8], kind: Kind) -> Vec<f64> {
    if kind == Kind::Bf16 {
        let (pairs, _) = bytes.as_chunks();
        pairs
            .iter()
            .map(|b| bf16::from_le_bytes(*b).to_f64())
            .collect()
    } else {
        let (fours, _) = bytes.as_chunks();
        fours
            .iter()
            .map(|b| f64::from(f32::from_le_bytes(*b)))
            .collect()
    }
}

/// The largest relative difference that two right sets of kernels have: both round weights to bf16,
/// but not after the same maximum.
const APART: f64 = 0.03;

/// Whether two samples are of the same attention, up to rounding.
pub(super) fn agree(one: &[Vec<f64>], other: &[Vec<f64>]) -> bool {
    let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    one.len() == other.len()
        && one.iter().zip(other).all(|(one, other)| {
            let apart = squares(&mut one.iter().zip(other).map(|(a, b)| a - b));
            // A difference that is no number is no agreement.
            apart <= squares(&mut other.iter().copied()) * APART * APART
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Host;

    #[test]
    fn blocks_fit_hopper() {
        for width in [64, 128] {
            for layout in [
                Layout::forward(width),
                Layout::queries(width),
                Layout::keys(width),
            ] {
                assert!(layout.shared() <= 227 << 10, "{layout:?}");
                assert!(layout.threads() <= 384 && layout.rows() * 2 == layout.threads() as usize);
            }
        }
    }

    #[test]
    fn a_sample_agrees_with_itself_and_with_nothing_else() {
        let causal = sample(&mut Host::new(), 64, Mask::Causal).expect("a sample");
        let full = sample(&mut Host::new(), 64, Mask::Full).expect("a sample");
        assert!(agree(&causal, &causal));
        assert!(!agree(&causal, &full));
        let mut off = causal.clone();
        off[2].iter_mut().for_each(|v| *v *= 1.05);
        assert!(!agree(&off, &causal));
        off[2][7] = f64::NAN;
        assert!(!agree(&off, &causal));
    }
}
