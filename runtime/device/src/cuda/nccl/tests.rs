//! NCCL's calls against a library that stands in for it, over the host's memory.

use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::*;
use crate::group::ThroughHost;
use crate::program::Command;

/// A device whose arena is the host's memory.
struct Lying {
    index: usize,
    arena: Vec<u64>,
    queued: Box<c_int>,
    /// How often it says that it is not done.
    busy: usize,
    fails: bool,
}

impl Lying {
    fn new(index: usize) -> Self {
        Self {
            index,
            arena: Vec::new(),
            queued: Box::new(0),
            busy: 2,
            fails: false,
        }
    }
}

fn range(span: Span) -> std::ops::Range<usize> {
    span.at..span.at + span.len * span.kind.bytes()
}

impl Device for Lying {
    type Graph = ();

    fn reserve(&mut self, bytes: usize) -> Result<(), DeviceError> {
        self.arena = vec![0; bytes.div_ceil(8)];
        Ok(())
    }

    fn write(&mut self, to: Span, bytes: &[u8]) -> Result<(), DeviceError> {
        bytemuck::cast_slice_mut::<u64, u8>(&mut self.arena)[range(to)].copy_from_slice(bytes);
        Ok(())
    }

    fn read(&mut self, from: Span) -> Result<Vec<u8>, DeviceError> {
        Ok(bytemuck::cast_slice::<u64, u8>(&self.arena)[range(from)].to_vec())
    }

    fn prepare(&mut self, _: &[Command]) -> Result<(), DeviceError> {
        Ok(())
    }

    fn run(&mut self, (): &()) -> Result<(), DeviceError> {
        Ok(())
    }
}

impl Reached for Lying {
    fn index(&self) -> usize {
        self.index
    }

    fn address_of(&self, span: Span) -> u64 {
        self.arena.as_ptr().addr() as u64 + span.at as u64
    }

    fn queue(&self) -> *mut c_void {
        (&raw const *self.queued).cast_mut().cast()
    }

    fn is_done(&mut self) -> Result<bool, DeviceError> {
        if self.fails {
            return Err(DeviceError::Unsupported("an address it lacks".to_owned()));
        }
        self.busy = self.busy.saturating_sub(1);
        Ok(self.busy == 0)
    }
}

/// The stand-in, whose state is one for all tests of a process.
struct Fake {
    api: &'static Api,
    library: libloading::Library,
    _turn: MutexGuard<'static, ()>,
    _folder: tempfile::TempDir,
}

fn build(folder: &Path, arguments: &[&str]) -> Option<PathBuf> {
    let out = folder.join("libnccl.so.2");
    let source = folder.join("fake.c");
    std::fs::write(&source, include_str!("fake.c")).expect("a file");
    let built = Process::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&out)
        .arg(&source)
        .args(arguments)
        .status();
    match built {
        Ok(status) => {
            assert!(status.success(), "the stand-in does not compile");
            Some(out)
        }
        Err(_) => {
            #[expect(clippy::print_stderr, reason = "tests say what they skip")]
            {
                eprintln!("SKIPPED: NCCL's calls: no C compiler `cc` here");
            }
            None
        }
    }
}

impl Fake {
    fn open() -> Option<Self> {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().expect("a folder");
        let file = build(folder.path(), &[])?;
        let api = Api::open(&file).expect("all functions");
        // SAFETY: the stand-in does nothing when it is loaded.
        let library = unsafe { libloading::Library::new(&file) }.expect("a library");
        Some(Self {
            api: Box::leak(Box::new(api)),
            library,
            _turn: turn,
            _folder: folder,
        })
    }

    fn count(&self, name: &str) -> c_int {
        // SAFETY: the functions of this form in `fake.c`.
        unsafe {
            let function = self
                .library
                .get::<unsafe extern "C" fn() -> c_int>(name.as_bytes());
            function.expect("a function")()
        }
    }

    fn set(&self, name: &str, status: c_int) {
        // SAFETY: the functions of this form in `fake.c`.
        unsafe {
            let function = self
                .library
                .get::<unsafe extern "C" fn(c_int)>(name.as_bytes());
            function.expect("a function")(status);
        }
    }
}

const FLOATS: Span = Span {
    at: 16,
    len: 5,
    kind: Kind::F32,
};
const DOUBLES: Span = Span {
    at: 48,
    len: 2,
    kind: Kind::F64,
};

fn devices(count: usize) -> Vec<Lying> {
    (0..count)
        .map(|rank| {
            let mut device = Lying::new(2 * rank);
            device.reserve(64).expect("memory");
            let floats: Vec<f32> = (0..5).map(|at| (rank * 7 + at) as f32 / 3.0).collect();
            let doubles = [rank as f64 / 3.0, 1e-9];
            device
                .write(FLOATS, bytemuck::cast_slice(&floats))
                .expect("room");
            device
                .write(DOUBLES, bytemuck::cast_slice(&doubles))
                .expect("room");
            device
        })
        .collect()
}

