//! What a plan takes, in words.

use vpc_compiler::plan::Plan;
use vpc_cost::{DEFAULT, Forecast, JobCost, Machine, Misfit, Place, Pool};
use vpc_store::size_in_words;

use super::replica::too_large;
use super::{Costs, Known};
use crate::output::{counted, grouped, lasting};

/// One or two lines of a summary; none where nothing is to do.
pub(crate) fn summary(costs: &Costs) -> Option<String> {
    let known = match costs {
        Costs::ForAPool => {
            return Some(format!(
                "too much for this machine; `--pool 128x{}` shows what it takes on a pool of devices",
                DEFAULT.name
            ));
        }
        Costs::Known(known) => known,
    };
    let forecast = &known.forecast;
    if forecast.jobs.is_empty() {
        return None;
    }
    Some(match &known.place {
        Place::Machine(machine) => on_machine(machine, forecast),
        Place::Pool(pool) => on_pool(pool, forecast),
    })
}

fn on_machine(machine: &Machine, forecast: &Forecast) -> String {
    let measured = if machine.is_measured {
        ""
    } else {
        " (not calibrated; `vpc calibrate` takes ten seconds)"
    };
    format!(
        "takes about {} on {} of this machine{}{measured}; {} on disk, {} of memory",
        lasting(forecast.wall),
        counted(machine.threads as usize, "thread"),
        gpus(machine, forecast).unwrap_or_default(),
        bytes(forecast.disk),
        bytes(forecast.memory),
    )
}

/// The GPUs that some of the work goes to.
fn gpus(machine: &Machine, forecast: &Forecast) -> Option<String> {
    let gpus = machine.gpus.as_ref()?;
    let is_used = forecast.jobs.iter().any(|job| job.is_on_gpu(machine));
    is_used.then(|| format!(" and {} × {}", gpus.count, gpus.name))
}

fn on_pool(pool: &Pool, forecast: &Forecast) -> String {
    format!(
        "takes about {} GPUh on {pool}: {} of wall clock, {} of critical path; {} on disk, {} of \
         memory a device\nassumed of {}",
        hours(forecast.device_seconds),
        lasting(forecast.wall),
        lasting(forecast.critical_path),
        bytes(forecast.disk),
        bytes(forecast.memory),
        pool.assumption(),
    )
}

/// What stands above the figures of a listing of jobs, behind names of so many characters.
pub(crate) fn heading(wide: usize) -> String {
    let before = " ".repeat(4 + SHORT_KEY + wide);
    format!("{before}{:>14}{:>12}{:>12}\n", "time", "memory", "disk")
}

/// Device time of a job, in seconds, below which a listing does not tell how little it is.
const LITTLE: f64 = 3.6;

/// Digits of a key in a listing.
const SHORT_KEY: usize = 12;

/// What one job takes, for a listing of jobs.
pub(crate) fn figures(known: &Known, cost: &JobCost) -> String {
    let time = match &known.place {
        Place::Machine(machine) if cost.is_on_gpu(machine) => {
            format!("{} cuda", lasting(cost.seconds))
        }
        Place::Machine(_) => lasting(cost.seconds),
        Place::Pool(_) if cost.devices == 0 => "–".to_owned(),
        Place::Pool(_) if cost.device_seconds < LITTLE => "< 0.001 GPUh".to_owned(),
        Place::Pool(_) => format!("{} GPUh", hours(cost.device_seconds)),
    };
    let sizes = [cost.memory, cost.work.disk];
    let sizes = sizes.map(|size| {
        if size < 1.0 {
            "–".to_owned()
        } else {
            bytes(size)
        }
    });
    format!("{time:>14}{:>12}{:>12}", sizes[0], sizes[1])
}

/// What of a plan has no place on the machine or the pool.
pub(crate) fn warnings(plan: &Plan, known: &Known) -> Vec<String> {
    let forecast = &known.forecast;
    match &known.place {
        Place::Machine(machine) => {
            let on_gpu = too_large(plan, &known.place, &known.replicas);
            let on_host = machine.memory.and_then(|there| {
                let jobs = forecast.jobs.iter();
                let large = jobs.filter(|job| job.memory > there as f64);
                let mut large: Vec<&JobCost> = large.collect();
                large.sort_by(|a, b| b.memory.total_cmp(&a.memory));
                let largest = large.first()?;
                Some(format!(
                    "{} needs about {} of memory, and this machine has {}{}",
                    plan.jobs[largest.job].name(),
                    bytes(largest.memory),
                    bytes(there as f64),
                    more(large.len()),
                ))
            });
            on_gpu.into_iter().chain(on_host).collect()
        }
        Place::Pool(pool) => {
            let misfits = forecast
                .jobs
                .iter()
                .filter(|job| job.misfit.is_some())
                .count();
            let told = forecast.misfit().map(|(job, misfit)| {
                let name = plan.jobs[job.job].name();
                let why = match misfit {
                    Misfit::Sequence => {
                        format!("needs more memory for one sequence than a device of {pool} has")
                    }
                    Misfit::Pool(needed) => format!(
                        "needs the memory of {} devices, and the pool is {pool}",
                        grouped(needed)
                    ),
                };
                format!("{name} {why}{}", more(misfits))
            });
            told.or_else(|| too_large(plan, &known.place, &known.replicas))
                .into_iter()
                .collect()
        }
    }
}

pub(super) fn more(count: usize) -> String {
    match count {
        0 | 1 => String::new(),
        count => format!(" (and {} more)", counted(count - 1, "job")),
    }
}

/// Bytes to two digits or three: a forecast knows no more.
pub(super) fn bytes(bytes: f64) -> String {
    size_in_words(bytes.max(0.0) as u64)
}

/// Seconds of devices in hours: `0.0042`, `1.3`, `84`, `81_700`.
pub(crate) fn hours(seconds: f64) -> String {
    let hours = seconds / 3600.0;
    match hours {
        _ if hours <= 0.0 => "0".to_owned(),
        _ if hours < 1.0 => {
            let digits = (1.0 - hours.log10().floor()) as usize;
            format!("{hours:.digits$}")
        }
        _ if hours < 9.95 => format!("{hours:.1}"),
        _ => {
            let unit = 10_f64.powi((hours.log10().floor() as i32 - 2).max(0));
            grouped(((hours / unit).round() * unit) as u64)
        }
    }
}

/// FLOP/s in billions.
pub(crate) fn gigaflops(rate: f64) -> String {
    let billions = rate / 1e9;
    if billions < 9.95 {
        format!("{billions:.1}")
    } else {
        format!("{billions:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_have_two_or_three_digits() {
        let shown = |hours_: f64| hours(hours_ * 3600.0);
        assert_eq!(shown(0.0), "0");
        assert_eq!(shown(0.004_234), "0.0042");
        assert_eq!(shown(0.42), "0.42");
        assert_eq!(shown(1.26), "1.3");
        assert_eq!(shown(84.4), "84");
        assert_eq!(shown(999.6), "1_000");
        assert_eq!(shown(81_742.0), "81_700");
    }
}
