//! Archives: a study with its results, manifests and chosen files as one `.tar.zst`.
//!
//! The first member is a sealed index that names all others, in order, by size and digest. Whoever
//! reads an archive expects exactly these members, each with the very header that is written here:
//! there is nothing else in it to interpret, and no path in it is ever opened.

mod export;
mod import;
mod index;
mod manifests;
mod read;

pub use export::{Export, Exported};
pub use import::Imported;
pub use read::Archive;

use tar::{EntryType, Header};

use crate::StoreError;

/// The name of the first member.
const INDEX: &str = "index.json";

/// Tar is made of blocks of this size.
const BLOCK: usize = 512;

/// The header of a member: always the same for the same name and size.
fn header(name: &str, bytes: u64) -> Result<Header, StoreError> {
    let mut header = Header::new_ustar();
    header
        .set_path(name)
        .map_err(|error| StoreError::io("name a member of", name.as_ref(), error))?;
    header.set_entry_type(EntryType::Regular);
    header.set_size(bytes);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    Ok(header)
}

/// How many zeros follow a member of this size.
fn padding(bytes: u64) -> usize {
    let over = (bytes % BLOCK as u64) as usize;
    (BLOCK - over) % BLOCK
}
