//! NVIDIA's library for collectives, opened when it is first asked for.
#![allow(unsafe_code, reason = "asks a dynamic loader for functions")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::Path;
use std::ptr::null_mut;
use std::sync::OnceLock;

use crate::DeviceError;
use crate::cuda::libraries::{NCCL, file_of};

/// One rank's end of a group, a pointer of the library's.
pub(super) type End = *mut c_void;

/// The library's words for success and for work in progress.
const SUCCESS: c_int = 0;
const IN_PROGRESS: c_int = 7;
/// f32 and f64, and their sum, as the library numbers them.
pub(super) const FLOAT: c_int = 7;
pub(super) const DOUBLE: c_int = 8;
const SUM: c_int = 0;

/// The oldest version whose functions are those called here.
const OLDEST: c_int = 21_800;

/// The functions that are called. Results are numbers, so that a newer library may have new ones.
pub(super) struct Api {
    version: unsafe extern "C" fn(*mut c_int) -> c_int,
    words: unsafe extern "C" fn(c_int) -> *const c_char,
    begin: unsafe extern "C" fn(*mut End, c_int, *const c_int) -> c_int,
    end: unsafe extern "C" fn(End) -> c_int,
    abort: unsafe extern "C" fn(End) -> c_int,
    failed: unsafe extern "C" fn(End, *mut c_int) -> c_int,
    group_start: unsafe extern "C" fn() -> c_int,
    group_end: unsafe extern "C" fn() -> c_int,
    sum: unsafe extern "C" fn(
        *const c_void,
        *mut c_void,
        usize,
        c_int,
        c_int,
        End,
        *mut c_void,
    ) -> c_int,
    /// Stays open as long as the functions are at hand.
    _library: libloading::Library,
}

