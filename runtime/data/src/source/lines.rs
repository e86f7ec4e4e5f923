//! Lines of a source file, one at a time, counted and bounded.

use std::io::{BufRead, Read};
use std::path::Path;

use crate::error::DataError;
use crate::limits::LINE_BYTES;
use crate::source::open::{open, unreadable};
use crate::source::shown;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A file read line by line into one buffer.
pub(crate) struct Lines<'p> {
    path: &'p Path,
    input: Box<dyn BufRead>,
    buffer: Vec<u8>,
    number: u64,
}

impl<'p> Lines<'p> {
    /// Opens `path`, decompressing as its ending says.
    pub(crate) fn open(path: &'p Path) -> Result<Self, DataError> {
        Ok(Self {
            path,
            input: open(path)?,
            buffer: Vec::new(),
            number: 0,
        })
    }

    /// The 1-based number of the line last returned.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The next line without its ending (`\n` or `\r\n`), or `None` at the end of the file.
    pub(crate) fn next(&mut self) -> Result<Option<&str>, DataError> {
        self.buffer.clear();
        let most = LINE_BYTES as u64 + 2;
        let read = self
            .input
            .by_ref()
            .take(most)
            .read_until(b'\n', &mut self.buffer);
        if read.map_err(|error| unreadable(self.path, error))? == 0 {
            return Ok(None);
        }
        self.number += 1;
        let line = self.line()?;
        match std::str::from_utf8(line) {
            Ok(text) => Ok(Some(text)),
            Err(error) => Err(DataError::NotUtf8 {
                file: shown(self.path),
                line: self.number,
                byte: error.valid_up_to() + 1,
            }),
        }
    }

    fn line(&self) -> Result<&[u8], DataError> {
        let mut line = self.buffer.as_slice();
        line = line.strip_suffix(b"\n").unwrap_or(line);
        line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > LINE_BYTES {
            return Err(DataError::LineTooLong {
                file: shown(self.path),
                line: self.number,
            });
        }
        if self.number == 1 {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        Ok(line)
    }
}
