//! The host as a device: every command in plain loops, over an arena of bytes.
//!
//! It is what kernels are compared with, and runs all of a training but for the kernels where there
//! is no GPU. It refuses what a GPU would silently do wrong: spans out of place or too short, and
//! numbers that nothing has written.

mod attention;
mod cache;
#[cfg(test)]
mod cache_tests;
mod memory;
mod optimizer;
mod products;
mod rows;
mod sight;
#[cfg(test)]
mod tests;

use memory::Memory;

use crate::program::{Command, Span};
use crate::{Device, DeviceError};

/// The host's memory and processors.
#[derive(Debug, Default)]
pub struct Host {
    memory: Memory,
}

impl Host {
    /// A device without memory yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn carry_out(&mut self, command: &Command) {
        let memory = &mut self.memory;
        match *command {
            Command::Zero { out } => memory.clear(out),
            Command::Copy { out, x } => {
                let x = memory.floats(x);
                memory.put(out, &x);
            }
            Command::Add { out, x } => {
                let (mut sum, x) = (memory.floats(out), memory.floats(x));
                sum.iter_mut().zip(&x).for_each(|(sum, x)| *sum += x);
                memory.put(out, &sum);
            }
            Command::Embed { .. }
            | Command::EmbedGradient { .. }
            | Command::RmsNorm { .. }
            | Command::RmsNormGradient { .. }
            | Command::Rope { .. }
            | Command::SwiGlu { .. }
            | Command::SwiGluGradient { .. }
            | Command::CrossEntropy { .. } => rows::carry_out(memory, command),
            Command::Gemm { .. } => products::carry_out(memory, command),
            Command::Attention { .. } | Command::AttentionGradient { .. } => {
                attention::carry_out(memory, command);
            }
            Command::StoreKeys { .. } | Command::CachedAttention { .. } => {
                cache::carry_out(memory, command);
            }
            Command::Sight(command) => sight::carry_out(memory, &command),
            Command::Sum { .. }
            | Command::SumOfSquares { .. }
            | Command::Judge { .. }
            | Command::AdamW { .. } => optimizer::carry_out(memory, command),
        }
    }
}

impl Device for Host {
    type Graph = Vec<Command>;

    fn reserve(&mut self, bytes: usize) -> Result<(), DeviceError> {
        self.memory = Memory::of(bytes);
        Ok(())
    }

    fn write(&mut self, to: Span, bytes: &[u8]) -> Result<(), DeviceError> {
        self.memory.write(to, bytes);
        Ok(())
    }

    fn read(&mut self, from: Span) -> Result<Vec<u8>, DeviceError> {
        Ok(self.memory.bytes(from).to_vec())
    }

    fn prepare(&mut self, commands: &[Command]) -> Result<Self::Graph, DeviceError> {
        Ok(commands.to_vec())
    }

    fn run(&mut self, graph: &Self::Graph) -> Result<(), DeviceError> {
        for command in graph {
            self.carry_out(command);
        }
        Ok(())
    }
}
