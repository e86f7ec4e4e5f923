//! The documents file: texts one after another, each with its length.
//!
//! Layout: the 8 bytes `VPC-DOCS`, the version (u32, little-endian), then per document its length in bytes (u32,
//! little-endian) and its UTF-8 text.

use std::io::Write;

use crate::error::DataError;

const MAGIC: &[u8; 8] = b"VPC-DOCS";
const VERSION: u32 = 1;
const WHAT: &str = "documents file";

/// Writes a documents file.
pub struct DocumentsWriter<'w> {
    out: &'w mut dyn Write,
}

impl<'w> DocumentsWriter<'w> {
    /// Begins a documents file on `out`.
    ///
    /// # Errors
    /// [`DataError::Write`] when `out` fails.
    pub fn new(out: &'w mut dyn Write) -> Result<Self, DataError> {
        let mut writer = Self { out };
        writer.put(MAGIC)?;
        writer.put(&VERSION.to_le_bytes())?;
        Ok(writer)
    }

    /// Adds one document.
    ///
    /// # Errors
    /// [`DataError::DocumentTooLong`] from 4 GiB on; [`DataError::Write`] when the output fails.
    pub fn add(&mut self, document: &str) -> Result<(), DataError> {
        let length = u32::try_from(document.len()).map_err(|_| DataError::DocumentTooLong {
            bytes: document.len(),
        })?;
        self.put(&length.to_le_bytes())?;
        self.put(document.as_bytes())
    }

    /// Flushes the output.
    ///
    /// # Errors
    /// [`DataError::Write`] when the output fails.
    pub fn finish(self) -> Result<(), DataError> {
        self.out
            .flush()
            .map_err(|source| DataError::Write { what: WHAT, source })
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), DataError> {
        self.out
            .write_all(bytes)
            .map_err(|source| DataError::Write { what: WHAT, source })
    }
}

/// Reads the documents of the documents file `bytes`, in order; stops after the first error.
///
/// # Errors
/// [`DataError::Damaged`] when `bytes` is not a documents file of this version, or later, in the iterator, when a
/// document is cut short or not UTF-8.
pub fn documents(
    bytes: &[u8],
) -> Result<impl Iterator<Item = Result<&str, DataError>> + '_, DataError> {
    let body = bytes
        .strip_prefix(MAGIC)
        .ok_or_else(|| damaged("it does not begin with `VPC-DOCS`"))?;
    let (version, rest) = body
        .split_first_chunk()
        .ok_or_else(|| damaged("it ends in its header"))?;
    match u32::from_le_bytes(*version) {
        VERSION => Ok(Documents { rest, index: 0 }),
        other => Err(damaged(format!("version {other} where {VERSION} is known"))),
    }
}

/// The documents not yet read.
struct Documents<'a> {
    rest: &'a [u8],
    index: u64,
}

impl<'a> Documents<'a> {
    fn read(&mut self) -> Result<&'a str, DataError> {
        let index = self.index;
        let cut = || damaged(format!("it ends inside document {index}"));
        let (length, rest) = self.rest.split_first_chunk().ok_or_else(cut)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (text, rest) = rest.split_at_checked(length).ok_or_else(cut)?;
        self.rest = rest;
        self.index += 1;
        std::str::from_utf8(text).map_err(|error| {
            let byte = error.valid_up_to();
            damaged(format!(
                "byte {byte} of document {index} is not valid UTF-8"
            ))
        })
    }
}

impl<'a> Iterator for Documents<'a> {
    type Item = Result<&'a str, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let document = self.read();
        if document.is_err() {
            self.rest = &[];
        }
        Some(document)
    }
}

fn damaged(reason: impl Into<String>) -> DataError {
    DataError::Damaged {
        what: WHAT,
        reason: reason.into(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
