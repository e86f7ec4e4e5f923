//! A study in a folder of its own, run in a process of its own, where an endpoint is set.

#![allow(
    clippy::disallowed_methods,
    reason = "a test writes its study and what came of it"
)]

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tempfile::TempDir;
use vpc_compiler::plan::{Key, Plan};
use vpc_compiler::{FileFacts, FileFault, Library, compile};
use vpc_engine::{Device, Event, Observer, Options, Stop, answers, run, survey, unsupported};
use vpc_measure::record::to_jsonl;
use vpc_report::gather;
use vpc_store::{Digest, Store};

pub(crate) mod server;

/// The variable by which a process knows that it is to run the study in a folder.
const FOLDER: &str = "VPC_TEST_FOLDER";
/// After how many questions it asks itself to stop.
const STOP_AFTER: &str = "VPC_TEST_STOP_AFTER";
/// The test that does so.
const PERFORMER: &str = "a_study_in_a_process_of_its_own";

pub(crate) struct Folder(TempDir);

impl Folder {
    /// A folder with these files, of which `s.vp` is the study.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs the study with these variables set and no other of an endpoint; returns what came of it.
    pub(crate) fn run(&self, set: &[(&str, &str)]) -> Value {
        self.run_until(set, u64::MAX)
    }

    /// The same, stopped after so many questions.
    pub(crate) fn run_until(&self, set: &[(&str, &str)], questions: u64) -> Value {
        let mut command = Command::new(env::current_exe().unwrap());
        for (name, _) in env::vars().filter(|(name, _)| name.starts_with("VPC_ENDPOINT")) {
            command.env_remove(name);
        }
        command
            .args(["--exact", PERFORMER, "--nocapture"])
            .env(FOLDER, self.path())
            .env(STOP_AFTER, questions.to_string())
            .envs(set.iter().copied());
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let came = fs::read(self.path().join("came.json")).unwrap();
        serde_json::from_slice(&came).unwrap()
    }
}

/// Runs the study of the folder that the environment names, if it does; writes `came.json` there.
pub(crate) fn perform() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let compiled = compile(folder.join("s.vp").to_str().unwrap(), &Files).unwrap();
    let said: Vec<&str> = compiled.problems.iter().map(|one| &*one.message).collect();
    let plan = compiled.plan.unwrap_or_else(|| panic!("{said:?}"));
    let store = Store::open(&folder.join("store")).unwrap();
    let refused = unsupported(&plan, &survey(&plan, Some(&store)).unwrap());
    let refused: Vec<String> = refused.iter().map(|one| one.why.to_string()).collect();
    let came = if refused.is_empty() {
        ran(&plan, &store)
    } else {
        json!({ "refused": refused })
    };
    fs::write(folder.join("came.json"), came.to_string()).unwrap();
}

fn ran(plan: &Plan, store: &Store) -> Value {
    let options = Options {
        gpus: std::collections::BTreeMap::new(),
        threads: 2,
        device: Device::Cpu,
        data_parallel: 1,
        keep_going: true,
        checkpoint_every: None,
        build: "test".to_owned(),
        study: "s".to_owned(),
        only: Vec::new(),
    };
    let after = env::var(STOP_AFTER).unwrap().parse().unwrap();
    let watch = Watch {
        stop: Stop::default(),
        after,
        resumed: AtomicU64::new(0),
    };
    let outcome = run(plan, store, &options, &watch.stop, &watch).unwrap();
    let failed: Vec<&String> = outcome.failed.iter().map(|one| &one.message).collect();
    let numbers = gather(plan, &|key| Some(store.find(key).ok()??.metrics));
    let numbers = numbers.numbers.iter().map(|one| {
        let name = format!("{}.{}.{}", one.job, one.item, one.metric.word());
        (name, json!(one.value))
    });
    json!({
        "failed": failed, "stopped": outcome.stopped, "resumed": watch.resumed.load(Ordering::SeqCst),
        "numbers": numbers.collect::<serde_json::Map<_, _>>(), "jobs": jobs(plan, store),
    })
}

/// Metrics and lines of what was made, by name.
fn jobs(plan: &Plan, store: &Store) -> BTreeMap<String, Value> {
    let made = plan.jobs.iter().filter_map(|job| {
        let manifest = store.find(job.key).unwrap()?;
        let files = manifest.files.iter().filter_map(|(name, file)| {
            let lines = match Path::new(name).extension()?.to_str()? {
                "jsonl" => store.read(file).unwrap().to_vec(),
                "vpcr" => to_jsonl(&answers(store, &manifest).unwrap()).unwrap(),
                _ => return None,
            };
            let lines = String::from_utf8(lines).unwrap();
            let lines = lines
                .lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap());
            Some((name.clone(), lines.collect::<Value>()))
        });
        let files: serde_json::Map<_, _> = files.collect();
        let job_is = json!({ "metrics": manifest.metrics, "files": files });
        Some((job.name().to_owned(), job_is))
    });
    made.collect()
}

/// Stops a run after so many questions, and notes how many were taken up again.
struct Watch {
    stop: Stop,
    after: u64,
    resumed: AtomicU64,
}

impl Observer for Watch {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Progress(_, progress) if progress.step >= self.after => self.stop.ask(),
            Event::Resumed(_, step) => _ = self.resumed.fetch_add(step, Ordering::SeqCst),
            _ => {}
        }
    }
}

/// Files as they lie on the disk.
struct Files;

impl Library for Files {
    fn text(&self, path: &str) -> Result<String, FileFault> {
        fs::read_to_string(path).map_err(|_| FileFault::Missing)
    }

    fn facts(&self, path: &str) -> Result<FileFacts, FileFault> {
        let bytes = fs::read(path).map_err(|_| FileFault::Missing)?;
        Ok(FileFacts {
            digest: Key::new(*Digest::of(&bytes).bytes()),
            bytes: bytes.len() as u64,
        })
    }
}
