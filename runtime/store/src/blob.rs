//! Blobs: verified bytes, mapped into memory. The one file with `unsafe`.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Deref;

use memmap2::Mmap;

/// The bytes of one file of an artifact, shared with the page cache where that is possible.
pub struct Blob(Bytes);

enum Bytes {
    Mapped(Mmap),
    Read(Vec<u8>),
}

impl Blob {
    /// Takes the bytes of a file; where it cannot be mapped, it is read.
    pub(crate) fn of(mut file: &File, bytes: u64) -> io::Result<Self> {
        if bytes > 0
            && let Ok(mapped) = map(file)
        {
            return Ok(Self(Bytes::Mapped(mapped)));
        }
        let mut read = Vec::new();
        file.read_to_end(&mut read)?;
        Ok(Self(Bytes::Read(read)))
    }
}

fn map(file: &File) -> io::Result<Mmap> {
    #[expect(unsafe_code, reason = "mapping a file is unsafe in itself")]
    // SAFETY: objects are read-only, are never written after they have their name, and are only
    // renamed or unlinked by this crate, which leaves existing mappings as they are.
    unsafe {
        Mmap::map(file)
    }
}

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Bytes::Mapped(bytes) => bytes,
            Bytes::Read(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for Blob {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};

    use super::*;

    #[test]
    fn bytes_come_back() {
        for length in [0, 1, 70_000] {
            let content = vec![7; length];
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&content).unwrap();
            file.rewind().unwrap();
            let blob = Blob::of(&file, content.len() as u64).unwrap();
            assert_eq!(blob[..], content);
        }
    }

    #[test]
    fn blobs_go_between_threads() {
        fn sendable<T: Send + Sync>() {}
        sendable::<Blob>();
    }
}
