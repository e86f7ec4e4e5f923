//! Kernels for attention: on tensor cores where they take the shape, else on any.

use super::{Given, Kernel, Launcher, Shape, is_bf16};
use crate::DeviceError;
use crate::cuda::compile::Kernels;
use crate::cuda::flash;
use crate::cuda::hopper::{self, Layout};
use crate::program::{AttentionShape, Command, Kind};

/// Which kernels do an attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// Those that take any shape.
    Threads,
    /// Tensor cores, a warp at a time.
    Warps,
    /// Hopper's tensor cores, four warps at a time.
    Warpgroups,
}

impl By {
    /// `warpgroups`: whether the device has Hopper's instructions.
    pub(super) fn of(kind: Kind, shape: &AttentionShape, warpgroups: bool) -> Self {
        if warpgroups && hopper::takes(kind, shape) {
            Self::Warpgroups
        } else if flash::takes(kind, shape) {
            Self::Warps
        } else {
            Self::Threads
        }
    }
}

/// Kernels for attention, on any launcher.
pub(super) trait Attention: Launcher {
    fn attention(&mut self, command: &Command) -> Result<(), DeviceError> {
        match *command {
            Command::Attention {
                out,
                log_sums,
                qkv,
                shape,
            } => {
                let spans = [self.at(out), self.at(log_sums), self.at(qkv)];
                let (width, own) = (shape.width, Given::Shape(Shape::of(&shape)));
                let given = [&spans[..], &[own]].concat();
                match By::of(out.kind, &shape, self.warpgroups()) {
                    By::Warpgroups => {
                        let layout = Layout::forward(width);
                        self.start(&groups("hopper", shape.queries, &shape, layout), &given)
                    }
                    By::Warps => {
                        let of = Kernels::Flash { head: width };
                        let shared = flash::shared(width).0;
                        let kernel = tiles(of, "flash", shape.queries, &shape, shared);
                        self.start(&kernel, &given)
                    }
                    By::Threads => {
                        let of = Kernels::Attention { bf16: is_bf16(out) };
                        let warps = log_sums.len;
                        let kernel = Kernel::each(of, "attention", warps * 32);
                        let rest = [Given::long(warps), own];
                        self.start(&kernel, &[&spans[..], &rest].concat())
                    }
                }
            }
            Command::AttentionGradient {
                dqkv,
                delta,
                dout,
                qkv,
                out,
                log_sums,
                shape,
            } => {
                let of = Kernels::Attention { bf16: is_bf16(out) };
                let (warps, width) = (log_sums.len, shape.width);
                let kernel = Kernel::each(of, "attention_delta", warps * 32);
                let spans = [self.at(delta), self.at(dout), self.at(out)];
                let rest = [Given::long(warps), Given::int(width)];
                self.start(&kernel, &[&spans[..], &rest].concat())?;
                let spans = [dqkv, delta, dout, qkv, log_sums].map(|span| self.at(span));
                let own = Given::Shape(Shape::of(&shape));
                let given = [&spans[..], &[own]].concat();
                match By::of(out.kind, &shape, self.warpgroups()) {
                    By::Warpgroups => {
                        let layout = Layout::queries(width);
                        let kernel = groups("hopper_queries", shape.queries, &shape, layout);
                        self.start(&kernel, &given)?;
                        let layout = Layout::keys(width);
                        self.start(&groups("hopper_keys", shape.keys, &shape, layout), &given)
                    }
                    By::Warps => {
                        let of = Kernels::Flash { head: width };
                        let shared = flash::shared(width).1;
                        let kernel = tiles(of, "flash_queries", shape.queries, &shape, shared);
                        self.start(&kernel, &given)?;
                        let kernel = tiles(of, "flash_keys", shape.keys, &shape, shared);
                        self.start(&kernel, &given)
                    }
                    By::Threads => {
                        let given = [&spans[..], &[Given::long(warps), own]].concat();
                        self.start(&Kernel::each(of, "attention_queries", warps * 32), &given)?;
                        let warps = shape.sequences * shape.length * shape.keys;
                        let given = [&spans[..], &[Given::long(warps), own]].concat();
                        self.start(&Kernel::each(of, "attention_keys", warps * 32), &given)
                    }
                }
            }
            _ => Err(DeviceError::Unsupported(format!("{command:?}"))),
        }
    }
}

impl<L: Launcher + ?Sized> Attention for L {}

/// A block for each tile of each head of each sequence.
fn tiles(
    of: Kernels,
    name: &'static str,
    heads: usize,
    shape: &AttentionShape,
    shared: usize,
) -> Kernel {
    Kernel {
        of,
        name,
        grid: [
            shape.length.div_ceil(flash::tile(shape.width)) as u32,
            heads as u32,
            shape.sequences as u32,
        ],
        block: [128, 1],
        shared,
    }
}

/// A block for each head of each sequence and each of its stretches of rows; stretches change last, so
/// that the longest queues of all heads begin first.
fn groups(name: &'static str, heads: usize, shape: &AttentionShape, layout: Layout) -> Kernel {
    Kernel {
        of: Kernels::Hopper { head: shape.width },
        name,
        grid: [
            heads as u32,
            shape.sequences as u32,
            shape.length.div_ceil(layout.rows()) as u32,
        ],
        block: [layout.threads(), 1],
        shared: layout.shared(),
    }
}
