//! A GPU as a device.
#![allow(unsafe_code, reason = "memory of a GPU, by address")]

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cudarc::driver::result::{self, DriverError};
use cudarc::driver::sys::{self, CUdeviceptr};
use cudarc::driver::{CudaContext, CudaFunction, CudaGraph, CudaModule, CudaStream};
use cudarc::nvrtc::Ptx;

use super::compile::{Kernels, compile};
use super::hopper;
use super::launch::{Launcher, wants_warpgroups};
use super::libraries::{said, usable};
use super::nccl::Reached;
use super::products::{Products, WORKSPACE};
use crate::program::{Command, Mask, Span};
use crate::{Device, DeviceError};

/// Held while a GPU is opened, lends memory, or records commands; and while NCCL does of these what it likes.
///
/// All trainings of a process share a GPU's context, in which some calls of one thread end what
/// another one records; and what one compiles need not be compiled again.
static TURN: Mutex<()> = Mutex::new(());

pub(super) fn turn() -> MutexGuard<'static, ()> {
    // Nothing is guarded that a panic could leave half done.
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether attention's kernels of Hopper's own instructions are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warpgroups {
    /// The GPU has none, or they are not wanted.
    None,
    /// It has; kernels that use them have not been compared with others here.
    Untried,
    /// They gave what others give.
    Right,
    /// They did not.
    Wrong,
}

/// Set to 0, keeps kernels of Hopper's instructions from being used.
const WANTED: &str = "VPC_WARPGROUPS";

/// One NVIDIA GPU: an arena of its memory, a stream, compiled kernels.
pub struct Cuda {
    pub(super) stream: Arc<CudaStream>,
    context: Arc<CudaContext>,
    index: usize,
    name: String,
    target: String,
    pub(super) warpgroups: Warpgroups,
    arena: Option<Block>,
    workspace: Block,
    modules: BTreeMap<Kernels, Arc<CudaModule>>,
    functions: BTreeMap<(Kernels, &'static str), CudaFunction>,
    pub(super) products: Products,
}

impl std::fmt::Debug for Cuda {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cuda({}, {})", self.name, self.target)
    }
}

/// Commands recorded as a graph of the driver's.
pub struct Recorded(Option<CudaGraph>);

// SAFETY: a graph is no thread's own; the driver asks that no two threads use it at once, which they cannot
// where it is not shared.
unsafe impl Send for Recorded {}

impl std::fmt::Debug for Recorded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Recorded")
    }
}

/// Memory of the GPU.
struct Block {
    at: CUdeviceptr,
    bytes: usize,
    context: Arc<CudaContext>,
}

impl Block {
    fn take(context: &Arc<CudaContext>, bytes: usize) -> Result<Self, DeviceError> {
        context.bind_to_thread().map_err(failed("be used"))?;
        // SAFETY: plain memory, freed once when this is dropped.
        let at = unsafe { result::malloc_sync(bytes.max(1)) };
        match at {
            Ok(at) => Ok(Self {
                at,
                bytes,
                context: Arc::clone(context),
            }),
            Err(DriverError(sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY)) => {
                let (free, total) = context.mem_get_info().map_err(failed("tell its memory"))?;
                Err(DeviceError::Memory {
                    needed: bytes,
                    free,
                    total,
                })
            }
            Err(error) => Err(failed("lend memory")(error)),
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if self.context.bind_to_thread().is_ok() {
            // SAFETY: it was taken once and is given back once; freeing waits for work that uses it.
            _ = unsafe { result::free_sync(self.at) };
        }
    }
}

pub(super) fn failed(doing: &'static str) -> impl Fn(DriverError) -> DeviceError {
    move |error| DeviceError::Call {
        library: "driver",
        doing,
        problem: said(error),
    }
}

impl Cuda {
    /// Opens GPU `index`, counted from 0 as the driver does.
    ///
    /// Fails where a library is missing, with what to do about it, and where there is no such GPU.
    pub fn open(index: usize) -> Result<Self, DeviceError> {
        usable(index)?;
        let _turn = turn();
        let context = CudaContext::new(index).map_err(failed("be opened"))?;
        // SAFETY: nothing here uses the slices of memory that events are kept for. With them, making a
        // queue waits for the whole context, which ends what another thread records.
        unsafe { context.disable_event_tracking() };
        let stream = context.new_stream().map_err(failed("make a queue"))?;
        let (major, minor) = context
            .compute_capability()
            .map_err(failed("tell its kind"))?;
        // Hopper's own instructions are those of one generation alone.
        let is_hopper = (major, minor) == (9, 0);
        let unwanted = std::env::var_os(WANTED).is_some_and(|value| value == "0");
        Ok(Self {
            index,
            name: context.name().map_err(failed("tell its name"))?,
            target: format!("sm_{major}{minor}{}", if is_hopper { "a" } else { "" }),
            warpgroups: if is_hopper && !unwanted {
                Warpgroups::Untried
            } else {
                Warpgroups::None
            },
            workspace: Block::take(&context, WORKSPACE)?,
            products: Products::new()?,
            stream,
            context,
            arena: None,
            modules: BTreeMap::new(),
            functions: BTreeMap::new(),
        })
    }

