//! Commands as launches of kernels, whoever starts them.
#![allow(unsafe_code, reason = "launches kernels")]

mod attention;
mod cache;
mod needs;
mod rows;
mod sight;
mod update;

use cudarc::driver::sys::CUfunction_attribute;
use cudarc::driver::{DeviceRepr, LaunchConfig, PushKernelArg, result};

use super::compile::Kernels;
use super::device::{Cuda, Warpgroups, failed};
pub use super::products::Product;
use crate::DeviceError;
use crate::program::{AttentionShape, Command, Kind, Mask, Span};
use attention::Attention;
use cache::Cache;
pub use needs::{check, needs, wants_warpgroups};
use rows::Rows;
use sight::Sight;
use update::Update;

/// The shape of an attention, as kernels read it; see [`AttentionShape`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Tokens of a sequence.
    pub length: i32,
    /// Query heads.
    pub queries: i32,
    /// Key heads.
    pub keys: i32,
    /// Length of a head.
    pub width: i32,
    /// 1 if a query sees keys up to its own place, 0 if it sees all.
    pub causal: i32,
}

// SAFETY: five numbers, laid out as C does.
unsafe impl DeviceRepr for Shape {}

impl Shape {
    fn of(shape: &AttentionShape) -> Self {
        Self {
            length: int(shape.length),
            queries: int(shape.queries),
            keys: int(shape.keys),
            width: int(shape.width),
            causal: i32::from(shape.mask == Mask::Causal),
        }
    }
}

/// What a kernel is given.
#[derive(Clone, Copy, Debug)]
pub enum Given {
    /// An address, or a count of 64 bits.
    Long(u64),
    /// A dimension, a choice, or a count of rows.
    Int(i32),
    /// A number.
    Float(f32),
    /// The shape of an attention.
    Shape(Shape),
}

impl Given {
    fn int(number: usize) -> Self {
        Self::Int(int(number))
    }

    fn long(number: usize) -> Self {
        Self::Long(number as u64)
    }

    fn yes(yes: bool) -> Self {
        Self::Int(i32::from(yes))
    }
}

/// A dimension or a count of rows as kernels have it; counts of numbers are of 64 bits.
///
/// # Panics
/// From 2^31 on: such a matrix fits no GPU.
fn int(number: usize) -> i32 {
    i32::try_from(number).unwrap_or_else(|_| panic!("a dimension of {number}"))
}

/// A kernel's place in a file, its grid and block, and its dynamic shared memory in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    /// Its file, and for which numbers that is compiled.
    pub of: Kernels,
    /// Its name there.
    pub name: &'static str,
    /// Blocks of the grid: x, y, z.
    pub grid: [u32; 3],
    /// Threads of a block: x, y.
    pub block: [u32; 2],
    /// Dynamic shared memory of a block, in bytes.
    pub shared: usize,
}

impl Kernel {
    /// So many blocks of so many threads.
    fn new(of: Kernels, name: &'static str, blocks: usize, threads: u32) -> Self {
        Self {
            of,
            name,
            grid: [blocks as u32, 1, 1],
            block: [threads, 1],
            shared: 0,
        }
    }

    /// A thread for each of `count` pieces.
    fn each(of: Kernels, name: &'static str, count: usize) -> Self {
        Self::new(of, name, count.div_ceil(256), 256)
    }
}

fn is_bf16(span: Span) -> bool {
    span.kind == Kind::Bf16
}

/// What starts kernels, over one arena: a GPU, or what stands in for one.
///
/// Which kernels a command becomes, and what each is given, is decided here and is the same for all.
pub trait Launcher {
    /// The address of a span, as kernels have it.
    ///
    /// # Panics
    /// If it lies outside the arena.
    fn address(&self, span: Span) -> u64;

    /// Starts a kernel, after everything asked for earlier.
    fn start(&mut self, kernel: &Kernel, given: &[Given]) -> Result<(), DeviceError>;

    /// Sets all bytes of a span to zero.
    fn zero(&mut self, out: Span) -> Result<(), DeviceError>;

    /// Copies a span to another of the same length and kind.
    fn copy(&mut self, out: Span, x: Span) -> Result<(), DeviceError>;

    /// Multiplies matrices, as [`Command::Gemm`] says.
    fn product(&mut self, product: &Product) -> Result<(), DeviceError>;

    /// Whether there are Hopper's instructions, which four warps follow together.
    fn warpgroups(&self) -> bool;

    /// A span as kernels are given it.
    fn at(&self, span: Span) -> Given {
        Given::Long(self.address(span))
    }

