//! `--device`, `precision` and `vpc doctor` where no GPU can be used, for whatever reason.

mod common;

use std::path::Path;
use std::process::Command;

use common::{Folder, Run, SMALL, skip};
use serde_json::Value;

/// The libraries that a GPU needs, by the files that are looked for; several need the last one too.
const LIBRARIES: [&str; 4] = ["libcuda", "libnvrtc", "libcublasLt", "libnccl"];

fn doctor(folder: &Folder) -> Value {
    let run = folder.vpc("doctor --json").ends(0);
    serde_json::from_str(&run.stdout).unwrap()
}

/// A folder with the small study, or none where there is a GPU, which these tests are not about.
fn without_gpu(test: &str) -> Option<Folder> {
    let folder = Folder::with(&[("x.vp", SMALL)]);
    if doctor(&folder)["gpu"]["problem"].is_null() {
        skip(test, "there is a GPU here");
        return None;
    }
    Some(folder)
}

/// The small study with its training in bf16.
fn in_bf16(folder: &Folder) {
    let text = SMALL.replace("seed: seed }", "seed: seed, precision: bf16 }");
    assert_ne!(text, SMALL);
    folder.write("x.vp", text);
}

#[test]
fn a_machine_without_a_gpu_is_described() {
    let Some(folder) = without_gpu("doctor") else {
        return;
    };
    let found = doctor(&folder);
    assert_eq!(found["schema"], 1);
    assert!(found["processor"]["threads"].as_u64() > Some(0));
    let names: Vec<&str> = found["gpu"]["libraries"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|library| library["name"].as_str())
        .collect();
    assert_eq!(names, LIBRARIES);
    let text = folder.vpc("doctor").ends(0).stdout;
    assert!(text.contains("Training runs on the processor."), "{text}");
    for name in LIBRARIES {
        assert!(text.contains(name), "{text}");
    }
}

#[test]
fn the_processor_trains_where_there_is_nothing_else() {
    let Some(folder) = without_gpu("--device auto") else {
        return;
    };
    folder.vpc("run x.vp --device auto").ends(0);
    // The choice of a device moves no key.
    let again = folder.vpc("run x.vp --device cpu").ends(0);
    assert!(again.stderr.contains("nothing to do"), "{}", again.stderr);
    let (_, manifest) = common::manifest(&folder.join(".vp"), "e/base[seed=1]").unwrap();
    assert_eq!(manifest["made"]["device"], "cpu");
    let (_, manifest) = common::manifest(&folder.join(".vp"), "e/fit[seed=1]").unwrap();
    assert_eq!(manifest["made"]["device"], "cpu");
}

#[test]
fn a_gpu_that_is_not_there_is_told() {
    let Some(folder) = without_gpu("--device cuda") else {
        return;
    };
    for device in ["cuda", "cuda:7"] {
        let run = folder.vpc(&format!("run x.vp --device {device}")).ends(4);
        assert!(
            run.stderr.contains("libcuda") || run.stderr.contains("GPU"),
            "{}",
            run.stderr
        );
        // Told before anything is done.
        assert!(!folder.join(".vp").exists(), "{}", run.stderr);
    }
    for device in ["gpu", "cuda:", "cuda:-1", "CUDA"] {
        let run = folder.vpc(&format!("run x.vp --device {device}")).ends(2);
        assert!(run.stderr.contains("`cuda:1`"), "{}", run.stderr);
    }
}

#[test]
fn several_gpus_for_one_training_that_are_not_there_are_told() {
    let Some(folder) = without_gpu("--data-parallel") else {
        return;
    };
    // What contradicts itself is a mistake of use; what is not there is the machine's.
    for (options, status, told) in [
        ("--data-parallel 2 --device cpu", 2, "`--threads`"),
        ("--data-parallel 4 --device cuda:1", 2, "takes 4"),
        ("--data-parallel 2", 4, "libcuda"),
        ("--data-parallel 2 --device cuda", 4, "libcuda"),
        ("--data-parallel 0", 2, "1.."),
        ("--data-parallel many", 2, "many"),
    ] {
        let run = folder.vpc(&format!("run x.vp {options}")).ends(status);
        let is_machine = status == 4 && run.stderr.contains("GPU");
        let is_told = run.stderr.contains(told) || is_machine;
        assert!(is_told, "{options}: {}", run.stderr);
        // Told before anything is done.
        assert!(!folder.join(".vp").exists(), "{}", run.stderr);
    }
    // One each is what there is without it.
    folder.vpc("run x.vp --data-parallel 1").ends(0);
}

