//! Kernels for sums and for the update.

use super::{Given, Kernel, Launcher};
use crate::DeviceError;
use crate::cuda::compile::Kernels;
use crate::program::Command;

/// Blocks of the first stage of a sum.
const PARTS: usize = 1024;

/// Kernels for sums and for the update, on any launcher.
pub(super) trait Update: Launcher {
    fn update(&mut self, command: &Command) -> Result<(), DeviceError> {
        let of = Kernels::Optimizer;
        match *command {
            Command::Sum { out, scratch, x } | Command::SumOfSquares { out, scratch, x } => {
                let squares = matches!(command, Command::SumOfSquares { .. });
                let blocks = x.len.div_ceil(256).min(PARTS).min(scratch.len);
                let kernel = Kernel::new(of, "sum_parts", blocks, 256);
                let spans = [self.at(scratch), self.at(x), Given::long(x.len)];
                let given = [&spans[..], &[Given::yes(squares)]].concat();
                self.start(&kernel, &given)?;
                let given = [self.at(out), self.at(scratch), Given::int(blocks)];
                self.start(&Kernel::new(of, "sum_all", 1, 256), &given)
            }
            Command::Judge {
                report,
                loss,
                squares,
                settings,
            } => {
                let count = Given::int(squares.len);
                let given = [
                    self.at(report),
                    self.at(loss),
                    self.at(squares),
                    count,
                    self.at(settings),
                ];
                self.start(&Kernel::new(of, "judge", 1, 1), &given)
            }
            Command::AdamW {
                weights,
                copy,
                first,
                second,
                gradient,
                report,
                settings,
                decays,
            } => {
                let copy = copy.map_or(Given::Long(0), |copy| self.at(copy));
                let spans = [first, second, gradient, report, settings].map(|span| self.at(span));
                let rest = [Given::long(weights.len), Given::yes(decays)];
                let given = [&[self.at(weights), copy][..], &spans, &rest].concat();
                self.start(&Kernel::each(of, "adamw", weights.len / 4), &given)
            }
            _ => Err(DeviceError::Unsupported(format!("{command:?}"))),
        }
    }
}

impl<L: Launcher + ?Sized> Update for L {}
