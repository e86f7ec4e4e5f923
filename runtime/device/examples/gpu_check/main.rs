//! Checks every kernel on the GPU at hand against the host device, then times the large ones.
//!
//! `gpu_check [FOLDER [NAME]]`: prints three tables, and writes them as `kernels.json` into a folder; with a
//! name, of the kernels alone whose names contain it. The exit status is 1 where a kernel is wrong.
//! The third tells whether products sum each row alike; that they do not is no failure.
//! Inputs are random and new in every run; outputs are poisoned before it; each kernel runs twice and
//! must give the same bits; and all run as a graph too. Then small trainings: in micro-batches, and on two
//! ranks.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program"
)]

mod alike;
mod build;
mod cache;
mod case;
mod cases;
mod ranks;
mod sight;
mod speed;

use std::error::Error;
use std::process::ExitCode;

use case::Checked;
use vpc_device::cuda::{Cuda, Warpgroups};
use vpc_device::program::{Command, Kind, Span};
use vpc_device::{Device, DeviceError};

impl Checked for Cuda {
    const RUNS: &'static [bool] = &[false, false, true];

    fn poison(&mut self, bytes: usize) -> Result<(), DeviceError> {
        self.reserve(bytes)?;
        // All bits set are no number, in every kind.
        let all = Span {
            at: 0,
            len: bytes / 4,
            kind: Kind::U32,
        };
        self.write(all, &vec![0xff; bytes / 4 * 4])
    }

    fn carry_out(&mut self, commands: &[Command]) -> Result<(), DeviceError> {
        // Makes kernels ready, which the first run needs.
        self.prepare(commands)?;
        self.run_directly(commands)
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool, Box<dyn Error>> {
    let folder = std::env::args().nth(1);
    let wanted = std::env::args().nth(2).unwrap_or_default();
    let seed = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)?
        .as_nanos() as u64;
    let start = std::time::Instant::now();
    let mut gpu = Cuda::open(0)?;
    println!("{}, seed {seed}\n", gpu.name());
    println!(
        "| kernel | case | largest error | allowed | repeats | as a graph |\n|---|---|---|---|---|---|"
    );
    let mut right = true;
    let mut rows = Vec::new();
    for case in cases::all(seed)
        .into_iter()
        .filter(|case| case.name.contains(&wanted))
    {
        let row = match case.check(&mut gpu) {
            Ok(row) => row,
            Err(error) => {
                println!("| {} | {} | {error} |", case.name, case.what);
                right = false;
                continue;
            }
        };
        right &= row.is_right();
        println!("{row}");
        rows.push(row.json());
    }
    println!(
        "\n{:.1} s, compiling included\n",
        start.elapsed().as_secs_f64()
    );
    if gpu.hopper_kernels() == Warpgroups::Wrong {
        println!("kernels of Hopper's own instructions disagree with the others: WRONG\n");
        right = false;
    }
    if wanted.is_empty() || "ranks".contains(&wanted) {
        right &= ranks::table()?;
    }
    let times = speed::table(&mut gpu, &wanted)?;
    println!();
    let alike = alike::table(&mut gpu, seed)?;
    if let Some(folder) = folder {
        let report = serde_json::json!({
            "gpu": gpu.name(), "checks": rows, "speed": times, "alike": alike,
        });
        std::fs::write(format!("{folder}/kernels.json"), report.to_string())?;
    }
    println!(
        "\n{}",
        if right {
            "all kernels are right"
        } else {
            "SOME KERNELS ARE WRONG"
        }
    );
    Ok(right)
}