fn group(fake: &Fake, devices: &[Lying]) -> Nccl {
    let numbers: Vec<usize> = devices.iter().map(Reached::index).collect();
    Nccl::of(fake.api, &numbers).expect("a group")
}

#[test]
fn sums_are_asked_for_in_each_queue_and_are_those_of_the_host() {
    let Some(fake) = Fake::open() else { return };
    for (count, ends) in [(1, 1), (2, 2), (4, 4)] {
        let (mut ours, mut theirs) = (devices(count), devices(count));
        let mut nccl = group(&fake, &ours);
        nccl.sum(&mut ours, &[FLOATS, DOUBLES]).expect("sums");
        nccl.wait(&mut ours).expect("an end");
        ThroughHost
            .sum(&mut theirs, &[FLOATS, DOUBLES])
            .expect("sums");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours.arena, theirs.arena);
            assert_eq!((*ours.queued, ours.busy), (2, 0));
        }
        drop(nccl);
        assert_eq!(fake.count("fake_ended"), ends);
        assert_eq!(fake.count("fake_aborted"), 0);
    }
}

#[test]
fn one_gpu_is_no_group_of_two() {
    let Some(fake) = Fake::open() else { return };
    let error = Nccl::of(fake.api, &[1, 1]).expect_err("the same twice");
    assert!(error.to_string().contains("join the GPUs"), "{error}");
}

#[test]
fn a_failure_ends_the_sums_of_all() {
    let Some(fake) = Fake::open() else { return };
    // Told at once; told of one end later, while no GPU is ever done; of a GPU; and by no one at all.
    for case in 0..4 {
        let mut devices = devices(3);
        let mut nccl = group(&fake, &devices);
        if case > 0 {
            nccl.sum(&mut devices, &[FLOATS]).expect("sums");
        }
        for device in &mut devices {
            device.busy = usize::MAX;
        }
        let error = match case {
            0 => {
                fake.set("fake_fail_sum", 6);
                nccl.sum(&mut devices, &[FLOATS])
            }
            1 => {
                fake.set("fake_fail_later", 6);
                nccl.wait(&mut devices)
            }
            2 => {
                devices[2].fails = true;
                nccl.wait(&mut devices)
            }
            _ => {
                nccl.patience = Duration::from_millis(20);
                nccl.wait(&mut devices)
            }
        };
        let error = error.expect_err("a failure").to_string();
        let told = [
            "remote process exited",
            "remote process exited",
            "an address it lacks",
            "NCCL_P2P_DISABLE=1",
        ];
        assert!(error.contains(told[case]), "{case}: {error}");
        assert_eq!(fake.count("fake_aborted"), 3, "{case}");
        // It is over, and says so.
        let after = nccl.sum(&mut devices, &[FLOATS]).expect_err("no group");
        assert!(after.to_string().contains("0 of 3 GPUs"), "{after}");
        drop(nccl);
        assert_eq!(fake.count("fake_ended"), 0, "{case}");
        fake.set("fake_fail_sum", 0);
    }
}

#[test]
fn numbers_of_other_kinds_are_not_added_up() {
    let Some(fake) = Fake::open() else { return };
    let mut devices = devices(2);
    let mut nccl = group(&fake, &devices);
    let whole = Span {
        kind: Kind::U32,
        ..FLOATS
    };
    assert!(nccl.sum(&mut devices, &[whole]).is_err());
}

#[test]
fn another_library_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = |arguments: &[&str]| {
        let file = build(folder.path(), arguments)?;
        Some(Api::open(&file).err().expect("a problem"))
    };
    let Some(lacking) = told(&["-DncclCommAbort=other"]) else {
        return;
    };
    assert!(lacking.contains("`ncclCommAbort`"), "{lacking}");
    let missing = Api::open(&folder.path().join("nothing.so"));
    let missing = missing.err().expect("no file");
    assert!(missing.contains("cannot be opened"), "{missing}");
    std::fs::write(folder.path().join("text.so"), "no library").expect("a file");
    let text = Api::open(&folder.path().join("text.so")).err();
    assert!(text.expect("no library").contains("cannot be opened"));
}

#[test]
fn the_library_of_this_machine_has_all_that_is_called() {
    match Api::of_machine() {
        Ok(_) => {}
        Err(error) => {
            let told = error.to_string();
            assert!(
                told.contains("is not found") && told.contains("pip install nvidia-nccl"),
                "{told}"
            );
            #[expect(clippy::print_stderr, reason = "tests say what they skip")]
            {
                eprintln!("SKIPPED: NCCL's own functions: {told}");
            }
        }
    }
}
