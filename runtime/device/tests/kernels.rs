//! Every kernel compiles for every generation of GPUs, and fits its registers and shared memory.
//!
//! Needs NVIDIA's runtime compiler, but no GPU: `pip install nvidia-cuda-nvrtc`, and its folder in
//! `VPC_CUDA_LIBRARIES`. Without it the test says that it was skipped.

mod cubin;

use std::sync::OnceLock;

use vpc_device::DeviceError;
use vpc_device::cuda::{Kernels, compile, every};

/// A generation, and the most shared memory that a block may have there, in bytes.
const TARGETS: [(&str, usize); 3] = [
    ("sm_80", 163 << 10),
    ("sm_90a", 227 << 10),
    ("sm_100", 227 << 10),
];
/// Registers of a multiprocessor.
const REGISTERS: usize = 64 << 10;
/// The most local memory a thread may use, in bytes: what does not fit its registers.
const SPILLS: usize = 64;

/// Whether NVRTC is here; says so once where it is not.
fn is_here() -> bool {
    static HERE: OnceLock<bool> = OnceLock::new();
    *HERE.get_or_init(|| match compile(Kernels::Optimizer, "sm_80") {
        Err(DeviceError::Library { .. }) => {
            #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
            {
                eprintln!("SKIPPED: no NVRTC here, so kernels were not compiled");
            }
            false
        }
        _ => true,
    })
}

#[test]
fn every_kernel_compiles_and_fits() {
    if !is_here() {
        return;
    }
    for (target, most) in TARGETS {
        for kernels in every() {
            let code = compile(kernels, target).unwrap_or_else(|error| panic!("{error}"));
            let found = cubin::kernels(&code);
            assert!(!found.is_empty(), "{kernels:?} has no kernel");
            for kernel in found {
                let what = format!("{kernels:?} for {target}: {kernel:?}");
                let threads = threads(&kernel.name);
                assert!(
                    kernel.registers > 0 && kernel.registers * threads <= REGISTERS,
                    "{what}"
                );
                assert!(kernel.stack <= SPILLS, "{what}");
                assert!(
                    kernel.shared + dynamic(kernels, &kernel.name) <= most,
                    "{what}"
                );
            }
        }
    }
}

#[test]
fn a_mistake_is_told_with_what_the_compiler_says() {
    if !is_here() {
        return;
    }
    let error = compile(Kernels::Optimizer, "sm_1").expect_err("there is no such GPU");
    assert!(matches!(error, DeviceError::Kernel { .. }), "{error}");
    assert!(error.to_string().contains("optimizer.cu"), "{error}");
}

/// Threads of a block, as they are launched.
fn threads(name: &str) -> usize {
    match name {
        "cross_entropy" | "answer_entropy" => 512,
        "flash" | "flash_queries" | "flash_keys" => 128,
        _ => 256,
    }
}

/// Dynamic shared memory of a block in bytes, as it is asked for.
fn dynamic(kernels: Kernels, name: &str) -> usize {
    let Kernels::Flash { head } = kernels else {
        return 0;
    };
    let (forward, backward) = vpc_device::cuda::shared_memory(head);
    if name == "flash" { forward } else { backward }
}
