//! What can go wrong with a device.

use thiserror::Error;

/// Why a device cannot do what it was asked.
#[derive(Debug, Error)]
pub enum DeviceError {
    /// The arena does not fit.
    #[error(
        "{needed} bytes of device memory are needed, {free} of {total} are free: use a smaller batch or a shorter context, or stop what else uses the GPU"
    )]
    Memory {
        /// Bytes asked for.
        needed: usize,
        /// Bytes free.
        free: usize,
        /// Bytes the device has.
        total: usize,
    },
    /// A library is not there, or another one than it should be.
    #[error("{library} {problem}; {hint}")]
    Library {
        /// Its name.
        library: &'static str,
        /// What is wrong with it.
        problem: String,
        /// What to do.
        hint: &'static str,
    },
    /// There is no such device, or it is too old.
    #[error("`cuda:{index}` is not a GPU that can be used: {usable}")]
    NoDevice {
        /// Its number.
        index: usize,
        /// Which ones can be.
        usable: String,
    },
    /// A kernel did not compile: a mistake in this program, or a library too old for the device.
    #[error("the kernels of `{name}` do not compile for {target}:\n{log}")]
    Kernel {
        /// The file.
        name: String,
        /// What it was compiled for.
        target: String,
        /// What the compiler says.
        log: String,
    },
    /// The shape of a command is beyond what kernels can do.
    #[error("the GPU cannot do this: {0}")]
    Unsupported(String),
    /// A library refused a call.
    #[error("the GPU's {library} failed to {doing}: {problem}")]
    Call {
        /// Which library.
        library: &'static str,
        /// What was asked.
        doing: &'static str,
        /// What it says.
        problem: String,
    },
}

/// Why training on a device went wrong.
#[derive(Debug, Error)]
pub enum TrainError {
    /// As on the host.
    #[error(transparent)]
    Train(#[from] vpc_train::TrainError),
    /// The device could not do it.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Sequences cannot be shared out evenly among devices.
    #[error(
        "{part} of {batch} sequences cannot be shared out evenly among {ranks} GPUs: take a number of GPUs that \
         divides `batch` and `micro_batch`, or other ones of these"
    )]
    Uneven {
        /// Sequences taken at a time.
        part: usize,
        /// Sequences of the batch.
        batch: usize,
        /// Devices.
        ranks: usize,
    },
    /// Devices of a group, which do the same, hold other numbers.
    #[error(
        "GPU {rank} of the group has other numbers than the first after {step} steps, though both compute the \
         same: take GPUs of one kind; if they are, one of them is faulty (`nvidia-smi -q` tells its errors)"
    )]
    Apart {
        /// The first that differs, counted from 0.
        rank: usize,
        /// Steps taken.
        step: u64,
    },
    /// An earlier step failed on the device, and its numbers are lost.
    #[error("an earlier step failed on the device; start again from a checkpoint")]
    NotReady,
}

/// Why reading on a device went wrong.
#[derive(Debug, Error)]
pub enum ReadError {
    /// What was given cannot be read, as on the host.
    #[error(transparent)]
    Inference(#[from] vpc_train::InferenceError),
    /// The batch does not fit the model, as on the host.
    #[error(transparent)]
    Batch(#[from] vpc_train::BatchError),
    /// There is no such model.
    #[error(transparent)]
    Config(#[from] vpc_train::ConfigError),
    /// The device could not do it.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

impl From<vpc_train::ConfigError> for TrainError {
    fn from(error: vpc_train::ConfigError) -> Self {
        Self::Train(error.into())
    }
}
