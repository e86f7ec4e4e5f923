//! Tables of pictures at the end of a file: what stands where, sorted by id, and a trailer of fixed size.
//!
//! Layout, all numbers little-endian: the entries, each the 32 bytes of an id, where its bytes begin, their number
//! (u64) and the first 16 bytes of a blake3 hash of id, the file's own numbers and the bytes; these two numbers of
//! the file's own (u64); the number of entries (u64); the version (u32) and 8 bytes of magic. The table comes last so
//! that a file is written in one go, and so that a file cut short is recognised.

use std::collections::BTreeMap;
use std::io::Write;

use super::PictureId;
use crate::error::DataError;

const ENTRY: usize = 64;
const VERSION: u32 = 1;

/// The sort of a file.
pub(super) struct Sort {
    pub(super) what: &'static str,
    pub(super) magic: [u8; 8],
}

impl Sort {
    pub(super) fn damaged(&self, reason: impl Into<String>) -> DataError {
        DataError::Damaged {
            what: self.what,
            reason: reason.into(),
        }
    }
}

/// Writes bytes under ids, and the table of them.
pub(super) struct TableWriter<W> {
    sort: &'static Sort,
    numbers: [u64; 2],
    out: W,
    at: u64,
    entries: BTreeMap<PictureId, Entry>,
}

#[derive(Clone, Copy)]
struct Entry {
    start: u64,
    length: u64,
    check: [u8; 16],
}

impl<W: Write> TableWriter<W> {
    /// Begins a file with two numbers of its own.
    pub(super) fn new(sort: &'static Sort, numbers: [u64; 2], out: W) -> Self {
        Self {
            sort,
            numbers,
            out,
            at: 0,
            entries: BTreeMap::new(),
        }
    }

    pub(super) fn has(&self, id: PictureId) -> bool {
        self.entries.contains_key(&id)
    }

    /// Adds the bytes of an id that is not there yet.
    pub(super) fn add(&mut self, id: PictureId, bytes: &[u8]) -> Result<(), DataError> {
        let entry = Entry {
            start: self.at,
            length: bytes.len() as u64,
            check: check(id, self.numbers, bytes),
        };
        self.put(bytes)?;
        self.at += entry.length;
        self.entries.insert(id, entry);
        Ok(())
    }

    /// Writes the table and the trailer, flushes, and gives the output back.
    pub(super) fn finish(mut self) -> Result<W, DataError> {
        let entries = std::mem::take(&mut self.entries);
        for (id, entry) in &entries {
            let mut bytes = id.bytes().to_vec();
            bytes.extend(entry.start.to_le_bytes());
            bytes.extend(entry.length.to_le_bytes());
            bytes.extend(entry.check);
            self.put(&bytes)?;
        }
        let [one, other] = self.numbers;
        for number in [one, other, entries.len() as u64] {
            self.put(&number.to_le_bytes())?;
        }
        self.put(&VERSION.to_le_bytes())?;
        self.put(&self.sort.magic)?;
        let flushed = self.out.flush();
        flushed.map_err(|source| self.unwritten(source))?;
        Ok(self.out)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), DataError> {
        let written = self.out.write_all(bytes);
        written.map_err(|source| self.unwritten(source))
    }

    fn unwritten(&self, source: std::io::Error) -> DataError {
        let what = self.sort.what;
        DataError::Write { what, source }
    }
}

/// Bytes under ids, over bytes that the caller holds.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    body: &'a [u8],
    entries: &'a [[u8; ENTRY]],
    pub(super) numbers: [u64; 2],
}