    /// Whether attention runs on kernels of Hopper's own instructions, as far as is known.
    pub fn hopper_kernels(&self) -> Warpgroups {
        self.warpgroups
    }

    /// Compares kernels of four warps with those of one, once in a process and GPU.
    ///
    /// On a queue of its own, since this one's memory is in use.
    fn try_warpgroups(&mut self) -> Result<(), DeviceError> {
        static TRIED: Mutex<BTreeMap<usize, bool>> = Mutex::new(BTreeMap::new());
        let mut tried = TRIED.lock().unwrap_or_else(PoisonError::into_inner);
        let is_right = match tried.get(&self.index) {
            Some(is_right) => *is_right,
            None => {
                let mut other = Self::open(self.index)?;
                let mut is_right = true;
                for (width, mask) in [(64, Mask::Causal), (64, Mask::Full), (128, Mask::Causal)] {
                    let samples = [Warpgroups::None, Warpgroups::Right].map(|warpgroups| {
                        other.warpgroups = warpgroups;
                        hopper::sample(&mut other, width, mask)
                    });
                    let [one, four] = samples;
                    is_right &= hopper::agree(&four?, &one?);
                }
                tried.insert(self.index, is_right);
                is_right
            }
        };
        self.warpgroups = if is_right {
            Warpgroups::Right
        } else {
            Warpgroups::Wrong
        };
        Ok(())
    }

    /// As its driver calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits until all that was asked for is done; the time of the program's clock then means something.
    pub fn wait(&self) -> Result<(), DeviceError> {
        self.stream.synchronize().map_err(failed("finish"))
    }

    /// Bytes of memory that are free, and all.
    pub fn free_memory(&self) -> Result<(usize, usize), DeviceError> {
        self.context
            .mem_get_info()
            .map_err(failed("tell its memory"))
    }

    /// The address of a span.
    ///
    /// # Panics
    /// If it lies outside the arena.
    pub(super) fn place(&self, span: Span) -> CUdeviceptr {
        let arena = self.arena.as_ref();
        let fits = arena.is_some_and(|arena| span.at + span.len * span.kind.bytes() <= arena.bytes);
        assert!(fits, "{span:?} lies outside the arena");
        arena.map_or(0, |arena| arena.at + span.at as u64)
    }

    pub(super) fn workspace(&self) -> CUdeviceptr {
        self.workspace.at
    }

    /// A kernel, compiled and loaded when it is first asked for.
    pub(super) fn function(
        &mut self,
        kernels: Kernels,
        name: &'static str,
    ) -> Result<CudaFunction, DeviceError> {
        if let Some(known) = self.functions.get(&(kernels, name)) {
            return Ok(known.clone());
        }
        let module = match self.modules.get(&kernels) {
            Some(module) => Arc::clone(module),
            None => {
                let code = compile(kernels, &self.target)?;
                let module = self.context.load_module(Ptx::from_binary(code));
                let module = module.map_err(failed("load kernels"))?;
                self.modules.insert(kernels, Arc::clone(&module));
                module
            }
        };
        let function = module
            .load_function(name)
            .map_err(failed("find a kernel"))?;
        self.functions.insert((kernels, name), function.clone());
        Ok(function)
    }

