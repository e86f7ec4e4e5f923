//! Whole runs under fault: killed, raced, starved, moved in time and place, fed with hostile files.
//! One file for each family; `docs/faults.md` has the table.

#[path = "../common/mod.rs"]
mod common;

mod clock;
mod environment;
mod full_disk;
mod hostile_data;
mod injection;
mod kills;
mod limits;
mod races;
mod read_only;
mod signals;
mod study;
mod upgrade;
