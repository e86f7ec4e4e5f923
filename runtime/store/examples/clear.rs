//! Clears a store to the last byte that may go: the program that the fault tests kill.
//!
//! `clear ROOT` fills the store where it is empty, and says so; `clear ROOT now` clears it. Jobs 0
//! to 3 are of a study and reports read job 0; job 4 is pinned, jobs 5 and 6 are of no study. Job
//! 6 and its checkpoint have a file in common with job 0.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;

use vpc_store::{Digest, Draft, GcOptions, Key, Store, StoreError, StudyJob, StudyRecord};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = arguments.first().ok_or("usage: clear ROOT [now]")?;
    let store = Store::open(Path::new(root))?;
    if arguments.len() < 2 {
        fill(&store)?;
        return Ok(());
    }
    let options = GcOptions {
        to: Some(0),
        ..GcOptions::default()
    };
    let clearing = store.clearing()?;
    let removal = clearing.choose(&options)?;
    let removed = clearing.carry_out(&removal)?;
    writeln!(io::stdout(), "cleared {removed:?}")?;
    Ok(())
}

fn key(job: u64) -> Result<Key, Box<dyn Error>> {
    Ok(Digest::of(&job.to_le_bytes()).to_string().parse()?)
}

fn fill(store: &Store) -> Result<(), Box<dyn Error>> {
    for job in 0..7 {
        publish(store, key(job)?, job, None)?;
    }
    for (job, step) in [(0, 7), (0, 8), (6, 7)] {
        publish(store, key(job)?, 100 + job * 10 + step, Some(step))?;
    }
    store.pin(key(4)?, "")?;
    let mut jobs = Vec::new();
    for job in 0..4 {
        jobs.push(StudyJob {
            key: key(job)?,
            label: job.to_string(),
            kind: "clear".into(),
            read: job == 0,
            is_place: false,
            keep: vec![7],
        });
    }
    store.file_study(&StudyRecord::new("s".into(), "s.vp".into(), jobs))?;
    Ok(())
}

fn publish(store: &Store, key: Key, content: u64, step: Option<u64>) -> Result<(), StoreError> {
    let mut attempt = store.attempt(key)?;
    attempt.write("own", &content.to_le_bytes())?;
    attempt.write("common", b"in all of them")?;
    match step {
        None => attempt.publish(Draft::default()),
        Some(step) => attempt.publish_progress(step, Draft::default()),
    }
    .map(drop)
}
