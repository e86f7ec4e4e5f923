//! NVIDIA GPUs: libraries opened when the program runs, kernels compiled for the GPU at hand.

mod compile;
mod device;
mod flash;
pub mod launch;
mod libraries;
mod products;

pub use compile::{Kernels, compile, every, text};
pub use device::{Cuda, Recorded};
pub use flash::shared as shared_memory;
pub use libraries::{DeviceInfo, Library, Report, available, report, usable};
