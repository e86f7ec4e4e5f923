//! Finished work, filed by key: the only place of `vpc` that writes artifacts.
//!
//! A store is a folder of read-only blobs named by their content (`objects/`) and of small
//! manifests named by job (`jobs/`, `progress/`). What [`Attempt::publish`] has returned survives
//! `kill -9` and, on a local file system, a power cut; what [`Store::find`] and [`Store::read`]
//! return has been checked, so a flipped bit is found before it is used.
//!
//! Runs tell the store which jobs their studies have ([`Store::begin_run`]); a [`Clearing`] removes
//! what none of them reaches, and leaves the manifest of each job that it evicts.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! use vpc_store::{Draft, Key, Store};
//!
//! let store = Store::open(&folder.path().join(".vp"))?;
//! let key = Key::new([7; 32]);
//! let mut attempt = store.attempt(key)?;
//! attempt.write("weights", b"0.5 0.25")?;
//! let made = attempt.publish(Draft { kind: "train".into(), ..Draft::default() })?;
//!
//! let found = store.find(key)?.ok_or("not there")?;
//! assert_eq!(found, made);
//! assert_eq!(&store.read(found.file("weights")?)?[..], b"0.5 0.25");
//! # Ok(())
//! # }
//! ```

#![deny(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]
#![cfg_attr(
    test,
    allow(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

mod archive;
mod attempt;
mod audit;
mod blob;
mod census;
mod collect;
mod confirm;
mod digest;
mod digests;
mod disk;
mod error;
mod find;
mod folder;
mod format;
mod gc;
mod journal;
mod layout;
pub mod limits;
mod lock;
mod manifest;
mod name;
mod notes;
mod pins;
mod progress;
mod publish;
mod quarantine;
mod read;
mod records;
mod results;
mod scratch;
mod seal;
mod size;
mod store;
mod studies;
mod traces;
mod usage;
mod writer;

pub use archive::{Archive, Export, Exported, Imported};
pub use attempt::Attempt;
pub use audit::{Audit, Consequence, Found, Suspect};
pub use blob::Blob;
pub use census::Amount;
pub use collect::Cleared;
pub use digest::{Digest, NotADigest};
pub use digests::{Digests, folder_bytes};
pub use error::{ErrorKind, StoreError};
pub use folder::NewFolder;
pub use gc::{Clearing, Collected, GcOptions, Gone, Hindrance, Removal};
pub use journal::{
    Begun, Earlier, Ended, Entry, History, Journal, RunRecord, RunState, Took, host,
};
pub use lock::{Claim, Lock};
pub use manifest::{Difference, Draft, FileRecord, Manifest};
pub use notes::Damage;
pub use pins::Pin;
pub use scratch::Swept;
pub use size::size_in_words;
pub use store::Store;
pub use studies::{Running, StudyJob, StudyRecord};
pub use traces::Cost;
pub use usage::{KindUse, StudyUse, Usage};
pub use vpc_compiler::plan::Key;
pub use writer::ArtifactWriter;