impl Api {
    /// The library of this machine.
    pub(super) fn of_machine() -> Result<&'static Self, DeviceError> {
        static FOUND: OnceLock<Option<Result<Api, String>>> = OnceLock::new();
        match FOUND.get_or_init(|| file_of(&NCCL).map(|file| Api::open(&file))) {
            Some(Ok(api)) => Ok(api),
            Some(Err(problem)) => Err(DeviceError::Library {
                library: NCCL.name,
                problem: problem.clone(),
                hint: NCCL.hint,
            }),
            None => Err(DeviceError::Library {
                library: NCCL.name,
                problem: format!("is not found (needed for {})", NCCL.needed_for),
                hint: NCCL.hint,
            }),
        }
    }

    /// A library by its file, or by a name that the loader finds; or what is wrong with it.
    pub(super) fn open(file: &Path) -> Result<Self, String> {
        // SAFETY: opening a library runs what it does when it is loaded; this one is NVIDIA's, or what the
        // user's folders have in its place. Functions have the types of `nccl.h` since version 2.4.
        let api = unsafe {
            let library = libloading::Library::new(file)
                .map_err(|error| format!("cannot be opened ({error})"))?;
            let find = |name: &'static str| {
                let found = library.get::<*const ()>(name.as_bytes());
                found.map(drop).map_err(|_| {
                    let name = name.trim_end_matches('\0');
                    format!("has no function `{name}`: it is too old, or not NVIDIA's")
                })
            };
            macro_rules! function {
                ($name:literal) => {{
                    find(concat!($name, "\0"))?;
                    *library
                        .get(concat!($name, "\0").as_bytes())
                        .map_err(|error| error.to_string())?
                }};
            }
            Self {
                version: function!("ncclGetVersion"),
                words: function!("ncclGetErrorString"),
                begin: function!("ncclCommInitAll"),
                end: function!("ncclCommDestroy"),
                abort: function!("ncclCommAbort"),
                failed: function!("ncclCommGetAsyncError"),
                group_start: function!("ncclGroupStart"),
                group_end: function!("ncclGroupEnd"),
                sum: function!("ncclAllReduce"),
                _library: library,
            }
        };
        let mut version = 0;
        // SAFETY: writes one number.
        let status = unsafe { (api.version)(&raw mut version) };
        if status != SUCCESS || version < OLDEST {
            return Err(format!(
                "is version {}.{}.{}; 2.18 is needed",
                version / 10_000,
                version / 100 % 100,
                version % 100
            ));
        }
        Ok(api)
    }

    /// Joins GPUs to a group: one end for each.
    pub(super) fn begin(&self, gpus: &[c_int]) -> Result<Vec<End>, DeviceError> {
        let count = c_int::try_from(gpus.len())
            .map_err(|_| DeviceError::Unsupported(format!("a group of {} GPUs", gpus.len())))?;
        let mut ends = vec![null_mut(); gpus.len()];
        // SAFETY: there is room for as many ends as there are numbers.
        let status = unsafe { (self.begin)(ends.as_mut_ptr(), count, gpus.as_ptr()) };
        self.check(status, "join the GPUs")?;
        Ok(ends)
    }

    /// Opens a list of sums, which all begin when it is closed.
    pub(super) fn open_list(&self) -> Result<(), DeviceError> {
        // SAFETY: takes nothing.
        let status = unsafe { (self.group_start)() };
        self.check(status, "begin to add up")
    }

    /// Closes it.
    pub(super) fn close_list(&self) -> Result<(), DeviceError> {
        // SAFETY: takes nothing.
        let status = unsafe { (self.group_end)() };
        self.check(status, "add up")
    }

    /// Puts the sum of `count` numbers over all ends in place of this end's, after what its queue holds.
    ///
    /// # Safety
    /// `end` is one of a group that has not ended; `at` is the address of as many numbers of its GPU, and
    /// stays so until `queue`, a stream of that GPU, is done.
    pub(super) unsafe fn sum(
        &self,
        (at, count, kind): (u64, usize, c_int),
        end: End,
        queue: *mut c_void,
    ) -> Result<(), DeviceError> {
        let at = at as *mut c_void;
        // SAFETY: the caller answers for the addresses; sums in place are allowed.
        let status = unsafe { (self.sum)(at, at, count, kind, SUM, end, queue) };
        self.check(status, "add up")
    }

    /// Fails if something went wrong with an end since it began.
    ///
    /// # Safety
    /// `end` is one of a group that has not ended.
    pub(super) unsafe fn check_end(&self, end: End) -> Result<(), DeviceError> {
        let mut found = SUCCESS;
        // SAFETY: the end is alive; one number is written.
        let status = unsafe { (self.failed)(end, &raw mut found) };
        self.check(status, "tell how it fares")?;
        self.check(found, "add up")
    }

    /// Ends one end of a group, whose work is done.
    ///
    /// # Safety
    /// Once for each end.
    pub(super) unsafe fn finish(&self, end: End) {
        // SAFETY: the caller answers for it. What fails here is of no more use.
        _ = unsafe { (self.end)(end) };
    }

    /// Ends one end of a group at once, with what it is at.
    ///
    /// # Safety
    /// Once for each end.
    pub(super) unsafe fn abort(&self, end: End) {
        // SAFETY: the caller answers for it. What fails here is of no more use.
        _ = unsafe { (self.abort)(end) };
    }

    fn check(&self, status: c_int, doing: &'static str) -> Result<(), DeviceError> {
        if status == SUCCESS || status == IN_PROGRESS {
            return Ok(());
        }
        // SAFETY: gives a text that lasts, or nothing.
        let words = unsafe {
            let words = (self.words)(status);
            (!words.is_null()).then(|| CStr::from_ptr(words).to_string_lossy().into_owned())
        };
        let words = words.unwrap_or_else(|| format!("error {status}"));
        Err(DeviceError::Call {
            library: "NCCL",
            doing,
            problem: format!("{words} (`NCCL_DEBUG=WARN` tells more)"),
        })
    }
}
