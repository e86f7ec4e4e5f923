//! Kernels for kept keys and values, and for rows that are put somewhere.

use super::{Given, Kernel, Launcher, is_bf16};
use crate::DeviceError;
use crate::cuda::compile::Kernels;
use crate::program::{CacheShape, Command};

/// Threads of a block of `cached_attention`: the kernel's `WARPS`.
const THREADS: u32 = 128;

/// Kernels over kept keys and values, on any launcher.
pub(super) trait Cache: Launcher {
    fn cache(&mut self, command: &Command) -> Result<(), DeviceError> {
        match *command {
            Command::StoreKeys {
                qkv,
                cache,
                cos,
                sin,
                starts,
                places,
                shape,
            } => {
                let of = Kernels::Cache { bf16: is_bf16(qkv) };
                let count = places.len * shape.row() / 2;
                let kernel = Kernel::each(of, "store_keys", count);
                let spans = [qkv, cache, cos, sin, starts, places].map(|span| self.at(span));
                let given = [&spans[..], &[Given::long(count)], &sizes(shape)].concat();
                self.start(&kernel, &given)
            }
            Command::CachedAttention {
                out,
                qkv,
                cache,
                starts,
                places,
                shape,
            } => {
                let of = Kernels::Cache { bf16: is_bf16(out) };
                let blocks = places.len * shape.queries;
                let kernel = Kernel::new(of, "cached_attention", blocks, THREADS);
                let spans = [out, qkv, cache, starts, places].map(|span| self.at(span));
                self.start(&kernel, &[&spans[..], &sizes(shape)].concat())
            }
            _ => Err(DeviceError::Unsupported(format!("{command:?}"))),
        }
    }
}

impl<L: Launcher + ?Sized> Cache for L {}

fn sizes(shape: CacheShape) -> [Given; 3] {
    [shape.queries, shape.keys, shape.width].map(Given::int)
}