#[test]
fn bf16_needs_a_gpu() {
    let Some(folder) = without_gpu("precision: bf16") else {
        return;
    };
    in_bf16(&folder);
    folder.vpc("plan x.vp").ends(0);
    for (device, why) in [("auto", "libcuda"), ("cpu", "`--device cpu`")] {
        let run = folder.vpc(&format!("run x.vp --device {device}")).ends(1);
        assert!(run.stderr.contains("precision: bf16"), "{}", run.stderr);
        assert!(run.stderr.contains(why), "{}", run.stderr);
    }
    // Precision is part of what a job computes.
    folder.write("x.vp", SMALL);
    let run = folder.vpc("run x.vp").ends(0);
    assert!(run.named("done").contains(&"e/base[seed=1]".to_owned()));
}

/// Builds a library of this name from C, and runs the command where the loader finds it first.
fn with_library(folder: &Folder, name: &str, source: &str, arguments: &str) -> Option<Run> {
    let place = folder.join("libraries");
    folder.write("library.c", source);
    std::fs::create_dir_all(&place).unwrap();
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(place.join(format!("{name}.so")))
        .arg(folder.join("library.c"))
        .status();
    if !built.is_ok_and(|status| status.success()) {
        skip(name, "no C compiler here");
        return None;
    }
    Some(run_with(folder, &place, arguments))
}

fn run_with(folder: &Folder, libraries: &Path, arguments: &str) -> Run {
    let mut command = folder.command(arguments);
    command.env("LD_LIBRARY_PATH", libraries);
    Run::of(command.output().unwrap())
}

/// The functions that the driver must have, each failing with this status of its own.
fn driver(status: i32) -> String {
    let names = "cuInit cuDriverGetVersion cuGetErrorName cuGetErrorString cuDeviceGetCount \
            cuDeviceGet cuDeviceGetName cuDeviceTotalMem_v2 cuDeviceGetAttribute \
            cuDevicePrimaryCtxRetain cuDevicePrimaryCtxRelease_v2 cuCtxGetCurrent \
            cuCtxSetCurrent cuStreamCreate cuStreamDestroy_v2 cuStreamSynchronize cuStreamQuery \
            cuStreamBeginCapture_v2 cuStreamEndCapture cuGraphInstantiateWithFlags cuGraphLaunch \
            cuGraphExecDestroy cuGraphDestroy cuMemAlloc_v2 cuMemFree_v2 cuMemGetInfo_v2 \
            cuMemcpyHtoDAsync_v2 cuMemcpyDtoHAsync_v2 cuMemcpyDtoDAsync_v2 cuMemsetD8Async \
            cuModuleLoadData cuModuleUnload cuModuleGetFunction cuFuncSetAttribute \
            cuLaunchKernel";
    names
        .split(' ')
        .map(|name| format!("int {name}() {{ return {status}; }}\n"))
        .collect()
}

#[test]
fn a_library_that_is_another_one_is_told() {
    let folder = Folder::with(&[("x.vp", SMALL)]);
    let nothing = "int nothing;\n";
    let Some(run) = with_library(&folder, "libcuda", nothing, "run x.vp --device cuda") else {
        return;
    };
    let run = run.ends(4);
    assert!(run.stderr.contains("`cuInit`"), "{}", run.stderr);
    let libraries = folder.join("libraries");
    let run = run_with(&folder, &libraries, "doctor").ends(0);
    assert!(run.stdout.contains("`cuInit`") || run.stdout.contains("not found"));
    // It is of no matter to who does not ask for a GPU.
    run_with(&folder, &libraries, "run x.vp").ends(0);
}

