//! Kernels from source to machine code, once for each GPU and shape.
#![allow(unsafe_code, reason = "calls NVRTC")]

use std::ffi::CString;
use std::io::Write;
use std::path::{Path, PathBuf};

use cudarc::nvrtc::{result, sys};

use crate::DeviceError;

const PTX: &str = include_str!("kernels/ptx.cuh");
const PRELUDE: &str = include_str!("kernels/prelude.cuh");

/// A file of kernels, and for which numbers it is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kernels {
    /// Rows of activations, f32 or bf16.
    Rows {
        /// Whether activations are bf16.
        bf16: bool,
    },
    /// Rows of models of images, f32 or bf16.
    Sight {
        /// Whether activations are bf16.
        bf16: bool,
    },
    /// Gradients of norms, f32 or bf16.
    Norms {
        /// Whether activations are bf16.
        bf16: bool,
        /// How many times 2,048 numbers a row has, rounded up.
        chunks: usize,
    },
    /// Sums, and the update.
    Optimizer,
    /// Attention of any head, f32 or bf16.
    Attention {
        /// Whether activations are bf16.
        bf16: bool,
    },
    /// Attention on Hopper's tensor cores, four warps at a time, bf16.
    Hopper {
        /// Length of a head: 64 or 128.
        head: usize,
    },
    /// Attention over kept keys and values, f32 or bf16.
    Cache {
        /// Whether activations are bf16.
        bf16: bool,
    },
    /// Attention on tensor cores, bf16.
    Flash {
        /// Length of a head.
        head: usize,
    },
}

impl Kernels {
    /// The name of its file, and what that says.
    pub fn source(self) -> (&'static str, &'static str) {
        match self {
            Self::Rows { .. } => ("rows.cu", include_str!("kernels/rows.cu")),
            Self::Sight { .. } => ("sight.cu", include_str!("kernels/sight.cu")),
            Self::Norms { .. } => ("norms.cu", include_str!("kernels/norms.cu")),
            Self::Optimizer => ("optimizer.cu", include_str!("kernels/optimizer.cu")),
            Self::Attention { .. } => ("attention.cu", include_str!("kernels/attention.cu")),
            Self::Cache { .. } => ("cache.cu", include_str!("kernels/cache.cu")),
            Self::Flash { .. } => ("flash.cu", include_str!("kernels/flash.cu")),
            Self::Hopper { .. } => ("hopper.cu", include_str!("kernels/hopper.cu")),
        }
    }

    /// Options that give a compiler the numbers of its shape.
    pub fn defines(self) -> Vec<String> {
        match self {
            Self::Rows { bf16 }
            | Self::Sight { bf16 }
            | Self::Attention { bf16 }
            | Self::Cache { bf16 } => {
                vec![format!("-DBF16={}", u8::from(bf16))]
            }
            Self::Norms { bf16, chunks } => {
                vec![
                    format!("-DBF16={}", u8::from(bf16)),
                    format!("-DCHUNKS={chunks}"),
                ]
            }
            Self::Optimizer => vec!["-DBF16=0".to_owned()],
            Self::Flash { head } | Self::Hopper { head } => {
                vec!["-DBF16=1".to_owned(), format!("-DHEAD={head}")]
            }
        }
    }
}

/// All kernels that a GPU such as `sm_90a` can have, with the heads that models have.
pub fn every(target: &str) -> Vec<Kernels> {
    let mut all = vec![Kernels::Optimizer];
    for bf16 in [false, true] {
        all.extend([Kernels::Rows { bf16 }, Kernels::Attention { bf16 }]);
        all.push(Kernels::Cache { bf16 });
        all.push(Kernels::Sight { bf16 });
        all.extend((1..=4).map(|chunks| Kernels::Norms { bf16, chunks }));
    }
    all.extend((16..=128).step_by(16).map(|head| Kernels::Flash { head }));
    if target == "sm_90a" {
        all.extend([64, 128].map(|head| Kernels::Hopper { head }));
    }
    all
}

/// The whole text of a file of kernels, on top of what stands for the machine: `ptx.cuh` for a GPU.
pub fn text(machine: &str, name: &str, kernels: &str) -> String {
    format!("{machine}\n#line 1 \"prelude.cuh\"\n{PRELUDE}\n#line 1 \"{name}\"\n{kernels}")
}

/// Machine code of `kernels` for a GPU such as `sm_90`.
///
/// What was compiled before is read from the user's cache folder; where that cannot be used, it is
/// compiled again. Fails where NVRTC is not there, does not know the GPU, or refuses the source.
pub fn compile(kernels: Kernels, target: &str) -> Result<Vec<u8>, DeviceError> {
    let (source, options) = asked(kernels, target)?;
    let cached = cached(&source, &options);
    if let Some(code) = cached.as_deref().and_then(kept) {
        return Ok(code);
    }
    let (code, _) = build(&source, &options).map_err(refused(kernels, target))?;
    if let Some(path) = cached {
        // A cache that cannot be written costs a second the next time.
        _ = keep(&path, &code);
    }
    Ok(code)
}

