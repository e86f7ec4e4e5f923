//! Training speed: `bench S|M KIND SECONDS THREADS` prints best and median tokens per second,
//! GFLOP/s and steps; and beside it, on Linux, the most memory the process held.
//!
//! The kinds: `fused` is this crate's trainer, `recomputed` the same without kept activations, and
//! `stock` the same network in dfdx's own operations; `products` are matrix products alone,
//! each thread its own, which is the ceiling: it prints their GFLOP/s by kind, best and median.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program"
)]

mod products;
mod stock;

use std::error::Error;
use std::time::{Duration, Instant};

use vpc_train::{
    Activations, Batch, ModelConfig, Optimizer, Schedule, TrainConfig, Trainer, keep_freed_memory,
    with_threads,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, shape, kind, seconds, threads] = arguments.as_slice() else {
        return Err("usage: bench S|M fused|recomputed|stock|products SECONDS THREADS".into());
    };
    let config = run_of(shape).ok_or("the shapes are S and M")?;
    keep_freed_memory();
    let time = Duration::from_secs_f64(seconds.parse()?);
    if kind == "products" {
        return products::print(&config, time, threads.parse()?);
    }
    let times = with_threads(threads.parse()?, || measure(&config, kind, time))??;
    report(&config, times);
    Ok(())
}

fn run_of(shape: &str) -> Option<TrainConfig> {
    let (layers, width, heads, hidden, context, vocabulary, batch) = match shape {
        "S" => (4, 128, 4, 344, 128, 1024, 16),
        "M" => (8, 384, 6, 1024, 256, 4096, 8),
        _ => return None,
    };
    let model = ModelConfig {
        layers,
        width,
        heads,
        kv_heads: heads,
        hidden,
        context,
        vocabulary,
        rope_base: 10_000.0,
        norm_eps: 1e-5,
        tied: false,
    };
    let optimizer = Optimizer {
        rate: 1e-3,
        beta1: 0.9,
        beta2: 0.95,
        eps: 1e-8,
        weight_decay: 0.1,
        clip: 0.0,
    };
    let schedule = Schedule::Constant { warmup: 0 };
    Some(TrainConfig {
        model,
        optimizer,
        schedule,
        batch,
        micro_batch: None,
        steps: u64::MAX,
        seed: 0,
    })
}

/// Seconds of each step, the first two left out.
fn measure(config: &TrainConfig, kind: &str, time: Duration) -> Result<Vec<f64>, String> {
    let trainer = Trainer::new(config).map_err(|error| error.to_string())?;
    match kind {
        "fused" | "recomputed" => {
            let mut trainer = trainer;
            if kind == "recomputed" {
                trainer.set_activations(Activations::Recomputed);
            }
            timed(config, time, |batch| {
                trainer
                    .step(batch)
                    .map(drop)
                    .map_err(|error| error.to_string())
            })
        }
        "stock" => {
            let mut file = Vec::new();
            trainer
                .save_model(&mut file)
                .map_err(|error| error.to_string())?;
            let mut stock = stock::Stock::new(config, &file)?;
            timed(config, time, |batch| stock.step(batch))
        }
        _ => Err("the kinds are fused, recomputed and stock".into()),
    }
}

fn timed(
    config: &TrainConfig,
    time: Duration,
    mut step: impl FnMut(&Batch) -> Result<(), String>,
) -> Result<Vec<f64>, String> {
    let length = config.model.context;
    let size = config.batch * length;
    let (start, mut times, mut state) = (Instant::now(), Vec::new(), 1_u64);
    while times.len() < 5 || start.elapsed() < time {
        let tokens: Vec<u32> = (0..=size)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 33) as u32 % config.model.vocabulary as u32
            })
            .collect();
        let batch = Batch {
            inputs: &tokens[..size],
            targets: &tokens[1..],
            length,
        };
        let before = Instant::now();
        step(&batch)?;
        times.push(before.elapsed().as_secs_f64());
    }
    Ok(times.split_off(2))
}

fn report(config: &TrainConfig, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let tokens = (config.batch * config.model.context) as f64;
    let (best, median) = (tokens / times[0], tokens / times[times.len() / 2]);
    let gflops = best * config.model.flops_per_token() / 1e9;
    println!("{best:.0} {median:.0} {gflops:.1} {}", times.len());
    if let Some(peak) = peak_mebibytes() {
        eprintln!("at most {peak} MiB held");
    }
}

/// Peak resident memory of this process, where Linux tells.
fn peak_mebibytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes / 1024)
}