/// Builds stand-ins for NVRTC and cuBLASLt, which can do nothing; none without a C compiler.
fn with_toolkit(folder: &Folder) -> Option<()> {
    for name in &LIBRARIES[1..3] {
        let functions = "nvrtcVersion nvrtcCreateProgram nvrtcCompileProgram nvrtcDestroyProgram \
            nvrtcGetCUBINSize nvrtcGetCUBIN nvrtcGetProgramLogSize nvrtcGetProgramLog \
            cublasLtCreate cublasLtDestroy cublasLtMatrixLayoutCreate \
            cublasLtMatrixLayoutDestroy cublasLtMatmulDescCreate cublasLtMatmulDescSetAttribute \
            cublasLtMatmulDescDestroy cublasLtMatmulPreferenceCreate \
            cublasLtMatmulPreferenceSetAttribute cublasLtMatmulPreferenceDestroy \
            cublasLtMatmulAlgoGetHeuristic cublasLtMatmul";
        let source: String = functions
            .split(' ')
            .map(|name| format!("int {name}() {{ return 1; }}\n"))
            .collect();
        with_library(folder, name, &source, "doctor")?;
    }
    Some(())
}

#[test]
fn a_driver_that_refuses_is_told() {
    let folder = Folder::with(&[("x.vp", SMALL)]);
    if with_toolkit(&folder).is_none() {
        return;
    }
    // CUDA_ERROR_NO_DEVICE, and CUDA_ERROR_SYSTEM_DRIVER_MISMATCH.
    for status in [100, 803] {
        let source = driver(status);
        let run = with_library(&folder, "libcuda", &source, "run x.vp --device cuda");
        let Some(run) = run else { return };
        let run = run.ends(4);
        assert!(run.stderr.contains("nvidia-smi"), "{}", run.stderr);
        let run = run_with(&folder, &folder.join("libraries"), "doctor").ends(0);
        assert!(run.stdout.contains("nvidia-smi"), "{}", run.stdout);
    }
}

/// A driver that knows so many GPUs, and nothing to do with them.
fn driver_of(gpus: usize) -> String {
    let told = [
        "cuDriverGetVersion(int *out) { *out = 13000;".to_owned(),
        format!("cuDeviceGetCount(int *out) {{ *out = {gpus};"),
        "cuDeviceGet(int *out, int index) { *out = index;".to_owned(),
        "cuDeviceGetName(char *out, int most) { strncpy(out, \"Made up\", most);".to_owned(),
        "cuDeviceTotalMem_v2(size_t *out) { *out = (size_t)8 << 30;".to_owned(),
        "cuDeviceGetAttribute(int *out) { *out = 9;".to_owned(),
    ];
    let name = |line: &str| line.split('(').next().map(|name| format!("int {name}()"));
    let known: Vec<String> = told.iter().filter_map(|line| name(line)).collect();
    let others = driver(0);
    let others = others
        .lines()
        .filter(|line| !known.iter().any(|name| line.starts_with(name.as_str())))
        .map(|line| format!("{line}\n"));
    let told = told.iter().map(|line| format!("int {line} return 0; }}\n"));
    "#include <string.h>\n".to_owned() + &others.chain(told).collect::<String>()
}

#[test]
fn as_many_gpus_as_asked_for_and_their_library_must_be_there() {
    let folder = Folder::with(&[("x.vp", SMALL)]);
    let libraries = folder.join("libraries");
    // Something by the name of NCCL, found before that of the machine.
    if with_toolkit(&folder).is_none()
        || with_library(&folder, "libnccl", "int nothing;\n", "doctor").is_none()
    {
        return;
    }
    let run = |arguments: &str| {
        let mut command = folder.command(arguments);
        command.env("LD_LIBRARY_PATH", &libraries);
        command.env("VPC_CUDA_LIBRARIES", &libraries);
        Run::of(command.output().unwrap())
    };
    for (gpus, arguments, told) in [
        (1, "run x.vp --data-parallel 2", "and 1 can be used"),
        (
            3,
            "run x.vp --data-parallel 4 --device cuda",
            "and 3 can be used",
        ),
        (2, "run x.vp --data-parallel 2", "`ncclGetVersion`"),
        (2, "run x.vp --data-parallel 2", "libnccl2"),
    ] {
        if with_library(&folder, "libcuda", &driver_of(gpus), "doctor").is_none() {
            return;
        }
        let run = run(arguments).ends(4);
        assert!(run.stderr.contains(told), "{gpus}: {}", run.stderr);
        assert!(!folder.join(".vp").exists(), "{}", run.stderr);
    }
    let doctor = run("doctor").ends(0).stdout;
    assert!(doctor.contains("cuda:1"), "{doctor}");
    let told = doctor.contains("`vpc run --data-parallel 2`") && doctor.contains("with libnccl:");
    assert!(told, "{doctor}");
}
