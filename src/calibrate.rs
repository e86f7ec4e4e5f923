//! `vpc calibrate`: measures how fast this machine trains, so that plans can tell how long they take.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use indicatif::{ProgressBar, ProgressStyle};
use vpc_cost::{GpuPoint, GpuSpeeds, GpuWork, PAYS, Point, Speeds, TOGETHER};
use vpc_device::cuda::{available, usable};
use vpc_engine::Device;

use crate::command::CalibrateOptions;
use crate::cost::{Calibration, gigaflops, write};
use crate::exit::Status;
use crate::output::{columns, counted, rounded, say, say_json, tell};

pub(crate) fn calibrate(options: &CalibrateOptions) -> Status {
    let calibration = match options.device {
        Device::Cpu => processor(options),
        Device::Cuda(index) => gpus(index, options),
        Device::Auto => {
            tell("error: say what to measure: `--device cpu` or `--device cuda`");
            return Status::Use;
        }
    };
    match calibration {
        Ok(calibration) => keep(&calibration, options),
        Err(error) => {
            tell(format_args!("error: {error}"));
            Status::Environment
        }
    }
}

/// What cannot be measured with a clock that stands still.
const NO_CLOCK: &str = "the clock of this machine does not allow it: a speed came out as none";

fn processor(options: &CalibrateOptions) -> Result<Calibration, String> {
    let threads = available_threads();
    let seconds = options.seconds.unwrap_or(PROCESSOR_SECONDS);
    let what = counted(threads, "thread");
    let hear = hearing(&format!("{what} of this machine"), seconds);
    let time = Duration::from_secs(seconds.into());
    let measured = vpc_engine::calibrate(threads, time, &hear);
    let speeds = measured.map_err(|error| error.to_string())?;
    if !speeds.is_sound() {
        return Err(NO_CLOCK.to_owned());
    }
    Ok(Calibration::known().with_speeds(speeds, now()))
}

/// Measures one GPU, or one of each kind.
fn gpus(index: Option<usize>, options: &CalibrateOptions) -> Result<Calibration, String> {
    if let Some(index) = index {
        usable(index).map_err(|error| error.to_string())?;
    }
    let there = available().map_err(|error| error.to_string())?;
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for (at, device) in there {
        if index.is_none_or(|index| index == at) {
            kinds.entry(device.name).or_insert(at);
        }
    }
    let seconds = options.seconds.unwrap_or(GPU_SECONDS);
    let mut calibration = Calibration::known();
    for (name, at) in kinds {
        let hear = hearing(&format!("{name} (cuda:{at})"), seconds);
        let time = Duration::from_secs(seconds.into());
        let speeds = vpc_engine::calibrate_gpu(at, time, now(), &hear);
        let speeds = speeds.map_err(|error| format!("cuda:{at}: {error}"))?;
        if !speeds.is_sound() {
            return Err(NO_CLOCK.to_owned());
        }
        calibration = calibration.with_gpu(&name, speeds);
    }
    Ok(calibration)
}

/// Says what is measured, and shows how far it is.
fn hearing(what: &str, seconds: u32) -> impl Fn(&str, f64) + use<> {
    tell(format_args!(
        "measuring {what} for {}; leave it alone meanwhile",
        counted(seconds as usize, "second"),
    ));
    let bar = bar();
    move |what: &str, share: f64| {
        bar.set_position((share * 100.0) as u64);
        bar.set_message(what.to_owned());
        if share >= 1.0 {
            bar.finish_and_clear();
        }
    }
}

fn keep(calibration: &Calibration, options: &CalibrateOptions) -> Status {
    if options.json {
        say_json(serde_json::to_string_pretty(calibration).unwrap_or_default());
    } else if options.device == Device::Cpu {
        say(calibration.speeds.as_ref().map_or_else(String::new, table));
    } else {
        let gpus = calibration.gpus.iter();
        let tables: Vec<String> = gpus.map(|(name, speeds)| gpu_table(name, speeds)).collect();
        say(tables.join("\n\n"));
    }
    match write(calibration) {
        Ok(path) => {
            tell(format_args!("kept in {}", path.display()));
            Status::Ok
        }
        Err(error) => {
            tell(format_args!("error: it cannot be kept: {error}"));
            Status::Environment
        }
    }
}

/// How long is measured where nothing is said.
const PROCESSOR_SECONDS: u32 = 10;
const GPU_SECONDS: u32 = 40;

/// Tokens per second of trainings of each size, by how many share a GPU.
fn gpu_table(name: &str, speeds: &GpuSpeeds) -> String {
    let rows = |word: &'static str, points: &[GpuPoint], is_bf16: bool| {
        let row = move |point: &GpuPoint| {
            let work = GpuWork {
                is_bf16,
                flops_per_step: point.flops_per_step,
            };
            let rates = &point.tokens_per_second;
            let rate = |at: usize| {
                rates
                    .get(at)
                    .map_or("–".to_owned(), |rate| rounded(*rate as u64))
            };
            let mut row = vec![
                word.to_owned(),
                format!("{:.1} GFLOP", point.flops_per_step / 1e9),
            ];
            row.extend((0..TOGETHER.len()).map(rate));
            row.push(speeds.trainings(work).to_string());
            row
        };
        points.iter().map(row).collect::<Vec<_>>()
    };
    let mut all = rows("f32", &speeds.f32, false);
    all.extend(rows("bf16", &speeds.bf16, true));
    let beside = TOGETHER.map(|count| match count {
        1 => "alone".to_owned(),
        count => format!("{count} together"),
    });
    let mut header = vec!["", "a step"];
    header.extend(beside.iter().map(String::as_str));
    header.push("share it");
    format!(
        "{name}\n{}\n\ntokens/s of all trainings together; as many share a GPU as make it {:.0} % faster with \
         each doubling",
        columns(&header, all, 1),
        100.0 * (PAYS - 1.0),
    )
}

fn available_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {pos:>3} %  {msg}");
    let bar = ProgressBar::new(100);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

fn table(speeds: &Speeds) -> String {
    let rows = |word: &str, points: &[Point]| -> Vec<Vec<String>> {
        let row = |point: &Point| {
            vec![
                word.to_owned(),
                format!("{:.1} MFLOP", point.flops_per_token / 1e6),
                gigaflops(point.alone),
                gigaflops(point.all),
                gigaflops(point.beside),
            ]
        };
        points.iter().map(row).collect()
    };
    let mut all = rows("training", &speeds.training);
    all.extend(rows("scoring", &speeds.scoring));
    let header = [
        "",
        "a token",
        "one thread",
        "all threads",
        "each, side by side",
    ];
    let text = &speeds.text;
    format!(
        "{}\n\nGFLOP/s; a step costs {:.2} ms besides. Text: {:.0} MB/s made, {:.1} MB/s learned from, \
         {:.1} MB/s encoded",
        columns(&header, all, 1),
        1e3 * speeds.step,
        text.made / 1e6,
        text.learned / 1e6,
        text.encoded / 1e6,
    )
}
