//! Kernels for models of images.

use vpc_train::ops::Activation;

use super::{Given, Kernel, Launcher, is_bf16};
use crate::DeviceError;
use crate::cuda::compile::Kernels;
use crate::program::{SightCommand, Span};

/// Kernels for models of images, on any launcher.
pub(super) trait Sight: Launcher {
    #[expect(
        clippy::too_many_lines,
        reason = "what each kernel is given, one after the other"
    )]
    fn sight(&mut self, command: &SightCommand) -> Result<(), DeviceError> {
        let (int, long) = (Given::int, Given::long);
        match *command {
            SightCommand::LayerNorm {
                out,
                mean,
                inverse,
                x,
                gain,
                bias,
                width,
                eps,
            } => {
                let kernel = Kernel::new(kernels(out), "layer_norm", mean.len, threads(width));
                let spans = [out, mean, inverse, x, gain, bias].map(|span| self.at(span));
                self.start(
                    &kernel,
                    &[&spans[..], &[int(width), Given::Float(eps)]].concat(),
                )
            }
            SightCommand::LayerNormGradient {
                dx,
                dgain,
                dbias,
                scratch,
                dy,
                x,
                mean,
                inverse,
                gain,
                width,
                plus,
                add,
            } => {
                // Columns first: `dx` may lie where `dy` does.
                let parts = (scratch.len.saturating_sub(3) / width / 2).min(mean.len.div_ceil(8));
                // The second half begins where a span may.
                let (sums, products) = halves(scratch, (parts * width).next_multiple_of(4));
                let normal = [x, mean, inverse].map(|span| self.at(span));
                let partial = [sums, products].map(|span| self.at(span));
                self.columns((dy, width, parts), partial, normal)?;
                self.sum_up(dbias, (sums, parts, width), add)?;
                self.sum_up(dgain, (products, parts, width), add)?;
                let kernel =
                    Kernel::new(kernels(dx), "layer_norm_gradient", mean.len, threads(width));
                let spans = [dx, dy, x, mean, inverse, gain].map(|span| self.at(span));
                let plus = plus.map_or(Given::Long(0), |plus| self.at(plus));
                self.start(&kernel, &[&spans[..], &[plus, int(width)]].concat())
            }
            SightCommand::AddBias { x, bias, width } => {
                let chunks = width.div_ceil(8);
                let count = x.len / width * chunks;
                let kernel = Kernel::each(kernels(x), "add_bias", count);
                let given = [
                    self.at(x),
                    self.at(bias),
                    long(count),
                    int(chunks),
                    int(width),
                ];
                self.start(&kernel, &given)
            }
            SightCommand::BiasGradient {
                dbias,
                scratch,
                dy,
                width,
                add,
            } => {
                let parts = (scratch.len / width).min((dy.len / width).div_ceil(8));
                let none = Given::Long(0);
                self.columns((dy, width, parts), [self.at(scratch), none], [none; 3])?;
                self.sum_up(dbias, (scratch, parts, width), add)
            }
            SightCommand::Activate { out, x, function } => {
                let kernel = Kernel::each(kernels(out), "activate", out.len.div_ceil(8));
                let given = [
                    self.at(out),
                    self.at(x),
                    long(out.len),
                    int(number(function)),
                ];
                self.start(&kernel, &given)
            }
            SightCommand::ActivateGradient {
                dx,
                dy,
                x,
                function,
            } => {
                let kernel = Kernel::each(kernels(dx), "activate_gradient", dx.len.div_ceil(8));
                let spans = [dx, dy, x].map(|span| self.at(span));
                let rest = [long(dx.len), int(number(function))];
                self.start(&kernel, &[&spans[..], &rest].concat())
            }
            SightCommand::PutRows {
                out,
                rows,
                places,
                width,
            } => {
                let kernel = Kernel::new(kernels(out), "put_rows", places.len, threads(width));
                let rows = rows.map_or(Given::Long(0), |rows| self.at(rows));
                let given = [self.at(out), rows, self.at(places), int(width)];
                self.start(&kernel, &given)
            }
            SightCommand::TakeRows {
                out,
                x,
                places,
                width,
            } => {
                let kernel = Kernel::new(kernels(out), "take_rows", places.len, threads(width));
                let given = [self.at(out), self.at(x), self.at(places), int(width)];
                self.start(&kernel, &given)
            }
            SightCommand::AnswerEntropy {
                logits,
                losses,
                targets,
                scale,
                width,
            } => {
                let kernel = Kernel::new(kernels(logits), "answer_entropy", losses.len, 512);
                let spans = [logits, losses, targets, scale].map(|span| self.at(span));
                self.start(&kernel, &[&spans[..], &[int(width)]].concat())
            }
        }
    }

    /// Partial sums of columns, `parts` of each.
    fn columns(
        &mut self,
        (dy, width, parts): (Span, usize, usize),
        partial: [Given; 2],
        normal: [Given; 3],
    ) -> Result<(), DeviceError> {
        let mut kernel = Kernel::new(kernels(dy), "column_sums", width.div_ceil(32), 32);
        kernel.grid[1] = parts as u32;
        kernel.block[1] = 8;
        let rows = dy.len / width;
        let sizes = [Given::int(rows), Given::int(width)];
        let given = [&partial[..], &[self.at(dy)], &normal, &sizes].concat();
        self.start(&kernel, &given)
    }

    /// The sum of partial sums, in order.
    fn sum_up(
        &mut self,
        out: Span,
        (partial, parts, width): (Span, usize, usize),
        add: bool,
    ) -> Result<(), DeviceError> {
        let mut kernel = Kernel::new(SUMS, "sum_partials", width.div_ceil(32), 32);
        kernel.block[1] = 8;
        let sizes = [Given::int(parts), Given::int(width), Given::yes(add)];
        let given = [&[self.at(out), self.at(partial)][..], &sizes].concat();
        self.start(&kernel, &given)
    }
}

