//! Every kernel compiles for every generation of GPUs, and fits its registers and shared memory.
//!
//! Needs NVIDIA's runtime compiler, but no GPU: `pip install nvidia-cuda-nvrtc`, and its folder in
//! `VPC_CUDA_LIBRARIES`. Without it the test says that it was skipped.

mod cubin;

use std::sync::OnceLock;

use vpc_device::DeviceError;
use vpc_device::cuda::{Kernels, Layout, compile, every, remarks};

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
        for kernels in every(target) {
            let code = compile(kernels, target).unwrap_or_else(|error| panic!("{error}"));
            let found = cubin::kernels(&code);
            assert!(!found.is_empty(), "{kernels:?} has no kernel");
            for kernel in found {
                let what = format!("{kernels:?} for {target}: {kernel:?}");
                let threads = threads(kernels, &kernel.name);
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

/// Products of four warps go on beside one another: where the compiler cannot be sure that they may, it
/// makes each wait, and says so.
#[test]
fn the_compiler_has_no_doubts() {
    if !is_here() {
        return;
    }
    for head in [64, 128] {
        let said = remarks(Kernels::Hopper { head }, "sm_90a").expect("compiles");
        assert_eq!(said, "", "heads of {head}");
    }
}

/// How a kernel of Hopper's is laid out.
fn layout(kernels: Kernels, name: &str) -> Option<Layout> {
    let Kernels::Hopper { head } = kernels else {
        return None;
    };
    Some(match name {
        "hopper" => Layout::forward(head),
        "hopper_queries" => Layout::queries(head),
        _ => Layout::keys(head),
    })
}

/// Threads of a block, as they are launched.
fn threads(kernels: Kernels, name: &str) -> usize {
    match (layout(kernels, name), name) {
        (Some(layout), _) => layout.threads() as usize,
        (None, "cross_entropy" | "answer_entropy") => 512,
        (None, "flash" | "flash_queries" | "flash_keys" | "cached_attention") => 128,
        _ => 256,
    }
}

/// Dynamic shared memory of a block in bytes, as it is asked for.
fn dynamic(kernels: Kernels, name: &str) -> usize {
    if let Some(layout) = layout(kernels, name) {
        return layout.shared();
    }
    let Kernels::Flash { head } = kernels else {
        return 0;
    };
    let (forward, backward) = vpc_device::cuda::shared_memory(head);
    if name == "flash" { forward } else { backward }
}
