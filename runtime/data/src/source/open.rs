//! Opening a source file, decompressing it as its ending says.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::error::{Compression, DataError};
use crate::limits::{EXPANDED_BYTES, EXPANSION};
use crate::source::shown;

const BUFFER: usize = 256 << 10;

/// The compression that the file's ending names.
pub(crate) fn compression(path: &Path) -> Option<Compression> {
    let ending = path.extension()?.to_str()?;
    if ending.eq_ignore_ascii_case("gz") {
        Some(Compression::Gzip)
    } else if ending.eq_ignore_ascii_case("zst") {
        Some(Compression::Zstd)
    } else {
        None
    }
}

/// Opens `path` for reading its decompressed bytes; zstd keeps its default window limit (128 MiB), which bounds memory.
pub(crate) fn open(path: &Path) -> Result<Box<dyn BufRead>, DataError> {
    let file = File::open(path).map_err(|error| unreadable(path, error))?;
    let plain = BufReader::with_capacity(BUFFER, file);
    let Some(format) = compression(path) else {
        return Ok(Box::new(plain));
    };
    let packed = plain
        .get_ref()
        .metadata()
        .map_err(|e| unreadable(path, e))?;
    let decoder: Box<dyn Read> = match format {
        Compression::Gzip => Box::new(MultiGzDecoder::new(plain)),
        Compression::Zstd => {
            Box::new(zstd::Decoder::with_buffer(plain).map_err(|e| unreadable(path, e))?)
        }
    };
    let bounded = Bounded {
        decoder,
        left: most_text(packed.len()),
    };
    Ok(Box::new(BufReader::with_capacity(BUFFER, bounded)))
}

/// The most text that a compressed file of this size is read for.
fn most_text(packed: u64) -> u64 {
    packed.saturating_mul(EXPANSION).max(EXPANDED_BYTES)
}

/// A decoder that gives up on a file made to fill the disk.
struct Bounded {
    decoder: Box<dyn Read>,
    left: u64,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.decoder.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => return Err(io::ErrorKind::FileTooLarge.into()),
        }
        Ok(count)
    }
}

/// Words an error of reading `path`, telling the file system's errors from the decoder's.
pub(crate) fn unreadable(path: &Path, error: io::Error) -> DataError {
    let file = shown(path);
    if error.kind() == io::ErrorKind::NotFound {
        return DataError::Missing { file };
    }
    match compression(path) {
        Some(format) if error.kind() == io::ErrorKind::UnexpectedEof => {
            DataError::CutShort { file, format }
        }
        Some(format) if from_decoder(&error) && error.kind() == io::ErrorKind::FileTooLarge => {
            DataError::Expands { file, format }
        }
        Some(format) if from_decoder(&error) => DataError::NotCompressed {
            file,
            format,
            reason: error.to_string(),
        },
        _ => DataError::Unreadable {
            file,
            source: error,
        },
    }
}

/// Errors of the file system carry the system's number; a decoder's do not.
fn from_decoder(error: &io::Error) -> bool {
    error.raw_os_error().is_none()
}
