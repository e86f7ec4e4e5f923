//! Reading an archive as a stream, believing nothing.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use tar::Header;
use zstd::Decoder;

use super::index::{Index, Text};
use super::{BLOCK, INDEX, header, padding};
use crate::disk::{self, Moved};
use crate::error::During;
use crate::find::open_if_there;
use crate::layout::parent;
use crate::limits::{
    ARCHIVE_RATIO, ARCHIVE_WINDOW, CHUNK_BYTES, FREE_RATIO_BYTES, MAX_INDEX_BYTES,
};
use crate::{Digest, StoreError, StudyRecord};

/// An archive, read up to its jobs.
pub struct Archive {
    pub(super) from: Unpacker,
    pub(super) index: Index,
    texts: Vec<Vec<u8>>,
    pub(super) results: Vec<Vec<u8>>,
}

impl Archive {
    /// Opens an archive and reads its index and its texts.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let mut from = Unpacker::open(path)?;
        let index = from.index()?;
        let texts = from.texts("texts", &index.texts)?;
        let results = from.texts("results", &index.results)?;
        Ok(Self {
            from,
            index,
            texts,
            results,
        })
    }

    /// Returns the record of the study, as it was where the archive was written.
    pub fn record(&self) -> &StudyRecord {
        &self.index.record
    }

    /// Returns the path of the study among the texts.
    pub fn study(&self) -> &str {
        &self.index.study
    }

    /// Returns the paths of the texts.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.index.texts.iter().map(|text| &*text.path)
    }

    /// Writes the texts below a folder, never over a different file; returns how many were not
    /// there yet.
    ///
    /// All are looked for before any is written.
    pub fn write_texts(&self, folder: &Path) -> Result<usize, StoreError> {
        let mut missing = Vec::new();
        for (text, content) in self.index.texts.iter().zip(&self.texts) {
            let to = folder.join(&text.path);
            inside(folder, &to)?;
            match fs::read(&to) {
                Ok(there) if there == *content => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    missing.push((to, content));
                }
                _ => return Err(other_file(&to)),
            }
        }
        for (to, content) in &missing {
            disk::make_folders(parent(to))?;
            let part = parent(to).join(disk::fresh_name(".vpc-import"));
            disk::write_new(&part, content, 0o644)?;
            let moved = disk::move_new(&part, to).during("create", to);
            if !matches!(moved, Ok(Moved::Placed)) {
                _ = fs::remove_file(&part);
            }
            if moved? == Moved::Taken {
                return Err(other_file(to));
            }
            disk::sync_folder(parent(to))?;
        }
        Ok(missing.len())
    }
}

/// Refuses links on the way from the folder to a file, since they may lead out of it.
fn inside(folder: &Path, to: &Path) -> Result<(), StoreError> {
    let below = to.ancestors().take_while(|path| *path != folder);
    for path in below {
        if fs::symlink_metadata(path).is_ok_and(|about| about.is_symlink()) {
            let problem = "it is a link, and could lead elsewhere; name another folder";
            return Err(StoreError::archive(path, problem));
        }
    }
    Ok(())
}

fn other_file(path: &Path) -> StoreError {
    let problem = "there is another file of this name, which stays; name another folder";
    StoreError::archive(path, problem)
}

/// A compressed tar whose members are known before they are read.
pub(super) struct Unpacker {
    from: Decoder<'static, BufReader<Counted>>,
    path: PathBuf,
    /// Bytes that came out so far.
    out: u64,
}

/// A file whose reading is counted.
struct Counted {
    file: File,
    bytes: u64,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.bytes += count as u64;
        Ok(count)
    }
}

impl Unpacker {
    fn open(path: &Path) -> Result<Self, StoreError> {
        let Some(file) = open_if_there(path)? else {
            return Err(StoreError::archive(path, "there is no such file"));
        };
        if !file.metadata().during("look at", path)?.is_file() {
            return Err(StoreError::archive(path, "it is not a file"));
        }
        let counted = BufReader::with_capacity(CHUNK_BYTES, Counted { file, bytes: 0 });
        let mut from = Decoder::with_buffer(counted).during("unpack", path)?;
        from.window_log_max(ARCHIVE_WINDOW).during("unpack", path)?;
        let path = path.to_owned();
        Ok(Self { from, path, out: 0 })
    }

    pub(super) fn wrong(&self, problem: impl Into<String>) -> StoreError {
        StoreError::archive(&self.path, problem)
    }

