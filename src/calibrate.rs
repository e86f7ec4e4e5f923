//! `vpc calibrate`: measures how fast this machine trains, so that plans can tell how long they take.

use std::io::{self, IsTerminal};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use indicatif::{ProgressBar, ProgressStyle};
use vpc_cost::{Point, Speeds};

use crate::command::CalibrateOptions;
use crate::cost::{Calibration, gigaflops, write};
use crate::exit::Status;
use crate::output::{columns, counted, say, say_json, tell};

pub(crate) fn calibrate(options: &CalibrateOptions) -> Status {
    let threads = available();
    tell(format_args!(
        "measuring {} of this machine for {}; leave it alone meanwhile",
        counted(threads, "thread"),
        counted(options.seconds as usize, "second"),
    ));
    let time = Duration::from_secs(options.seconds.into());
    let bar = bar();
    let hear = |what: &str, share: f64| {
        bar.set_position((share * 100.0) as u64);
        bar.set_message(what.to_owned());
    };
    let measured = vpc_engine::calibrate(threads, time, &hear);
    bar.finish_and_clear();
    let speeds = match measured {
        Ok(speeds) if speeds.is_sound() => speeds,
        Ok(_) => {
            tell("error: the clock of this machine does not allow it: a speed came out as none");
            return Status::Environment;
        }
        Err(error) => {
            tell(format_args!("error: {error}"));
            return Status::Environment;
        }
    };
    let calibration = Calibration::new(speeds, now());
    if options.json {
        say_json(serde_json::to_string_pretty(&calibration).unwrap_or_default());
    } else {
        say(table(&calibration.speeds));
    }
    match write(&calibration) {
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

fn available() -> usize {
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
