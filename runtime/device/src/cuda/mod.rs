//! NVIDIA GPUs: libraries opened when the program runs, kernels compiled for the GPU at hand.

mod compile;
mod device;
mod flash;
mod launch;
mod libraries;
mod nccl;
mod products;

pub use compile::{Kernels, compile, every};
pub use device::{Cuda, Recorded};
pub use flash::shared as shared_memory;
pub use libraries::{DeviceInfo, Library, Report, available, report, usable};
pub use nccl::Nccl;
