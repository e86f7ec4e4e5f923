//! Training steps, readings of text, and encoders' way to features, as programs of device commands: run
//! on an NVIDIA GPU, or interpreted on the host.
//!
//! A step is recorded once, by dfdx's tape, as a [`program::Command`] list over one arena of memory,
//! and then replayed for every batch. What runs it is a [`Device`]: the [`Host`], in plain loops, or
//! a GPU. So the tape, the handing out of memory and the trainer are the same with and without a
//! GPU; kernels alone are not.

mod adapter;
pub mod cuda;
mod device;
mod encoder;
mod error;
pub mod group;
mod host;
mod prepared;
pub mod program;
mod reader;
mod scorer;
mod trainer;

pub use adapter::{AdaptDeviceError, AdaptDeviceTrainer, adapt_memory};
pub use device::Device;
pub use encoder::{EncoderDevice, EncoderError, encoder_memory};
pub use error::{DeviceError, ReadError, TrainError};
pub use host::Host;
pub use reader::{Reader, reader_memory};
pub use scorer::{Scorer, scorer_memory};
pub use trainer::{DeviceTrainer, memory};