/// What the compiler says of kernels that it takes, such as that products wait for each other; nothing
/// where it has no doubts. Compiles anew; fails as [`compile`] does.
pub fn remarks(kernels: Kernels, target: &str) -> Result<String, DeviceError> {
    let (source, options) = asked(kernels, target)?;
    let (_, log) = build(&source, &options).map_err(refused(kernels, target))?;
    Ok(log)
}

/// What is to be compiled, and how.
fn asked(kernels: Kernels, target: &str) -> Result<(String, Vec<String>), DeviceError> {
    super::libraries::search();
    // SAFETY: opening a library; see `libraries`.
    if !unsafe { sys::is_culib_present() } {
        return Err(DeviceError::Library {
            library: "libnvrtc",
            problem: "is not found".to_owned(),
            hint: "install the CUDA toolkit 12 or newer, or `pip install nvidia-cuda-nvrtc`",
        });
    }
    let (name, source) = kernels.source();
    let mut options = kernels.defines();
    options.push(format!("--gpu-architecture={target}"));
    options.push("--std=c++17".to_owned());
    Ok((text(PTX, name, source), options))
}

fn refused(kernels: Kernels, target: &str) -> impl Fn(String) -> DeviceError {
    move |log| DeviceError::Kernel {
        name: kernels.source().0.to_owned(),
        target: target.to_owned(),
        log,
    }
}

/// Where the code is kept: by all that it depends on.
fn cached(source: &str, options: &[String]) -> Option<PathBuf> {
    let (mut major, mut minor) = (0, 0);
    // SAFETY: writes two numbers.
    unsafe { sys::nvrtcVersion(&raw mut major, &raw mut minor) }
        .result()
        .ok()?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("{major}.{minor} {}\n", options.join(" ")).as_bytes());
    hasher.update(source.as_bytes());
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))?;
    let name = format!("{}.cubin", hasher.finalize().to_hex());
    Some(base.join("vpc").join("kernels").join(name))
}

/// Bytes of the digest that follows the code in a file: one that was cut off or changed is not used.
const DIGEST: usize = blake3::OUT_LEN;

/// The code in a file of the cache, if it is whole.
fn kept(path: &Path) -> Option<Vec<u8>> {
    let mut code = std::fs::read(path).ok()?;
    let digest = code.split_off(code.len().checked_sub(DIGEST)?);
    (blake3::hash(&code).as_bytes()[..] == digest).then_some(code)
}

/// Writes beside and renames, so that nobody reads half of it; each writer has a draft of its own.
fn keep(path: &Path, code: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)?;
    let mut draft = tempfile::NamedTempFile::new_in(folder)?;
    draft.write_all(code)?;
    draft.write_all(blake3::hash(code).as_bytes())?;
    draft.persist(path)?;
    Ok(())
}

/// Compiles: the code, and what the compiler says of it. The error is what it says, too.
fn build(source: &str, options: &[String]) -> Result<(Vec<u8>, String), String> {
    let source = CString::new(source).map_err(|error| error.to_string())?;
    let program = result::create_program(&source, None).map_err(|error| error.to_string())?;
    // SAFETY: the program was made above and is destroyed below, after its last use.
    unsafe {
        let compiled = result::compile_program(program, options);
        let code = match compiled {
            Ok(()) => cubin(program)
                .map(|code| (code, log(program).unwrap_or_default()))
                .map_err(|error| error.to_string()),
            Err(error) => Err(log(program).unwrap_or_else(|| error.to_string())),
        };
        _ = result::destroy_program(program);
        code
    }
}

/// # Safety
/// `program` must be compiled, and not destroyed.
unsafe fn cubin(program: sys::nvrtcProgram) -> Result<Vec<u8>, result::NvrtcError> {
    let mut size = 0;
    // SAFETY: the caller's promise; the buffer has the size that the library names.
    unsafe {
        sys::nvrtcGetCUBINSize(program, &raw mut size).result()?;
        let mut code = vec![0_u8; size];
        sys::nvrtcGetCUBIN(program, code.as_mut_ptr().cast()).result()?;
        Ok(code)
    }
}

/// # Safety
/// `program` must not be destroyed.
unsafe fn log(program: sys::nvrtcProgram) -> Option<String> {
    // SAFETY: the caller's promise.
    let log = unsafe { result::get_program_log(program) }.ok()?;
    let bytes: Vec<u8> = log.iter().map(|byte| byte.cast_unsigned()).collect();
    let text = String::from_utf8_lossy(&bytes);
    Some(text.trim_end_matches('\0').trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_writers_of_one_file_leave_it_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep").join("x.cubin");
        let code = |writer: u8| vec![writer; 100_000 + usize::from(writer)];
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..25 {
                        keep(path, &code(writer)).unwrap();
                        let found = kept(path).expect("whole");
                        assert_eq!(found, code(found[0]));
                    }
                });
            }
        });
        let left = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(left, 1, "drafts are left");
    }

    #[test]
    fn a_file_that_is_not_whole_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.cubin");
        assert_eq!(kept(&path), None);
        keep(&path, b"machine code").unwrap();
        let whole = std::fs::read(&path).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(kept(&path), None, "{length} bytes");
        }
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            std::fs::write(&path, changed).unwrap();
            assert_eq!(kept(&path), None, "byte {at}");
        }
    }
}
