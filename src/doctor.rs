//! `vpc doctor`: what this machine has to train with, and what is missing.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::json;
use vpc_device::cuda::{Report, report};

use crate::command::DoctorOptions;
use crate::cost::Calibration;
use crate::exit::Status;
use crate::output::{counted, say, say_json};
use crate::time::moment;

/// Version of the JSON.
const SCHEMA: u32 = 1;

pub(crate) fn doctor(options: &DoctorOptions) -> Status {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = vpc_engine::memory();
    let (report, known) = (report(), Calibration::known());
    if options.json {
        let found = json!({
            "schema": SCHEMA,
            "processor": { "threads": threads, "instructions": instructions(), "memory_bytes": memory },
            "gpu": report,
            "calibrated": {
                "processor": known.speeds.is_some(),
                "gpus": known.gpus.iter().map(|(name, speeds)| (name.as_str(), speeds.at)).collect::<BTreeMap<_, _>>(),
            },
        });
        say_json(found);
    } else {
        say(text(threads, memory, &report, &known).trim_end());
    }
    Status::Ok
}

/// The widest instructions that kernels on the processor use.
fn instructions() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            return "AVX-512";
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return "AVX2";
        }
        "SSE2"
    }
    #[cfg(not(target_arch = "x86_64"))]
    std::env::consts::ARCH
}

fn text(threads: usize, memory: Option<u64>, report: &Report, known: &Calibration) -> String {
    let mut text = String::new();
    let mut line = |name: &str, what: &str| {
        _ = writeln!(text, "{name:<12} {what}");
    };
    line(
        "processor",
        &format!(
            "{}, {}; {}",
            counted(threads, "thread"),
            instructions(),
            if known.speeds.is_some() {
                "calibrated"
            } else {
                "not calibrated: `vpc calibrate` takes ten seconds"
            }
        ),
    );
    if let Some(memory) = memory {
        line("memory", &format!("{} GiB", memory >> 30));
    }
    for library in &report.libraries {
        let what = match (library.found, library.optional) {
            (true, _) => "found".to_owned(),
            (false, false) => "not found".to_owned(),
            (false, true) => format!("not found; only {} needs it", library.needed_for),
        };
        line(library.name, &what);
    }
    if let Some(driver) = &report.driver {
        line("driver", &format!("for CUDA up to {driver}"));
    }
    for (index, device) in report.devices.iter().enumerate() {
        let (major, minor) = device.compute;
        let usable = match known.gpus.get(&device.name) {
            _ if !device.usable => ": too old, 8.0 is needed".to_owned(),
            Some(speeds) => format!("; calibrated {}", moment(speeds.at)),
            None => format!(
                "; not calibrated: `vpc calibrate --device cuda:{index}` lets small trainings share it"
            ),
        };
        line(
            &format!("cuda:{index}"),
            &format!(
                "{}, {} GiB, compute capability {major}.{minor}{usable}",
                device.name,
                device.memory_bytes >> 30
            ),
        );
    }
    let Some(problem) = &report.problem else {
        let devices = report.devices.iter().enumerate();
        let usable: Vec<String> = devices
            .filter(|(_, device)| device.usable)
            .map(|(index, _)| format!("cuda:{index}"))
            .collect();
        _ = writeln!(
            text,
            "\nTraining runs on {}; `vpc run --device cpu` takes the processor.",
            usable.join(", ")
        );
        if usable.len() > 1 {
            _ = writeln!(
                text,
                "`vpc run --data-parallel {}` puts each training on all of them{}.",
                usable.len(),
                lacking(report)
            );
        }
        return text;
    };
    text += "\nTraining runs on the processor. For an NVIDIA GPU:\n";
    let missing = report
        .libraries
        .iter()
        .filter(|library| !library.found && !library.optional);
    let mut hints: Vec<&str> = missing.map(|library| library.hint).collect();
    hints.dedup();
    // What is there and of no use is told beside what is not there.
    if !hints.iter().any(|hint| problem.ends_with(hint)) {
        hints.insert(0, problem);
    }
    for hint in hints {
        _ = writeln!(text, "* {hint}");
    }
    text
}

/// What several GPUs need besides, in words that follow.
fn lacking(report: &Report) -> String {
    let missing = report.libraries.iter().filter(|library| !library.found);
    let mut optional = missing.filter(|library| library.optional);
    optional.next().map_or_else(String::new, |library| {
        format!(", with {}: {}", library.name, library.hint)
    })
}
