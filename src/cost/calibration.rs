//! What was measured of this machine, kept in the user's cache: it belongs to the machine, not to a
//! study. Nothing rests on it; where it is damaged or of another machine, it is as if there were none.

use std::path::PathBuf;
use std::thread::available_parallelism;
use std::{env, fs, io};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use vpc_cost::{Machine, SCHEMA, Speeds};
use vpc_engine::memory;
use vpc_store::host;

use crate::output::tell;

/// The file.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Calibration {
    schema: u32,
    /// The machine's name.
    host: String,
    /// Its processor.
    processor: String,
    /// Threads that were used.
    threads: u64,
    /// When, in milliseconds since 1970.
    at: u64,
    pub(crate) speeds: Speeds,
}

impl Calibration {
    /// What was measured here and now.
    pub(crate) fn new(speeds: Speeds, at: u64) -> Self {
        Self {
            schema: SCHEMA,
            host: host(),
            processor: processor(),
            threads: threads(),
            at,
            speeds,
        }
    }
}

/// This machine, as it was measured or as it is assumed to be; tells what it cannot use.
pub(crate) fn here() -> Machine {
    let threads = threads();
    let measured = read().unwrap_or_else(|why| {
        tell(format_args!(
            "warning: {why}; `vpc calibrate` measures anew"
        ));
        None
    });
    let is_measured = measured.is_some();
    Machine {
        threads,
        memory: memory(),
        speeds: measured.map_or_else(|| Speeds::rough(threads), |found| found.speeds),
        is_measured,
    }
}

/// Reads what was measured of this machine, where it was; else why what lies there is of no use.
fn read() -> Result<Option<Calibration>, String> {
    let Some(path) = path() else {
        return Ok(None);
    };
    let shown = path.display();
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(format!(
                "the calibration `{shown}` cannot be read ({error})"
            ));
        }
    };
    let found: Calibration = serde_json::from_str(&text)
        .map_err(|error| format!("the calibration `{shown}` is damaged ({error})"))?;
    if found.schema != SCHEMA || !found.speeds.is_sound() {
        return Err(format!("the calibration `{shown}` is damaged"));
    }
    let here = (host(), processor(), threads());
    if (found.host.clone(), found.processor.clone(), found.threads) != here {
        return Err(format!(
            "the calibration `{shown}` is of another machine ({}, {} threads)",
            found.host, found.threads
        ));
    }
    Ok(Some(found))
}

/// Keeps what was measured; returns where.
pub(crate) fn write(calibration: &Calibration) -> io::Result<PathBuf> {
    let path = path().ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::NotFound,
            "neither XDG_CACHE_HOME nor HOME is set",
        )
    })?;
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    // Another process reads either the old file or the new one.
    let file = NamedTempFile::new_in(folder)?;
    serde_json::to_writer_pretty(&file, calibration)?;
    file.persist(&path)?;
    Ok(path)
}

/// `vpc/calibration.json` in the user's cache, by the XDG base directory specification.
fn path() -> Option<PathBuf> {
    let folder = |name: &str| env::var_os(name).map(PathBuf::from);
    let cache = folder("XDG_CACHE_HOME").filter(|cache| cache.is_absolute());
    let cache = cache.or_else(|| Some(folder("HOME")?.join(".cache")));
    Some(cache?.join("vpc").join("calibration.json"))
}

fn threads() -> u64 {
    available_parallelism().map_or(1, |threads| threads.get() as u64)
}

/// What the system calls the processor; its architecture where it does not say.
fn processor() -> String {
    let facts = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = facts
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model.and_then(|line| line.split_once(':'));
    model.map_or_else(
        || env::consts::ARCH.to_owned(),
        |(_, name)| name.trim().to_owned(),
    )
}
