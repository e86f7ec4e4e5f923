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

/// A driver that knows this CUDA version, as it counts them, and all of whose functions seem to succeed.
fn driver_of(version: u32) -> String {
    let says = format!("int cuDriverGetVersion(int *to) {{ *to = {version}; return 0; }}\n");
    driver(0).replace("int cuDriverGetVersion() { return 0; }\n", &says)
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

#[test]
fn a_driver_that_refuses_is_told() {
    let folder = Folder::with(&[("x.vp", SMALL)]);
    if !others(&folder, &LIBRARIES[1..]) {
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
fn driver_with(gpus: usize) -> String {
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
    if !others(&folder, &LIBRARIES[1..3])
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
        if with_library(&folder, "libcuda", &driver_with(gpus), "doctor").is_none() {
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

/// Builds NVRTC or cuBLASLt, with the functions that they must have, each failing.
fn others(folder: &Folder, names: &[&str]) -> bool {
    names.iter().all(|name| {
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
        with_library(folder, name, &source, "doctor").is_some()
    })
}

/// What the advice of `vpc doctor` says, with the folder's libraries where the loader finds them first.
fn advice(folder: &Folder) -> String {
    let run = run_with(folder, &folder.join("libraries"), "doctor").ends(0);
    let (_, advice) = run.stdout.split_once("For an NVIDIA GPU:").unwrap();
    advice.to_owned()
}

#[test]
fn each_thing_that_is_missing_is_told_with_how_to_get_it() {
    let Some(folder) = without_gpu("what is missing") else {
        return;
    };
    let found = doctor(&folder);
    let is_there = |name: &str| {
        let libraries = found["gpu"]["libraries"].as_array().unwrap().iter();
        let mut libraries = libraries.filter(|library| library["found"] == true);
        libraries.any(|library| library["name"] == name)
    };
    if LIBRARIES.into_iter().any(is_there) {
        skip("what is missing", "some of the libraries are here");
        return;
    }
    // Nothing is here.
    let none = advice(&folder);
    assert!(none.contains("NVIDIA's driver, version 525"), "{none}");
    assert!(
        none.contains("`pip install nvidia-cuda-nvrtc nvidia-cublas`"),
        "{none}"
    );
    assert_eq!(none.matches("* ").count(), 2, "{none}");
    // A driver that is too old, and nothing else.
    let old = driver_of(13_000).replace("int cuGraphInstantiateWithFlags() { return 0; }\n", "");
    if with_library(&folder, "libcuda", &old, "doctor").is_none() {
        return;
    }
    let advised = advice(&folder);
    assert!(
        advised.contains("has no function `cuGraphInstantiateWithFlags`"),
        "{advised}"
    );
    assert!(advised.contains("version 525"), "{advised}");
    assert!(advised.contains("`pip install"), "{advised}");
    // One that has all functions and is older than the kernels' compiler.
    with_library(&folder, "libcuda", &driver_of(11_080), "doctor");
    assert!(others(&folder, &LIBRARIES[1..]));
    let advised = advice(&folder);
    assert!(
        advised.contains("knows CUDA up to 11.8: the driver is too old"),
        "{advised}"
    );
    assert!(
        advised.contains("version 525") && !advised.contains("`pip install"),
        "{advised}"
    );
    for name in &LIBRARIES[1..] {
        std::fs::remove_file(folder.join(&format!("libraries/{name}.so"))).unwrap();
    }
    // A good driver, and neither compiler nor products; then the compiler alone.
    let good = driver_of(13_000);
    with_library(&folder, "libcuda", &good, "doctor");
    let advised = advice(&folder);
    assert!(
        !advised.contains("version 525") && advised.contains("`pip install"),
        "{advised}"
    );
    assert!(others(&folder, &["libnvrtc"]));
    let run = run_with(&folder, &folder.join("libraries"), "run x.vp --device cuda").ends(4);
    assert!(
        run.stderr.contains("libcublasLt is not found"),
        "{}",
        run.stderr
    );
    // The products alone.
    std::fs::remove_file(folder.join("libraries/libnvrtc.so")).unwrap();
    assert!(others(&folder, &["libcublasLt"]));
    let run = run_with(&folder, &folder.join("libraries"), "run x.vp --device cuda").ends(4);
    assert!(
        run.stderr.contains("libnvrtc is not found"),
        "{}",
        run.stderr
    );
    let advised = advice(&folder);
    assert!(advised.contains("`pip install"), "{advised}");
}

/// A driver that names one GPU, of 80 GiB and capability 9.0, and refuses to open it.
fn driver_with_a_gpu() -> String {
    let says = [
        ("cuInit", "(unsigned f) { return 0; }"),
        ("cuDriverGetVersion", "(int *to) { *to = 13000; return 0; }"),
        ("cuDeviceGetCount", "(int *to) { *to = 1; return 0; }"),
        ("cuDeviceGet", "(int *to, int at) { *to = at; return 0; }"),
        (
            "cuDeviceGetName",
            "(char *to, int n, int at) { strncpy(to, \"made up\", n); return 0; }",
        ),
        (
            "cuDeviceTotalMem_v2",
            "(size_t *to, int at) { *to = 80UL << 30; return 0; }",
        ),
        (
            "cuDeviceGetAttribute",
            "(int *to, int what, int at) { *to = what == 75 ? 9 : 0; return 0; }",
        ),
    ];
    let mut source = "#include <stddef.h>\n#include <string.h>\n".to_owned() + &driver(2);
    for (name, body) in says {
        let fails = format!("int {name}() {{ return 2; }}\n");
        assert!(source.contains(&fails), "{name}");
        source = source.replace(&fails, &format!("int {name}{body}\n"));
    }
    source
}

/// A machine with a GPU as far as planning goes: what is told of it before and after it was measured.
#[test]
fn a_measured_gpu_is_planned_with() {
    let Some(folder) = without_gpu("a measured GPU") else {
        return;
    };
    let built = with_library(&folder, "libcuda", &driver_with_a_gpu(), "doctor");
    if built.is_none() || !others(&folder, &LIBRARIES[1..]) {
        return;
    }
    let libraries = folder.join("libraries");
    let vpc = |arguments: &str| run_with(&folder, &libraries, arguments);
    let before = vpc("doctor").ends(0).stdout;
    assert!(
        before.contains("made up, 80 GiB, compute capability 9.0"),
        "{before}"
    );
    assert!(
        before.contains("not calibrated: `vpc calibrate --device cuda:0`"),
        "{before}"
    );
    // Two trainings for one GPU: that they could share it is told once. It does not open, so they fail.
    let run = vpc("run x.vp --device cuda");
    let told = "made up was not measured, so each training has it for itself";
    assert_eq!(run.stderr.matches(told).count(), 1, "{}", run.stderr);
    let run = vpc("run x.vp --device cpu");
    assert!(!run.stderr.contains("measured"), "{}", run.stderr);

    // Measured elsewhere, so to say: a step of any size takes a hundredth of a second.
    vpc("calibrate --seconds 1").ends(0);
    let file = ".cache/vpc/calibration.json";
    let mut known: Value = serde_json::from_str(&folder.read(file)).unwrap();
    let point = serde_json::json!({
        "flops_per_step": 1e15, "tokens_per_step": 128, "tokens_per_second": [12_800.0, 25_600.0],
    });
    known["gpus"]["made up"] = serde_json::json!({ "at": 0, "f32": [point], "bf16": [point] });
    folder.write(file, known.to_string());
    let after = vpc("doctor").ends(0).stdout;
    assert!(after.contains("; calibrated 1970-01-01"), "{after}");
    let plan = vpc("plan x.vp --store elsewhere").ends(0);
    assert!(
        plan.stdout.contains("of this machine and 1 × made up"),
        "{}",
        plan.stdout
    );
    let plan = vpc("plan x.vp --store elsewhere --json").ends(0);
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    assert_eq!(plan["costs"]["place"]["gpus"]["name"], "made up");
    let jobs = plan["plan"]["jobs"].as_array().unwrap().iter();
    for job in jobs.filter(|job| job["kind"] == "pretrain") {
        let costs = &plan["costs"]["jobs"][job["key"].as_str().unwrap()];
        assert_eq!(costs["device"], "cuda");
        assert_eq!(costs["replica"]["fits"], true);
        let seconds = costs["seconds"].as_f64().unwrap();
        let steps = job["steps"].as_f64().unwrap();
        // Two share it without a loss.
        assert!(
            (seconds - 0.01 * steps).abs() < 1e-9,
            "{seconds} s of {steps} steps"
        );
    }
    // A training that it cannot hold is told, with what would fit.
    let large = SMALL.replace("tiny, data", "tiny, batch: 8_000_000, data");
    assert_ne!(large, SMALL);
    folder.write("x.vp", large);
    let plan = vpc("plan x.vp --store elsewhere").ends(0);
    let warning = "and made up has 79.0 GiB to give: with `activations: recomputed`";
    assert!(plan.stderr.contains(warning), "{}", plan.stderr);
}
