//! What runs programs.

use half::bf16;

use crate::DeviceError;
use crate::program::{Command, Kind, Span};

/// Memory, and something that carries out commands on it.
pub trait Device {
    /// A list of commands made ready to run many times.
    type Graph;

    /// Takes an arena of `bytes`; spans are places in it. What it first holds is undefined.
    ///
    /// Frees the arena it had. Fails with [`DeviceError::Memory`] where the device has less.
    fn reserve(&mut self, bytes: usize) -> Result<(), DeviceError>;

    /// Copies `bytes`, as many as `to` has, into the arena.
    fn write(&mut self, to: Span, bytes: &[u8]) -> Result<(), DeviceError>;

    /// Copies a span out of the arena, after everything asked for earlier is done.
    fn read(&mut self, from: Span) -> Result<Vec<u8>, DeviceError>;

    /// Makes commands ready: compiles what they need, and records them as one unit of work.
    fn prepare(&mut self, commands: &[Command]) -> Result<Self::Graph, DeviceError>;

    /// Carries out the commands, after everything asked for earlier. May return before they are done.
    fn run(&mut self, graph: &Self::Graph) -> Result<(), DeviceError>;
}

/// Bytes of a device as f32.
///
/// # Panics
/// If they are neither f32 nor bf16.
pub(crate) fn numbers(bytes: &[u8], kind: Kind) -> Vec<f32> {
    match kind {
        Kind::F32 => {
            let numbers = bytes.as_chunks().0.iter();
            numbers.map(|four| f32::from_le_bytes(*four)).collect()
        }
        Kind::Bf16 => {
            let numbers = bytes.as_chunks().0.iter();
            numbers
                .map(|two| bf16::from_le_bytes(*two).to_f32())
                .collect()
        }
        Kind::U32 | Kind::F64 => panic!("{kind:?} is no f32 or bf16"),
    }
}
