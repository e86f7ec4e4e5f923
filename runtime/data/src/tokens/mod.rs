//! Token files: a category as one long row of token numbers.
//!
//! Layout, all numbers little-endian: the 8 bytes `VPCTOKEN`, then as u32 the version, the bytes per token (2 or 4),
//! the vocabulary and the end token; the tokens; the number of tokens as u64 and the 8 bytes `VPCT-END`. The count
//! comes last so that a file is written in one go, and so that a file cut short is recognised.

mod file;
mod write;

pub use file::TokenFile;
pub use write::{TokenStats, TokenWriter, tokenize};

use crate::error::DataError;

const MAGIC: &[u8; 8] = b"VPCTOKEN";
const TRAILER_MAGIC: &[u8; 8] = b"VPCT-END";
const VERSION: u32 = 1;
const WHAT: &str = "token file";

/// Bytes per token: two while every token of the vocabulary fits.
fn width_of(vocabulary: u32) -> u32 {
    if vocabulary <= 1 << 16 { 2 } else { 4 }
}

fn damaged(reason: impl Into<String>) -> DataError {
    DataError::Damaged {
        what: WHAT,
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests;
