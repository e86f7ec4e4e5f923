//! Kernels for attention: on tensor cores where they take the shape, else on any.

use super::{Given, Kernel, Launcher, Shape, is_bf16};
use crate::DeviceError;
use crate::cuda::compile::Kernels;
use crate::cuda::flash;
use crate::program::{AttentionShape, Command};

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
                if flash::takes(out.kind, &shape) {
                    let of = Kernels::Flash { head: shape.width };
                    let kernel = tiles(
                        of,
                        "flash",
                        shape.queries,
                        &shape,
                        flash::shared(shape.width).0,
                    );
                    let given = [&spans[..], &[Given::Shape(Shape::of(&shape))]].concat();
                    return self.start(&kernel, &given);
                }
                let of = Kernels::Attention { bf16: is_bf16(out) };
                let warps = log_sums.len;
                let rest = [Given::long(warps), Given::Shape(Shape::of(&shape))];
                let kernel = Kernel::each(of, "attention", warps * 32);
                self.start(&kernel, &[&spans[..], &rest].concat())
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
                if flash::takes(out.kind, &shape) {
                    let of = Kernels::Flash { head: width };
                    let shared = flash::shared(width).1;
                    let given = [&spans[..], &[own]].concat();
                    let kernel = tiles(of, "flash_queries", shape.queries, &shape, shared);
                    self.start(&kernel, &given)?;
                    let kernel = tiles(of, "flash_keys", shape.keys, &shape, shared);
                    return self.start(&kernel, &given);
                }
                let given = [&spans[..], &[Given::long(warps), own]].concat();
                self.start(&Kernel::each(of, "attention_queries", warps * 32), &given)?;
                let warps = shape.sequences * shape.length * shape.keys;
                let given = [&spans[..], &[Given::long(warps), own]].concat();
                self.start(&Kernel::each(of, "attention_keys", warps * 32), &given)
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
