//! Writing one file of an artifact: buffered, hashed on the way.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use crate::disk;
use crate::limits::CHUNK_BYTES;
use crate::{Digest, FileRecord, StoreError};

/// One file of an artifact being written; [`ArtifactWriter::finish`] makes it durable.
///
/// Errors of `io::Write` carry a [`StoreError`]: take it out by [`StoreError::of_write`].
#[derive(Debug)]
#[must_use = "a file that is not finished cannot be published"]
pub struct ArtifactWriter {
    out: BufWriter<Hashing>,
    done: Arc<OnceLock<FileRecord>>,
}

/// A file that is hashed while it is written.
#[derive(Debug)]
struct Hashing {
    file: File,
    path: PathBuf,
    hasher: blake3::Hasher,
}

impl ArtifactWriter {
    pub(crate) fn new(path: PathBuf, done: Arc<OnceLock<FileRecord>>) -> Result<Self, StoreError> {
        let file = disk::begin(&path)?;
        let hashing = Hashing {
            file,
            path,
            hasher: blake3::Hasher::new(),
        };
        Ok(Self {
            out: BufWriter::with_capacity(CHUNK_BYTES, hashing),
            done,
        })
    }

    /// Ends the file, makes it read-only and durable, and returns its digest and size.
    pub fn finish(self) -> Result<FileRecord, StoreError> {
        let hashing = self
            .out
            .into_inner()
            .map_err(|error| StoreError::of_write(error.into_error()))?;
        disk::seal(&hashing.file, &hashing.path, 0o444)?;
        let digest = Digest::from(hashing.hasher.finalize());
        let record = FileRecord {
            digest,
            bytes: hashing.hasher.count(),
        };
        Ok(*self.done.get_or_init(|| record))
    }
}

impl Write for ArtifactWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.file.write(bytes) {
            Ok(count) => {
                self.hasher.update(bytes.get(..count).unwrap_or_default());
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                let needed = bytes.len() as u64;
                let told = StoreError::io_sized("write", &self.path, needed, error);
                Err(io::Error::new(kind, told))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