    /// Carries out commands one by one, without recording them.
    pub fn run_directly(&mut self, commands: &[Command]) -> Result<(), DeviceError> {
        self.context.bind_to_thread().map_err(failed("be used"))?;
        commands
            .iter()
            .try_for_each(|command| self.enqueue(command))
    }
}

impl Reached for Cuda {
    fn index(&self) -> usize {
        self.context.ordinal()
    }

    fn address_of(&self, span: Span) -> u64 {
        self.address(span)
    }

    fn queue(&self) -> *mut c_void {
        self.stream.cu_stream().cast()
    }

    fn is_done(&mut self) -> Result<bool, DeviceError> {
        self.context.bind_to_thread().map_err(failed("be used"))?;
        // SAFETY: the stream is this one's, and lives.
        match unsafe { sys::cuStreamQuery(self.stream.cu_stream()) } {
            sys::CUresult::CUDA_SUCCESS => Ok(true),
            sys::CUresult::CUDA_ERROR_NOT_READY => Ok(false),
            error => Err(failed("finish")(DriverError(error))),
        }
    }
}

impl Device for Cuda {
    type Graph = Recorded;

    fn reserve(&mut self, bytes: usize) -> Result<(), DeviceError> {
        self.wait()?;
        let _turn = turn();
        // The old arena goes first: both may not fit.
        self.arena = None;
        self.arena = Some(Block::take(&self.context, bytes)?);
        Ok(())
    }

    fn write(&mut self, to: Span, bytes: &[u8]) -> Result<(), DeviceError> {
        assert_eq!(bytes.len(), to.len * to.kind.bytes(), "{to:?}");
        self.context.bind_to_thread().map_err(failed("be used"))?;
        let at = self.place(to);
        // SAFETY: the address is that of as many bytes. A copy from ordinary memory has read all of it
        // when the call returns.
        unsafe { result::memcpy_htod_async(at, bytes, self.stream.cu_stream()) }
            .map_err(failed("take in data"))
    }

    fn read(&mut self, from: Span) -> Result<Vec<u8>, DeviceError> {
        self.context.bind_to_thread().map_err(failed("be used"))?;
        let at = self.place(from);
        let mut bytes = vec![0_u8; from.len * from.kind.bytes()];
        // SAFETY: the address is that of as many bytes; the wait comes before they are looked at.
        unsafe { result::memcpy_dtoh_async(&mut bytes, at, self.stream.cu_stream()) }
            .map_err(failed("give out data"))?;
        self.wait()?;
        Ok(bytes)
    }

    fn prepare(&mut self, commands: &[Command]) -> Result<Self::Graph, DeviceError> {
        if self.warpgroups == Warpgroups::Untried && commands.iter().any(wants_warpgroups) {
            self.try_warpgroups()?;
        }
        self.context.bind_to_thread().map_err(failed("be used"))?;
        let _turn = turn();
        // Kernels are loaded first. Relaxed, since cuBLASLt may load its own while it is recorded.
        self.get_ready(commands)?;
        self.stream
            .begin_capture(sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_RELAXED)
            .map_err(failed("record commands"))?;
        let recorded = self.run_directly(commands);
        let flags = sys::CUgraphInstantiate_flags::CUDA_GRAPH_INSTANTIATE_FLAG_USE_NODE_PRIORITY;
        let graph = self.stream.end_capture(flags);
        recorded?;
        Ok(Recorded(graph.map_err(failed("record commands"))?))
    }

    fn run(&mut self, graph: &Self::Graph) -> Result<(), DeviceError> {
        self.context.bind_to_thread().map_err(failed("be used"))?;
        match &graph.0 {
            Some(graph) => graph.launch().map_err(failed("run commands")),
            None => Ok(()),
        }
    }
}
