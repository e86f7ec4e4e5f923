//! Commits artifacts to a store and says so: the program that the fault tests kill.
//!
//! `commit ROOT COUNT [FIRST]` finishes the jobs FIRST, FIRST + 1, …; each has a checkpoint, two
//! files and a result. It prints `committed <key>` when a job is known to be durable. The exit
//! status is 1 for any error and 3 where damage was met.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use vpc_store::{Claim, Digest, Draft, Key, Store, StoreError};

fn main() -> ExitCode {
    match run() {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(3),
        Err(error) => {
            _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<usize, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = arguments
        .first()
        .ok_or("usage: commit ROOT COUNT [FIRST]")?;
    let count: u64 = arguments.get(1).map_or("2", String::as_str).parse()?;
    let first: u64 = arguments.get(2).map_or("0", String::as_str).parse()?;
    let store = Store::open(Path::new(root))?;
    store.sweep()?;
    for job in first..first.saturating_add(count) {
        finish(&store, job)?;
    }
    let mut err = io::stderr();
    store
        .warnings()
        .iter()
        .try_for_each(|warning| writeln!(err, "warning: {warning}"))?;
    store
        .damage()
        .iter()
        .try_for_each(|damage| writeln!(err, "damage: {damage:?}"))?;
    Ok(store.damage().len())
}

/// Brings one job to its end, whoever does the work.
fn finish(store: &Store, job: u64) -> Result<(), Box<dyn Error>> {
    let key: Key = Digest::of(&job.to_le_bytes()).to_string().parse()?;
    while store.find(key)?.is_none() {
        match store.claim(key)? {
            Claim::Busy => sleep(Duration::from_millis(2)),
            Claim::Taken(_lock) => work(store, key, job)?,
        }
    }
    writeln!(io::stdout(), "committed {key}")?;
    store.write_result(Path::new(&format!("{job}.txt")), key.to_string().as_bytes())?;
    Ok(())
}

fn work(store: &Store, key: Key, job: u64) -> Result<(), StoreError> {
    if store.find(key)?.is_some() {
        return Ok(());
    }
    if store.progress(key)?.is_none() {
        let mut attempt = store.attempt(key)?;
        attempt.write("state", format!("state {job}").as_bytes())?;
        attempt.publish_progress(1, Draft::default())?;
    }
    let mut attempt = store.attempt(key)?;
    attempt.write("weights", &weights(job))?;
    attempt.write("log", format!("job {job}\n").as_bytes())?;
    attempt.publish(Draft {
        kind: "commit".into(),
        ..Draft::default()
    })?;
    store.clear_progress(key, &[]).map(drop)
}

fn weights(job: u64) -> Vec<u8> {
    (0..4_000)
        .flat_map(|at: u64| (at ^ job).to_le_bytes())
        .collect()
}
