//! What was measured of this machine, kept in the user's cache: it belongs to the machine, not to a
//! study. Nothing rests on it; where it is damaged or of another machine, it is as if there were none.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::{env, fs, io};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use vpc_cost::{GpuSpeeds, Gpus, Machine, SCHEMA, Speeds};
use vpc_device::cuda::available;
use vpc_engine::{lent, memory};
use vpc_store::host;

use crate::output::tell;

/// The version before GPUs were measured: all of it can be read as it was.
const BEFORE_GPUS: u32 = 1;

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
    /// When it was last written, in milliseconds since 1970.
    at: u64,
    /// The processor's speeds, where it was measured.
    pub(crate) speeds: Option<Speeds>,
    /// Those of GPUs, by the names that their driver gives them.
    #[serde(default)]
    pub(crate) gpus: BTreeMap<String, GpuSpeeds>,
}

impl Calibration {
    /// What is known of this machine, of which nothing was measured.
    fn empty() -> Self {
        Self {
            schema: SCHEMA,
            host: host(),
            processor: processor(),
            threads: threads(),
            at: 0,
            speeds: None,
            gpus: BTreeMap::new(),
        }
    }

    /// What was measured of this machine before, with what is of no use left out in silence.
    pub(crate) fn known() -> Self {
        read().ok().flatten().unwrap_or_else(Self::empty)
    }

    /// The same with what was measured of the processor now.
    pub(crate) fn with_speeds(self, speeds: Speeds, at: u64) -> Self {
        Self {
            speeds: Some(speeds),
            at,
            ..self
        }
    }

    /// The same with what was measured of a GPU now.
    pub(crate) fn with_gpu(mut self, name: &str, speeds: GpuSpeeds) -> Self {
        self.at = speeds.at;
        self.gpus.insert(name.to_owned(), speeds);
        self
    }

    /// Whether it can be computed with.
    fn is_sound(&self) -> bool {
        (BEFORE_GPUS..=SCHEMA).contains(&self.schema)
            && self.speeds.as_ref().is_none_or(Speeds::is_sound)
            && self.gpus.values().all(GpuSpeeds::is_sound)
    }
}

/// What was measured of this machine; tells what it cannot use.
fn measured() -> Calibration {
    let measured = read().unwrap_or_else(|why| {
        tell(format_args!(
            "warning: {why}; `vpc calibrate` measures anew"
        ));
        None
    });
    measured.unwrap_or_else(Calibration::empty)
}

/// What was measured of GPUs, by name; tells what it cannot use.
pub(crate) fn gpu_speeds() -> BTreeMap<String, GpuSpeeds> {
    measured().gpus
}

/// This machine, as it was measured or as it is assumed to be; tells what it cannot use.
pub(crate) fn here() -> Machine {
    let threads = threads();
    let Calibration { speeds, gpus, .. } = measured();
    Machine {
        threads,
        memory: memory(),
        is_measured: speeds.is_some(),
        speeds: speeds.unwrap_or_else(|| Speeds::rough(threads)),
        gpus: gpus_here(&gpus),
    }
}

/// The GPUs that trainings go to, where they were measured. The driver is asked only then: that takes a
/// moment.
fn gpus_here(measured: &BTreeMap<String, GpuSpeeds>) -> Option<Gpus> {
    if measured.is_empty() {
        return None;
    }
    let there = available().ok()?;
    let there = there.into_values();
    let there: Vec<(String, u64)> = there
        .map(|device| (device.name, lent(device.memory_bytes as u64)))
        .collect();
    chosen(&there, measured)
}

/// The most frequent kind of GPU among those that were measured, the first of equals by name; of those that
/// are here, each with its bytes.
fn chosen(there: &[(String, u64)], measured: &BTreeMap<String, GpuSpeeds>) -> Option<Gpus> {
    let kinds = measured.iter().filter_map(|(name, speeds)| {
        let bytes = || there.iter().filter(|one| one.0 == *name).map(|one| one.1);
        Some(Gpus {
            name: name.clone(),
            count: bytes().count() as u64,
            bytes: bytes().min()?,
            speeds: speeds.clone(),
        })
    });
    kinds.min_by_key(|gpus| Reverse(gpus.count))
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
    if !found.is_sound() {
        return Err(format!("the calibration `{shown}` is damaged"));
    }
    let here = (host(), processor(), threads());
    if (found.host.clone(), found.processor.clone(), found.threads) != here {
        return Err(format!(
            "the calibration `{shown}` is of another machine ({}, {} threads)",
            found.host, found.threads
        ));
    }
    Ok(Some(Calibration {
        schema: SCHEMA,
        ..found
    }))
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

#[cfg(test)]
mod tests {
    use vpc_cost::{GpuPoint, Point};

    use super::*;

    fn speeds(at: u64) -> GpuSpeeds {
        let line = vec![GpuPoint {
            flops_per_step: 1e9,
            tokens_per_step: 100,
            tokens_per_second: vec![10.0, 15.0],
        }];
        GpuSpeeds {
            at,
            f32: line.clone(),
            bf16: line,
        }
    }

    #[test]
    fn what_was_measured_before_gpus_were_is_read() {
        let old = serde_json::json!({
            "schema": 1, "host": "h", "processor": "p", "threads": 2, "at": 5,
            "speeds": Speeds::rough(2),
        });
        let old: Calibration = serde_json::from_value(old).expect("the old form");
        assert!(old.is_sound() && old.gpus.is_empty());
        assert_eq!(old.speeds, Some(Speeds::rough(2)));
        let newer = Calibration {
            schema: SCHEMA + 1,
            ..old
        };
        assert!(!newer.is_sound());
    }

    #[test]
    fn processor_and_gpus_are_kept_beside_each_other() {
        let all = Calibration::empty()
            .with_gpu("H100", speeds(1))
            .with_speeds(Speeds::rough(2), 2)
            .with_gpu("A100", speeds(3))
            .with_gpu("H100", speeds(4));
        let text = serde_json::to_string(&all).expect("JSON");
        let all: Calibration = serde_json::from_str(&text).expect("the same");
        assert!(all.is_sound() && all.speeds.is_some());
        let at: Vec<u64> = all.gpus.values().map(|gpu| gpu.at).collect();
        assert_eq!(at, [3, 4]);
        let mut spoiled = all;
        spoiled.gpus.insert(
            "x".to_owned(),
            GpuSpeeds {
                f32: Vec::new(),
                ..speeds(1)
            },
        );
        assert!(!spoiled.is_sound());
        spoiled.gpus.clear();
        let speeds = spoiled.speeds.as_mut().expect("speeds");
        speeds.training = Vec::<Point>::new();
        assert!(!spoiled.is_sound());
    }

    #[test]
    fn the_most_frequent_measured_kind_counts() {
        let measured = BTreeMap::from([("A".to_owned(), speeds(1)), ("B".to_owned(), speeds(1))]);
        let of = |names: &[&str]| {
            let bytes = |at: usize| 100 - at as u64;
            let there = names.iter().enumerate();
            let there: Vec<(String, u64)> = there
                .map(|(at, name)| ((*name).to_owned(), bytes(at)))
                .collect();
            chosen(&there, &measured).map(|gpus| (gpus.name, gpus.count, gpus.bytes))
        };
        assert_eq!(of(&["A", "B", "B"]), Some(("B".to_owned(), 2, 98)));
        assert_eq!(of(&["B", "A"]), Some(("A".to_owned(), 1, 99)));
        assert_eq!(of(&["C", "C", "B"]), Some(("B".to_owned(), 1, 98)));
        assert_eq!(of(&["C"]), None);
    }
}
