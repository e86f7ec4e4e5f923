//! Kernels compiled for the CPU, with a machine of threads in place of a GPU's instructions.
#![allow(unsafe_code, reason = "calls what was compiled from C++")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use vpc_device::cuda::{Kernels, text};

const MACHINE: &str = include_str!("machine/machine.h");
const BLOCK: &str = include_str!("machine/block.h");
const PARTS: [(&str, &str); 4] = [
    ("block.cpp", include_str!("machine/block.cpp")),
    ("warp.cpp", include_str!("machine/warp.cpp")),
    ("warpgroup.cpp", include_str!("machine/warpgroup.cpp")),
    ("memory.cpp", include_str!("machine/memory.cpp")),
];
const OPTIONS: &str =
    "-std=c++17 -O2 -g1 -fPIC -fvisibility=hidden -fno-strict-aliasing -ffp-contract=off -w";
/// Each access and each overflow of the kernels is told to the machine.
const WATCHED: &str = "-fsanitize=thread,alignment,bounds,shift,signed-integer-overflow";

/// Three numbers, as kernels have them.
pub(crate) type Dim = [u32; 3];

/// How a kernel is started; `machine/block.h` has the same.
#[repr(C)]
pub(crate) struct Launch {
    pub(crate) grid: Dim,
    pub(crate) block: Dim,
    pub(crate) dynamic: u64,
    pub(crate) order: u64,
    pub(crate) arena: *mut u8,
    pub(crate) bytes: u64,
    pub(crate) written: *mut u8,
    pub(crate) stretches: *const [*const u8; 2],
    pub(crate) count: u64,
}

#[repr(C)]
struct Fault {
    text: [c_char; 1024],
    at: u64,
}

#[repr(C)]
struct Entry {
    count: u32,
    sizes: *const u32,
    call: *const c_void,
}

type Run =
    unsafe extern "C" fn(*const Entry, *const Launch, *const *const c_void, *mut Fault) -> c_int;

/// Held while a kernel runs: who opens a library again is given the same, with the same static memory.
static TURN: Mutex<()> = Mutex::new(());

/// A file of kernels that can be called.
#[derive(Debug)]
pub(crate) struct Library {
    opened: libloading::Library,
    path: PathBuf,
    bounds: Vec<(String, Option<u32>)>,
}

/// The C++ compiler at hand and its version, if there is one.
pub(crate) fn compiler() -> Option<&'static (String, String)> {
    static FOUND: OnceLock<Option<(String, String)>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            let name = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
            let output = Command::new(&name).arg("--version").output().ok()?;
            let version = String::from_utf8_lossy(&output.stdout).into_owned();
            output.status.success().then_some((name, version))
        })
        .as_ref()
}

impl Library {
    /// Compiles a file of kernels that says `source`, or opens what was compiled before.
    ///
    /// The error is what the compiler says.
    pub(crate) fn build(kernels: Kernels, source: &str) -> Result<Self, String> {
        let (name, _) = kernels.source();
        let bounds = names(source);
        let exports: String = bounds
            .iter()
            .map(|(name, _)| format!("EMULATED({name})\n"))
            .collect();
        let machine = format!("#line 1 \"machine.h\"\n{MACHINE}");
        let whole = text(&machine, name, &format!("{}\n{exports}", plain(source)));
        let path = compiled(&whole, &kernels.defines())?;
        // SAFETY: a library made above, without constructors of its own.
        let opened =
            unsafe { libloading::Library::new(&path) }.map_err(|error| error.to_string())?;
        Ok(Self {
            opened,
            path,
            bounds,
        })
    }

    /// Runs a kernel with parameters of the bytes `given`; the error says what it did wrong, and where.
    pub(crate) fn run(&self, name: &str, launch: &Launch, given: &[Vec<u8>]) -> Result<(), String> {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let [x, y, z] = launch.block;
        let bound = self
            .bounds
            .iter()
            .find(|known| known.0 == name)
            .and_then(|known| known.1);
        if bound.is_some_and(|most| x * y * z > most) {
            return Err(format!(
                "{} threads are more than its launch bounds",
                x * y * z
            ));
        }
        // Parameters lie at addresses that any of them may have.
        let rooms: Vec<Vec<u64>> = given
            .iter()
            .map(|bytes| {
                let mut room = vec![0_u64; bytes.len().div_ceil(8)];
                bytemuck::cast_slice_mut::<u64, u8>(&mut room)[..bytes.len()]
                    .copy_from_slice(bytes);
                room
            })
            .collect();
        let pointers: Vec<*const c_void> = rooms.iter().map(|room| room.as_ptr().cast()).collect();
        let mut fault = Fault {
            text: [0; 1024],
            at: 0,
        };
        // SAFETY: the library was made from sources that give these symbols these types; the kernel is
        // given parameters of the sizes it has, and each access to memory is checked before it is made.
        let failed = unsafe {
            let symbol = format!("emulated_{name}");
            let entry = self.opened.get::<*const Entry>(symbol.as_bytes());
            let entry: *const Entry = *entry.map_err(|error| error.to_string())?;
            let sizes = std::slice::from_raw_parts((*entry).sizes, (*entry).count as usize);
            if !sizes
                .iter()
                .map(|size| *size as usize)
                .eq(given.iter().map(Vec::len))
            {
                let ours: Vec<usize> = given.iter().map(Vec::len).collect();
                return Err(format!(
                    "takes parameters of {sizes:?} bytes, and is given {ours:?}"
                ));
            }
            let run = self.opened.get::<Run>(b"emulated_run");
            let run = run.map_err(|error| error.to_string())?;
            run(entry, launch, pointers.as_ptr(), &raw mut fault) != 0
        };
        if !failed {
            return Ok(());
        }
        // SAFETY: the machine ends its text with a zero within the room.
        let text = unsafe { CStr::from_ptr(fault.text.as_ptr()) };
        Err(text.to_string_lossy().into_owned() + &self.place(fault.at))
    }

