//! Which of NVIDIA's libraries are here, and which GPUs.
#![allow(
    unsafe_code,
    reason = "asks a dynamic loader, and a driver, what is there"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Once;

use cudarc::driver::result::{self, device};
use cudarc::driver::sys::CUdevice_attribute as Attribute;
use serde::Serialize;

use super::nccl::Nccl;
use crate::DeviceError;

/// Compute capability from which on kernels are written.
const OLDEST: (i32, i32) = (8, 0);

/// CUDA version that the driver must know: that of driver 525.
const OLDEST_DRIVER: (i32, i32) = (12, 0);

/// A library of NVIDIA's.
#[derive(Clone, Debug, Serialize)]
pub struct Library {
    /// As it is called.
    pub name: &'static str,
    /// Whether it can be opened.
    pub found: bool,
    /// Whether training on one GPU does without it.
    pub optional: bool,
    /// What it does here.
    pub needed_for: &'static str,
    /// How to get it.
    pub hint: &'static str,
}

/// A GPU.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceInfo {
    /// As its driver calls it.
    pub name: String,
    /// All of its memory, in bytes.
    pub memory_bytes: usize,
    /// Its compute capability.
    pub compute: (i32, i32),
    /// Whether kernels are written for it.
    pub usable: bool,
}

/// What there is to train on a GPU with.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The libraries, found or not.
    pub libraries: Vec<Library>,
    /// The newest CUDA version that the driver knows, such as `13.0`.
    pub driver: Option<String>,
    /// The GPUs.
    pub devices: Vec<DeviceInfo>,
    /// Why no GPU can be used, if none can.
    pub problem: Option<String>,
}

const DRIVER: &str = "install NVIDIA's driver, version 525 or newer";
const TOOLKIT: &str = "install the CUDA toolkit, version 12 or newer; or `pip install nvidia-cuda-nvrtc nvidia-cublas` \
                       into the active virtual environment; or name folders with its libraries in VPC_CUDA_LIBRARIES";

/// The library for several GPUs, not found. Nothing else needs it.
pub(super) const NCCL: Library = Library {
    name: "libnccl",
    found: false,
    optional: true,
    needed_for: "one training on several GPUs",
    hint: "`pip install nvidia-nccl-cu13` (or `-cu12`) into the active virtual environment, install `libnccl2`, or \
           name its folder in VPC_CUDA_LIBRARIES",
};

/// The driver's library, not found.
const DRIVER_LIBRARY: Library = Library {
    name: "libcuda",
    found: false,
    optional: false,
    needed_for: "the GPU itself: it comes with the driver",
    hint: DRIVER,
};

fn absent(library: &Library) -> DeviceError {
    DeviceError::Library {
        library: library.name,
        problem: format!("is not found (needed for {})", library.needed_for),
        hint: library.hint,
    }
}

/// Folders in which libraries are looked for, besides the loader's own, separated by colons.
const FOLDERS: &str = "VPC_CUDA_LIBRARIES";
/// What is opened from such a folder, in this order: one needs the other.
const OPENED: [&str; 4] = [
    "libnvrtc-builtins.so",
    "libnvrtc.so",
    "libcublas.so",
    "libcublasLt.so",
];

/// Opens what lies where the loader does not look: afterwards it is found by its name.
pub(super) fn search() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for folder in folders() {
            for name in OPENED {
                let Some(path) = newest(&folder, name) else {
                    continue;
                };
                // SAFETY: opening a library runs what it does when it is loaded; these are NVIDIA's.
                if let Ok(library) = unsafe { libloading::Library::new(path) } {
                    // It stays open as long as the program runs.
                    std::mem::forget(library);
                }
            }
        }
    });
}