impl<L: Launcher + ?Sized> Sight for L {}

/// Where partial sums are added up; they are f32 whatever activations are.
const SUMS: Kernels = Kernels::Norms {
    bf16: false,
    chunks: 1,
};

/// The first `len` numbers of a span, and as many after them.
fn halves(of: Span, len: usize) -> (Span, Span) {
    let second = of.at + len * of.kind.bytes();
    (
        Span { len, ..of },
        Span {
            at: second,
            len,
            ..of
        },
    )
}

fn kernels(of: Span) -> Kernels {
    Kernels::Sight { bf16: is_bf16(of) }
}

/// As the kernels count functions.
fn number(function: Activation) -> usize {
    match function {
        Activation::Gelu => 0,
        Activation::GeluTanh => 1,
        Activation::QuickGelu => 2,
        Activation::Relu => 3,
        Activation::Silu => 4,
    }
}

/// Threads for a row of `width` numbers, eight each.
fn threads(width: usize) -> u32 {
    (width.div_ceil(8).next_multiple_of(32) as u32).clamp(32, 256)
}

/// The kernels a command needs, with their dynamic shared memory in bytes.
pub(super) fn needs(command: &SightCommand) -> Vec<(Kernels, Vec<&'static str>, usize)> {
    let one = |span: Span, name| vec![(kernels(span), vec![name], 0)];
    let sums = (SUMS, vec!["sum_partials"], 0);
    match *command {
        SightCommand::LayerNorm { out, .. } => one(out, "layer_norm"),
        SightCommand::LayerNormGradient { dx, .. } => {
            let names = vec!["layer_norm_gradient", "column_sums"];
            vec![(kernels(dx), names, 0), sums]
        }
        SightCommand::AddBias { x, .. } => one(x, "add_bias"),
        SightCommand::BiasGradient { dy, .. } => {
            vec![(kernels(dy), vec!["column_sums"], 0), sums]
        }
        SightCommand::Activate { out, .. } => one(out, "activate"),
        SightCommand::ActivateGradient { dx, .. } => one(dx, "activate_gradient"),
        SightCommand::PutRows { out, .. } => one(out, "put_rows"),
        SightCommand::TakeRows { out, .. } => one(out, "take_rows"),
        SightCommand::AnswerEntropy { logits, .. } => one(logits, "answer_entropy"),
    }
}