    /// Where an address of the machine code lies in the sources; nothing where no tool can say.
    fn place(&self, at: u64) -> String {
        if at == 0 {
            return String::new();
        }
        let output = Command::new("addr2line")
            .arg("-ie")
            .arg(&self.path)
            .arg(format!("{at:#x}"))
            .output();
        let Ok(output) = output else {
            return String::new();
        };
        let lines = String::from_utf8_lossy(&output.stdout);
        let places: Vec<&str> = lines
            .lines()
            .filter_map(|line| line.rsplit('/').next()?.split(' ').next())
            .filter(|place| !place.starts_with("machine.h"))
            .collect();
        format!(", at {}", places.join(" in "))
    }
}

/// Kernels of a file, each with the most threads that its launch bounds allow.
pub(crate) fn names(source: &str) -> Vec<(String, Option<u32>)> {
    let parts = source.split("__global__").skip(1);
    parts
        .filter_map(|part| {
            let mut rest = part.trim_start().strip_prefix("void")?.trim_start();
            let mut bound = None;
            if let Some(bounds) = rest.strip_prefix("__launch_bounds__(") {
                let (inside, after) = bounds.split_once(')')?;
                bound = inside.split(',').next()?.trim().parse().ok();
                rest = after.trim_start();
            }
            Some((rest.split('(').next()?.trim().to_owned(), bound))
        })
        .collect()
}

/// `extern __shared__ … TYPE NAME[];` as the pointer that it is; lines stay where they are.
fn plain(source: &str) -> String {
    let mut parts = source.split("extern __shared__");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (declared, rest) = part.split_once("[];").expect("an array without a length");
        let mut words = declared.split_whitespace().rev();
        let name = words.next().expect("a name");
        let of = words.next().expect("a type");
        out += &format!("{of}* {name} = ({of}*)emulated_dynamic();{rest}");
    }
    out
}

/// The library's file, compiled unless it is there.
fn compiled(source: &str, defines: &[String]) -> Result<PathBuf, String> {
    let options: Vec<&str> = OPTIONS.split(' ').collect();
    let defines: Vec<&str> = defines.iter().map(String::as_str).collect();
    let call = [&options[..], &defines, &[WATCHED, "-c"]].concat();
    let mut objects = vec![made("o", &call, &[("kernels.cpp", source)])?];
    for (name, part) in PARTS {
        let call = [&options[..], &["-c"]].concat();
        objects.push(made("o", &call, &[(name, part), ("block.h", BLOCK)])?);
    }
    let objects: Vec<&str> = objects.iter().filter_map(|path| path.to_str()).collect();
    let linked = ["-shared", "-Wl,-Bsymbolic", "-Wl,-z,defs"];
    made("so", &[&linked[..], &objects].concat(), &[])
}

/// What the compiler makes of the first of `files` if it is given `arguments`, or made before: named by
/// all that it depends on.
fn made(kind: &str, arguments: &[&str], files: &[(&str, &str)]) -> Result<PathBuf, String> {
    let (compiler, version) = compiler().ok_or("there is no C++ compiler")?;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("emulate");
    let told = |error: std::io::Error| error.to_string();
    std::fs::create_dir_all(&folder).map_err(told)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(version.as_bytes());
    for argument in arguments {
        hasher.update(argument.as_bytes()).update(b"\n");
    }
    for (name, text) in files {
        hasher
            .update(name.as_bytes())
            .update(b"\n")
            .update(text.as_bytes());
    }
    let path = folder.join(format!("{}.{kind}", hasher.finalize().to_hex()));
    if path.exists() {
        return Ok(path);
    }
    let room = tempfile::tempdir_in(&folder).map_err(told)?;
    for (name, text) in files {
        std::fs::write(room.path().join(name), text).map_err(told)?;
    }
    let mut call = Command::new(compiler);
    call.args(arguments).args(files.first().map(|file| file.0));
    let output = call
        .args(["-o", "made"])
        .current_dir(room.path())
        .output()
        .map_err(told)?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    // Renamed when it is whole, so that nobody opens half of it.
    std::fs::rename(room.path().join("made"), &path).map_err(told)?;
    Ok(path)
}