fn folders() -> Vec<PathBuf> {
    let named = std::env::var_os(FOLDERS).map(|all| std::env::split_paths(&all).collect());
    let mut all: Vec<PathBuf> = named.unwrap_or_default();
    if let Some(home) = std::env::var_os("CUDA_HOME") {
        all.push(PathBuf::from(home).join("lib64"));
    }
    all.push(PathBuf::from("/usr/local/cuda/lib64"));
    for variable in ["VIRTUAL_ENV", "CONDA_PREFIX"] {
        let Some(root) = std::env::var_os(variable) else {
            continue;
        };
        for python in entries(&PathBuf::from(root).join("lib")) {
            for package in entries(&python.join("site-packages/nvidia")) {
                all.push(package.join("lib"));
            }
        }
    }
    all
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// The last of the files whose name begins so, by name.
fn newest(folder: &Path, name: &str) -> Option<PathBuf> {
    let is_it = |path: &PathBuf| {
        let file = path.file_name().and_then(|file| file.to_str());
        file.is_some_and(|file| file.starts_with(name) && !file.contains(".alt."))
    };
    entries(folder).into_iter().rfind(is_it)
}

fn libraries() -> [Library; 3] {
    search();
    // SAFETY: opening a library runs what it does when it is loaded; these three are NVIDIA's, or what
    // the user's loader path has in their place.
    let found = unsafe {
        [
            cudarc::driver::sys::is_culib_present(),
            cudarc::nvrtc::sys::is_culib_present(),
            cudarc::cublaslt::sys::is_culib_present(),
        ]
    };
    [
        Library {
            found: found[0],
            ..DRIVER_LIBRARY
        },
        Library {
            name: "libnvrtc",
            found: found[1],
            optional: false,
            needed_for: "compiling kernels for the GPU at hand",
            hint: TOOLKIT,
        },
        Library {
            name: "libcublasLt",
            found: found[2],
            optional: false,
            needed_for: "matrix products",
            hint: TOOLKIT,
        },
    ]
}

/// The file of a library whose functions are looked up one by one, the newest of the first folder that has
/// it; or a name by which the loader finds it.
pub(super) fn file_of(library: &Library) -> Option<PathBuf> {
    let begins = format!("{}.so", library.name);
    let lies = folders().iter().find_map(|folder| newest(folder, &begins));
    // Without the headers for it, the loader knows it by its version alone.
    let known = [format!("{begins}.2"), begins].map(PathBuf::from);
    let opens = |name: &PathBuf| {
        // SAFETY: as in `libraries`.
        unsafe { libloading::Library::new(name) }.is_ok()
    };
    lies.into_iter().chain(known).find(opens)
}

/// Whether the loader finds a function in a library: one that is called without it would end the
/// program.
fn has(library: &'static str, function: &str) -> bool {
    // SAFETY: as above; the function is looked up and not called.
    unsafe {
        let name = format!("{function}\0");
        match library {
            "libcuda" => cudarc::driver::sys::culib()
                .get::<*const ()>(name.as_bytes())
                .is_ok(),
            "libnvrtc" => cudarc::nvrtc::sys::culib()
                .get::<*const ()>(name.as_bytes())
                .is_ok(),
            _ => cudarc::cublaslt::sys::culib()
                .get::<*const ()>(name.as_bytes())
                .is_ok(),
        }
    }
}

/// All functions that are called. One that is missing means another library, or one that is too old.
const FUNCTIONS: [(&str, &[&str]); 3] = [
    (
        "libcuda",
        &[
            "cuInit",
            "cuDriverGetVersion",
            "cuGetErrorName",
            "cuGetErrorString",
            "cuDeviceGetCount",
            "cuDeviceGet",
            "cuDeviceGetName",
            "cuDeviceTotalMem_v2",
            "cuDeviceGetAttribute",
            "cuDevicePrimaryCtxRetain",
            "cuDevicePrimaryCtxRelease_v2",
            "cuCtxGetCurrent",
            "cuCtxSetCurrent",
            "cuStreamCreate",
            "cuStreamDestroy_v2",
            "cuStreamSynchronize",
            "cuStreamQuery",
            "cuStreamBeginCapture_v2",
            "cuStreamEndCapture",
            "cuGraphInstantiateWithFlags",
            "cuGraphLaunch",
            "cuGraphExecDestroy",
            "cuGraphDestroy",
            "cuMemAlloc_v2",
            "cuMemFree_v2",
            "cuMemGetInfo_v2",
            "cuMemcpyHtoDAsync_v2",
            "cuMemcpyDtoHAsync_v2",
            "cuMemcpyDtoDAsync_v2",
            "cuMemsetD8Async",
            "cuModuleLoadData",
            "cuModuleUnload",
            "cuModuleGetFunction",
            "cuFuncSetAttribute",
            "cuLaunchKernel",
        ],
    ),
    (
        "libnvrtc",
        &[
            "nvrtcVersion",
            "nvrtcCreateProgram",
            "nvrtcCompileProgram",
            "nvrtcDestroyProgram",
            "nvrtcGetCUBINSize",
            "nvrtcGetCUBIN",
            "nvrtcGetProgramLogSize",
            "nvrtcGetProgramLog",
        ],
    ),
    (
        "libcublasLt",
        &[
            "cublasLtCreate",
            "cublasLtDestroy",
            "cublasLtMatrixLayoutCreate",
            "cublasLtMatrixLayoutDestroy",
            "cublasLtMatmulDescCreate",
            "cublasLtMatmulDescSetAttribute",
            "cublasLtMatmulDescDestroy",
            "cublasLtMatmulPreferenceCreate",
            "cublasLtMatmulPreferenceSetAttribute",
            "cublasLtMatmulPreferenceDestroy",
            "cublasLtMatmulAlgoGetHeuristic",
            "cublasLtMatmul",
        ],
    ),
];

/// Fails unless all libraries are here and have what is needed of them.
pub(super) fn check() -> Result<(), DeviceError> {
    // Without a driver there is no need to look for the others, which takes a moment.
    // SAFETY: as in `libraries`.
    if !unsafe { cudarc::driver::sys::is_culib_present() } {
        return Err(absent(&DRIVER_LIBRARY));
    }
    for library in libraries() {
        if !library.found {
            return Err(absent(&library));
        }
        if let Some(missing) = missing(library.name) {
            return Err(DeviceError::Library {
                library: library.name,
                problem: format!("has no function `{missing}`: it is too old, or not NVIDIA's"),
                hint: library.hint,
            });
        }
    }
    if let Some((major, minor)) = driver_version().filter(|version| *version < OLDEST_DRIVER) {
        return Err(DeviceError::Library {
            library: "libcuda",
            problem: format!("knows CUDA up to {major}.{minor}: the driver is too old"),
            hint: DRIVER,
        });
    }
    result::init().map_err(|error| DeviceError::Library {
        library: "libcuda",
        problem: format!("finds no GPU that it can use ({})", said(error)),
        hint: "see what `nvidia-smi` says",
    })
}

/// The newest CUDA version that the driver knows; it must have all functions. None where it does not say.
fn driver_version() -> Option<(i32, i32)> {
    let mut version = 0;
    // SAFETY: writes one number, and may be called before anything else.
    let status = unsafe { cudarc::driver::sys::cuDriverGetVersion(&raw mut version) };
    status.result().ok()?;
    Some((version / 1000, version % 1000 / 10))
}

/// The first of the functions that a library does not have.
fn missing(library: &'static str) -> Option<&'static str> {
    let (_, functions) = FUNCTIONS.into_iter().find(|(name, _)| *name == library)?;
    functions
        .iter()
        .copied()
        .find(|function| !has(library, function))
}

/// What the driver says of an error.
pub(super) fn said(error: result::DriverError) -> String {
    match error.error_string() {
        Ok(text) => text.to_string_lossy().into_owned(),
        Err(_) => format!("{:?}", error.0),
    }
}

fn devices() -> Result<Vec<DeviceInfo>, result::DriverError> {
    let count = device::get_count()?;
    (0..count)
        .map(|index| {
            let device = device::get(index)?;
            // SAFETY: the device is one that the driver has just named.
            let (memory_bytes, major, minor) = unsafe {
                (
                    device::total_mem(device)?,
                    device::get_attribute(
                        device,
                        Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
                    )?,
                    device::get_attribute(
                        device,
                        Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
                    )?,
                )
            };
            Ok(DeviceInfo {
                name: device::get_name(device)?,
                memory_bytes,
                compute: (major, minor),
                usable: (major, minor) >= OLDEST,
            })
        })
        .collect()
}

/// The GPUs that can be used, by the driver's number, at least one; or why none can.
pub fn available() -> Result<BTreeMap<usize, DeviceInfo>, DeviceError> {
    check()?;
    let devices = devices().map_err(|error| DeviceError::Call {
        library: "driver",
        doing: "name the GPUs",
        problem: said(error),
    })?;
    let all = devices.into_iter().enumerate();
    let usable: BTreeMap<usize, DeviceInfo> = all.filter(|(_, device)| device.usable).collect();
    if usable.is_empty() {
        return Err(DeviceError::NoDevice {
            index: 0,
            usable: "none here has compute capability 8.0 or newer".to_owned(),
        });
    }
    Ok(usable)
}

/// Fails unless this GPU can be used.
pub fn usable(index: usize) -> Result<(), DeviceError> {
    let usable = available()?;
    if usable.contains_key(&index) {
        return Ok(());
    }
    let names: Vec<String> = usable.keys().map(|index| format!("cuda:{index}")).collect();
    let usable = format!("here is {}", names.join(", "));
    Err(DeviceError::NoDevice { index, usable })
}

/// All that can be said of this machine.
pub fn report() -> Report {
    let problem = available().err().map(|error| error.to_string());
    let libraries = libraries();
    let nccl = Library {
        found: Nccl::check().is_ok(),
        ..NCCL
    };
    let here = libraries[0].found && missing("libcuda").is_none();
    Report {
        driver: here
            .then(driver_version)
            .flatten()
            .map(|(major, minor)| format!("{major}.{minor}")),
        devices: if here && result::init().is_ok() {
            devices().unwrap_or_default()
        } else {
            Vec::new()
        },
        libraries: [&libraries[..], &[nccl]].concat(),
        problem,
    }
}
