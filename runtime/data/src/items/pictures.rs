//! Files of pictures: the encoded bytes of each different one, found by its id.

use std::io::Write;

use super::PictureId;
use super::table::{Sort, Table, TableWriter};
use crate::error::DataError;

const SORT: Sort = Sort {
    what: "pictures file",
    magic: *b"VPCP-END",
};

/// Writes a pictures file: the bytes one after the other, then a table sorted by id, then a trailer.
pub struct PicturesWriter<W: Write>(TableWriter<W>);

impl<W: Write> PicturesWriter<W> {
    /// Begins a pictures file on `out`.
    pub fn new(out: W) -> Self {
        Self(TableWriter::new(&SORT, [0; 2], out))
    }

    /// Adds a picture's encoded bytes, unless it is there already.
    ///
    /// # Errors
    /// [`DataError::Write`] when the output fails; [`DataError::Damaged`] for bytes that are not those of the id.
    pub fn add(&mut self, id: PictureId, bytes: &[u8]) -> Result<(), DataError> {
        if self.0.has(id) {
            return Ok(());
        }
        if PictureId::of(bytes) != id {
            return Err(SORT.damaged(format!("the bytes for {id} are those of another picture")));
        }
        self.0.add(id, bytes)
    }

    /// Writes table and trailer, flushes, and gives the output back.
    ///
    /// # Errors
    /// [`DataError::Write`] when the output fails.
    pub fn finish(self) -> Result<W, DataError> {
        self.0.finish()
    }
}

/// A pictures file over bytes that the caller holds, such as a memory map.
#[derive(Clone, Copy)]
pub struct Pictures<'a>(Table<'a>);

impl<'a> Pictures<'a> {
    /// Takes `bytes` as a pictures file; its table is checked, and each picture when it is asked for.
    ///
    /// # Errors
    /// [`DataError::Damaged`] where table, trailer and length do not fit together.
    pub fn new(bytes: &'a [u8]) -> Result<Self, DataError> {
        let table = Table::new(&SORT, bytes)?;
        if table.numbers != [0; 2] {
            return Err(SORT.damaged("its trailer has numbers where zeros belong"));
        }
        Ok(Self(table))
    }

    /// The encoded bytes of a picture; none where it is not there, or where the bytes are not its own.
    pub fn get(&self, id: PictureId) -> Option<&'a [u8]> {
        let (bytes, _) = self.0.unchecked(id)?;
        (PictureId::of(bytes) == id).then_some(bytes)
    }

    /// The pictures there are, sorted.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = PictureId> + use<'a> {
        self.0.ids()
    }

    /// Number of pictures.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no picture at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
