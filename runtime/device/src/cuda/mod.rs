//! NVIDIA GPUs: libraries opened when the program runs, kernels compiled for the GPU at hand.

mod compile;
mod device;
mod flash;
mod hopper;
pub mod launch;
mod libraries;
mod nccl;
mod products;

pub use compile::{Kernels, compile, every, remarks, text};
pub use device::{Cuda, Recorded, Warpgroups};
pub use flash::shared as shared_memory;
pub use hopper::Layout;
pub use libraries::{DeviceInfo, Library, Report, available, report, usable};
pub use nccl::Nccl;