    /// Enqueues one command, which [`check`] has let pass.
    fn enqueue(&mut self, command: &Command) -> Result<(), DeviceError> {
        match *command {
            Command::Zero { out } => self.zero(out),
            Command::Copy { out, x } if out.kind == x.kind => self.copy(out, x),
            Command::Copy { out, x } => {
                let of = Kernels::Rows { bf16: is_bf16(out) };
                let kernel = Kernel::each(of, "copy_rows", out.len.div_ceil(4));
                self.start(&kernel, &[self.at(out), self.at(x), Given::long(out.len)])
            }
            Command::Add { out, x } => {
                let of = Kernels::Rows { bf16: is_bf16(out) };
                let kernel = Kernel::each(of, "add", out.len);
                self.start(&kernel, &[self.at(out), self.at(x), Given::long(out.len)])
            }
            Command::Gemm {
                out,
                a,
                b,
                m,
                n,
                k,
                a_transposed,
                b_transposed,
                plus,
            } => self.product(&Product {
                out,
                a,
                b,
                m,
                n,
                k,
                a_transposed,
                b_transposed,
                plus,
            }),
            Command::Attention { .. } | Command::AttentionGradient { .. } => {
                self.attention(command)
            }
            Command::StoreKeys { .. } | Command::CachedAttention { .. } => self.cache(command),
            Command::Sight(ref command) => self.sight(command),
            Command::Sum { .. }
            | Command::SumOfSquares { .. }
            | Command::Judge { .. }
            | Command::AdamW { .. } => self.update(command),
            _ => self.rows(command),
        }
    }
}

impl Cuda {
    /// Compiles and plans what commands need, by carrying them out once with nothing to work on.
    pub(super) fn get_ready(&mut self, commands: &[Command]) -> Result<(), DeviceError> {
        for command in commands {
            check(command)?;
            for (kernels, names, shared) in needs(command, self.warpgroups()) {
                for name in names {
                    let function = self.function(kernels, name)?;
                    if shared > 48 << 10 {
                        function
                            .set_attribute(
                                CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                int(shared),
                            )
                            .map_err(failed("lend shared memory"))?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl Launcher for Cuda {
    fn warpgroups(&self) -> bool {
        self.warpgroups == Warpgroups::Right
    }

    fn address(&self, span: Span) -> u64 {
        self.place(span)
    }

    fn start(&mut self, kernel: &Kernel, given: &[Given]) -> Result<(), DeviceError> {
        let function = self.function(kernel.of, kernel.name)?;
        let [x, y, z] = kernel.grid;
        let mut builder = self.stream.launch_builder(&function);
        for given in given {
            match given {
                Given::Long(value) => builder.arg(value),
                Given::Int(value) => builder.arg(value),
                Given::Float(value) => builder.arg(value),
                Given::Shape(value) => builder.arg(value),
            };
        }
        let config = LaunchConfig {
            grid_dim: (x, y, z),
            block_dim: (kernel.block[0], kernel.block[1], 1),
            shared_mem_bytes: kernel.shared as u32,
        };
        // SAFETY: what is given has the number, order and types of the kernel's parameters, and spans
        // the lengths that commands ask for; `tests` and the check on a GPU hold each kernel to it.
        unsafe { builder.launch(config) }
            .map(drop)
            .map_err(failed("start a kernel"))
    }

    fn zero(&mut self, out: Span) -> Result<(), DeviceError> {
        let (at, bytes) = (self.address(out), out.len * out.kind.bytes());
        // SAFETY: the span lies in the arena.
        unsafe { result::memset_d8_async(at, 0, bytes, self.stream.cu_stream()) }
            .map_err(failed("clear memory"))
    }

    fn copy(&mut self, out: Span, x: Span) -> Result<(), DeviceError> {
        let (to, from) = (self.address(out), self.address(x));
        let bytes = out.len * out.kind.bytes();
        // SAFETY: both spans lie in the arena and are as long.
        unsafe { result::memcpy_dtod_async(to, from, bytes, self.stream.cu_stream()) }
            .map_err(failed("copy"))
    }

    fn product(&mut self, product: &Product) -> Result<(), DeviceError> {
        let (workspace, stream) = (self.workspace(), self.stream.cu_stream());
        let spans = [
            Some(product.out),
            Some(product.a),
            Some(product.b),
            product.plus,
        ];
        let spans: Vec<(Span, u64)> = spans
            .into_iter()
            .flatten()
            .map(|span| (span, self.address(span)))
            .collect();
        let at = |span: Span| {
            spans
                .iter()
                .find(|known| known.0 == span)
                .map_or(0, |known| known.1)
        };
        // SAFETY: the spans lie in the arena and have the sizes that the command asks for.
        unsafe { self.products.enqueue(product, at, workspace, stream) }
    }
}