    /// Fills a buffer; what cannot be is a problem of the archive.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), StoreError> {
        self.from
            .read_exact(buffer)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => self.wrong("it ends too early; copy it once more"),
                _ => self.wrong(format!("it cannot be unpacked: {error}")),
            })?;
        self.out += buffer.len() as u64;
        let read = self.from.get_ref().get_ref().bytes;
        if self.out > FREE_RATIO_BYTES + read.saturating_mul(ARCHIVE_RATIO) {
            return Err(self.wrong(format!(
                "it unpacks to more than {ARCHIVE_RATIO} times its size"
            )));
        }
        Ok(())
    }

    fn header(&mut self) -> Result<[u8; BLOCK], StoreError> {
        let mut block = [0; BLOCK];
        self.fill(&mut block)?;
        Ok(block)
    }

    fn expect(&self, found: &[u8; BLOCK], name: &str, bytes: u64) -> Result<(), StoreError> {
        if header(name, bytes)?.as_bytes() == found {
            return Ok(());
        }
        Err(self.wrong(format!(
            "what should be its member `{name}` is something else"
        )))
    }

    fn index(&mut self) -> Result<Index, StoreError> {
        let found = self.header()?;
        let size = Header::from_byte_slice(&found).entry_size();
        let bytes = size.map_err(|_| self.wrong("it is no archive of a study"))?;
        self.expect(&found, INDEX, bytes)
            .map_err(|_| self.wrong("it is no archive of a study"))?;
        if bytes > MAX_INDEX_BYTES {
            return Err(self.wrong(format!("its index has {bytes} bytes, too many")));
        }
        let text = self.content(bytes)?;
        Index::decode(&text).map_err(|problem| self.wrong(problem))
    }

    fn texts(&mut self, folder: &str, texts: &[Text]) -> Result<Vec<Vec<u8>>, StoreError> {
        let numbered = texts.iter().enumerate();
        let texts = numbered.map(|(number, text)| {
            self.whole(&format!("{folder}/{number}"), text.bytes, text.digest)
        });
        texts.collect()
    }

    /// Reads the next member, which must be this one, into memory.
    pub(super) fn whole(
        &mut self,
        name: &str,
        bytes: u64,
        digest: Digest,
    ) -> Result<Vec<u8>, StoreError> {
        let found = self.header()?;
        self.expect(&found, name, bytes)?;
        let content = self.content(bytes)?;
        if Digest::of(&content) == digest {
            return Ok(content);
        }
        Err(self.wrong(format!("its member `{name}` does not match its digest")))
    }

    /// Reads content and padding; the memory grows with what is really there.
    fn content(&mut self, bytes: u64) -> Result<Vec<u8>, StoreError> {
        let mut content = Vec::new();
        self.chunks(bytes, &mut |chunk| {
            content.extend_from_slice(chunk);
            Ok(())
        })?;
        Ok(content)
    }

    /// Reads the next member, which must be this one, in pieces.
    pub(super) fn stream(
        &mut self,
        name: &str,
        bytes: u64,
        take: &mut dyn FnMut(&[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let found = self.header()?;
        self.expect(&found, name, bytes)?;
        self.chunks(bytes, take)
    }

    fn chunks(
        &mut self,
        bytes: u64,
        take: &mut dyn FnMut(&[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut buffer = vec![0; CHUNK_BYTES];
        let mut left = bytes;
        while left > 0 {
            let count = left.min(CHUNK_BYTES as u64) as usize;
            let chunk = buffer.get_mut(..count).unwrap_or_default();
            self.fill(chunk)?;
            take(chunk)?;
            left -= count as u64;
        }
        let mut zeros = vec![0; padding(bytes)];
        self.fill(&mut zeros)?;
        self.all_zero(&zeros)
    }

    /// Reads the end of the tar, after which nothing may come.
    pub(super) fn end(&mut self) -> Result<(), StoreError> {
        for _ in 0..2 {
            let zeros = self.header()?;
            self.all_zero(&zeros)?;
        }
        match self.from.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.wrong("it goes on after its end")),
            Err(error) => Err(self.wrong(format!("it cannot be unpacked: {error}"))),
        }
    }

    fn all_zero(&self, bytes: &[u8]) -> Result<(), StoreError> {
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        Err(self.wrong("it has something between or after its members"))
    }
}
