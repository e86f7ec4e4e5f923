//! Kernels for rows of activations.

use super::{Given, Kernel, Launcher, is_bf16};
use crate::DeviceError;
use crate::cuda::compile::Kernels;
use crate::program::{Command, Span};

/// Kernels for rows, on any launcher.
pub(super) trait Rows: Launcher {
    #[expect(
        clippy::too_many_lines,
        reason = "what each kernel is given, one after the other"
    )]
    fn rows(&mut self, command: &Command) -> Result<(), DeviceError> {
        let (int, long, yes) = (Given::int, Given::long, Given::yes);
        match *command {
            Command::Embed {
                out,
                table,
                tokens,
                width,
            } => {
                let of = Kernels::Rows { bf16: is_bf16(out) };
                let kernel = Kernel::new(of, "embed", tokens.len, threads(width));
                let given = [self.at(out), self.at(table), self.at(tokens), int(width)];
                self.start(&kernel, &given)
            }
            Command::EmbedGradient {
                dtable,
                dy,
                tokens,
                order,
                width,
                add,
            } => {
                if !add {
                    self.zero(dtable)?;
                }
                let of = Kernels::Rows { bf16: is_bf16(dy) };
                let kernel = Kernel::new(of, "embed_gradient", tokens.len, threads(width));
                let spans = [
                    self.at(dtable),
                    self.at(dy),
                    self.at(tokens),
                    self.at(order),
                ];
                let given = [&spans[..], &[int(tokens.len), int(width)]].concat();
                self.start(&kernel, &given)
            }
            Command::RmsNorm {
                out,
                inverse,
                x,
                gain,
                width,
                eps,
            } => {
                let of = Kernels::Rows { bf16: is_bf16(out) };
                let kernel = Kernel::new(of, "rms_norm", inverse.len, threads(width));
                let spans = [self.at(out), self.at(inverse), self.at(x), self.at(gain)];
                let given = [&spans[..], &[int(width), Given::Float(eps)]].concat();
                self.start(&kernel, &given)
            }
            Command::RmsNormGradient {
                dx,
                dgain,
                scratch,
                dy,
                x,
                inverse,
                gain,
                width,
                plus,
                add,
            } => {
                let of = norms(dx, width);
                let blocks = (scratch.len / width).min(inverse.len);
                let kernel = Kernel::new(of, "rms_norm_gradient", blocks, 256);
                let plus = plus.map_or(Given::Long(0), |plus| self.at(plus));
                let spans = [dx, scratch, dy, x, inverse, gain].map(|span| self.at(span));
                let given = [&spans[..], &[plus, int(inverse.len), int(width)]].concat();
                self.start(&kernel, &given)?;
                let mut kernel = Kernel::new(of, "sum_partials", width.div_ceil(32), 32);
                kernel.block[1] = 8;
                let given = [
                    self.at(dgain),
                    self.at(scratch),
                    int(blocks),
                    int(width),
                    yes(add),
                ];
                self.start(&kernel, &given)
            }
            Command::Rope {
                x,
                cos,
                sin,
                row,
                heads,
                width,
                length,
                back,
            } => {
                let of = Kernels::Rows { bf16: is_bf16(x) };
                let chunks = (width / 2).div_ceil(8);
                let count = x.len / row * heads * chunks;
                let kernel = Kernel::each(of, "rope", count);
                let spans = [self.at(x), self.at(cos), self.at(sin), long(count)];
                let sizes = [
                    int(chunks),
                    int(row),
                    int(heads),
                    int(width),
                    int(length),
                    yes(back),
                ];
                self.start(&kernel, &[&spans[..], &sizes].concat())
            }
            Command::SwiGlu {
                out,
                gate_up,
                hidden,
            } => {
                let of = Kernels::Rows { bf16: is_bf16(out) };
                let chunks = hidden.div_ceil(8);
                let count = out.len / hidden * chunks;
                let kernel = Kernel::each(of, "swiglu", count);
                let spans = [self.at(out), self.at(gate_up), long(count)];
                self.start(&kernel, &[&spans[..], &[int(chunks), int(hidden)]].concat())
            }
            Command::SwiGluGradient {
                dgate_up,
                dout,
                gate_up,
                hidden,
            } => {
                let of = Kernels::Rows {
                    bf16: is_bf16(dout),
                };
                let chunks = hidden.div_ceil(8);
                let count = dout.len / hidden * chunks;
                let kernel = Kernel::each(of, "swiglu_gradient", count);
                let spans = [
                    self.at(dgate_up),
                    self.at(dout),
                    self.at(gate_up),
                    long(count),
                ];
                self.start(&kernel, &[&spans[..], &[int(chunks), int(hidden)]].concat())
            }
            Command::CrossEntropy {
                logits,
                losses,
                targets,
                vocabulary,
                scale,
            } => {
                let of = Kernels::Rows {
                    bf16: is_bf16(logits),
                };
                let kernel = Kernel::new(of, "cross_entropy", losses.len, 512);
                let spans = [self.at(logits), self.at(losses), self.at(targets)];
                let rest = [
                    int(vocabulary),
                    Given::Float(scale.unwrap_or_default()),
                    yes(scale.is_some()),
                ];
                self.start(&kernel, &[&spans[..], &rest].concat())
            }
            _ => Err(DeviceError::Unsupported(format!("{command:?}"))),
        }
    }
}

impl<L: Launcher + ?Sized> Rows for L {}

pub(super) fn norms(of: Span, width: usize) -> Kernels {
    Kernels::Norms {
        bf16: is_bf16(of),
        chunks: width.div_ceil(2048),
    }
}

/// Threads for a row of `width` numbers, eight each.
fn threads(width: usize) -> u32 {
    (width.div_ceil(8).next_multiple_of(32) as u32).clamp(32, 256)
}