impl<'a> Table<'a> {
    /// Checks the table: sorted, every entry within what stands before it, and nothing there without an entry.
    pub(super) fn new(sort: &Sort, bytes: &'a [u8]) -> Result<Self, DataError> {
        let cut = || sort.damaged("it is cut short, or another sort of file");
        let rest = bytes.strip_suffix(&sort.magic).ok_or_else(cut)?;
        let (rest, version) = rest.split_last_chunk::<4>().ok_or_else(cut)?;
        let version = u32::from_le_bytes(*version);
        if version != VERSION {
            return Err(sort.damaged(format!("version {version} where {VERSION} is known")));
        }
        let (rest, count) = number(rest).ok_or_else(cut)?;
        let (rest, other) = number(rest).ok_or_else(cut)?;
        let (rest, one) = number(rest).ok_or_else(cut)?;
        let size = usize::try_from(count).ok();
        let size = size.and_then(|count| count.checked_mul(ENTRY));
        let from = size.and_then(|size| rest.len().checked_sub(size));
        let parts = from.and_then(|from| rest.split_at_checked(from));
        let (body, table) = parts.ok_or_else(|| {
            let bytes = rest.len();
            sort.damaged(format!("a table of {count} entries in {bytes} bytes"))
        })?;
        let (entries, _) = table.as_chunks::<ENTRY>();
        let table = Self {
            body,
            entries,
            numbers: [one, other],
        };
        table.check(sort)?;
        Ok(table)
    }

    fn check(&self, sort: &Sort) -> Result<(), DataError> {
        if !self.entries.is_sorted_by(|one, next| id(one) < id(next)) {
            return Err(sort.damaged("its table is not sorted by id"));
        }
        let mut total = 0_usize;
        for entry in self.entries {
            let bytes = self.range(entry);
            let bytes = bytes.ok_or_else(|| {
                let id = id(entry);
                sort.damaged(format!("{id} reaches beyond its end"))
            })?;
            total = total.saturating_add(bytes.len());
        }
        if total != self.body.len() {
            let body = self.body.len();
            return Err(sort.damaged(format!("its table tells of {total} bytes of {body}")));
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn ids(&self) -> impl ExactSizeIterator<Item = PictureId> + use<'a> {
        self.entries.iter().map(id)
    }

    /// The numbers of bytes that the entries have.
    pub(super) fn lengths(&self) -> impl Iterator<Item = usize> {
        let ranges = self.entries.iter().filter_map(|entry| self.range(entry));
        ranges.map(<[u8]>::len)
    }

    /// The bytes of an id; none where it is not there, or where they are not those that were written under it.
    pub(super) fn get(&self, id: PictureId) -> Option<&'a [u8]> {
        let (bytes, kept) = self.unchecked(id)?;
        (check(id, self.numbers, bytes) == kept).then_some(bytes)
    }

    /// The bytes of an id as they stand there, and the check that was written with them.
    pub(super) fn unchecked(&self, wanted: PictureId) -> Option<(&'a [u8], [u8; 16])> {
        let at = self.entries.binary_search_by_key(&wanted, id).ok()?;
        let entry = self.entries.get(at)?;
        let (_, kept) = entry.split_last_chunk::<16>()?;
        Some((self.range(entry)?, *kept))
    }

    fn range(&self, entry: &[u8; ENTRY]) -> Option<&'a [u8]> {
        let (rest, _) = entry.split_last_chunk::<16>()?;
        let (rest, length) = number(rest)?;
        let (_, start) = number(rest)?;
        let start = usize::try_from(start).ok()?;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        self.body.get(start..end)
    }
}

fn id(entry: &[u8; ENTRY]) -> PictureId {
    let mut id = [0; 32];
    for (to, from) in id.iter_mut().zip(entry) {
        *to = *from;
    }
    PictureId::from_bytes(id)
}

fn number(bytes: &[u8]) -> Option<(&[u8], u64)> {
    let (rest, number) = bytes.split_last_chunk::<8>()?;
    Some((rest, u64::from_le_bytes(*number)))
}

/// What tells whether bytes are those that were written under an id.
fn check(id: PictureId, numbers: [u64; 2], bytes: &[u8]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&id.bytes());
    for number in numbers {
        hasher.update(&number.to_le_bytes());
    }
    let mut check = [0; 16];
    hasher.update(bytes).finalize_xof().fill(&mut check);
    check
}
