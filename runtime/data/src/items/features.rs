//! Files of features: what a vision encoder makes of each picture, in half precision, found by the picture's id.

use std::io::Write;

use half::f16;

use super::PictureId;
use super::table::{Sort, Table, TableWriter};
use crate::error::DataError;

const SORT: Sort = Sort {
    what: "features file",
    magic: *b"VPCF-END",
};

/// Writes a features file: [vectors, width] numbers (f16, little-endian) of each picture one after the other, then a
/// table sorted by id, then a trailer.
pub struct FeaturesWriter<W: Write> {
    table: TableWriter<W>,
    numbers: Option<usize>,
    bytes: Vec<u8>,
}

impl<W: Write> FeaturesWriter<W> {
    /// Begins a features file on `out`, of `vectors_per_picture` vectors with `width` numbers each.
    pub fn new(out: W, vectors_per_picture: usize, width: usize) -> Self {
        let sizes = [vectors_per_picture as u64, width as u64];
        Self {
            table: TableWriter::new(&SORT, sizes, out),
            numbers: vectors_per_picture.checked_mul(width),
            bytes: Vec::new(),
        }
    }

    /// Adds the features of a picture, [vectors, width], unless it is there already; each number is rounded to the
    /// nearest of half precision, ties to even.
    ///
    /// # Errors
    /// [`DataError::Write`] when the output fails; [`DataError::Damaged`] for another number of numbers, or one that
    /// half precision cannot hold.
    pub fn add(&mut self, id: PictureId, features: &[f32]) -> Result<(), DataError> {
        if self.table.has(id) {
            return Ok(());
        }
        if features.is_empty() || self.numbers != Some(features.len()) {
            let (there, wanted) = (features.len(), self.numbers.unwrap_or(usize::MAX));
            return Err(SORT.damaged(format!("{id} has {there} numbers and not {wanted}")));
        }
        self.bytes.clear();
        for &number in features {
            let half = f16::from_f32(number);
            if !half.is_finite() {
                return Err(SORT.damaged(format!(
                    "{id} has the number {number}, and half precision reaches from -65504 to 65504"
                )));
            }
            self.bytes.extend(half.to_le_bytes());
        }
        self.table.add(id, &self.bytes)
    }

    /// Writes table and trailer, flushes, and gives the output back.
    ///
    /// # Errors
    /// [`DataError::Write`] when the output fails.
    pub fn finish(self) -> Result<W, DataError> {
        self.table.finish()
    }
}

/// A features file over bytes that the caller holds, such as a memory map.
#[derive(Clone, Copy)]
pub struct Features<'a> {
    table: Table<'a>,
    vectors: usize,
    width: usize,
}

impl<'a> Features<'a> {
    /// Takes `bytes` as a features file; its table is checked, and each picture's features when they are asked for.
    ///
    /// # Errors
    /// [`DataError::Damaged`] where sizes, table, trailer and length do not fit together.
    pub fn new(bytes: &'a [u8]) -> Result<Self, DataError> {
        let table = Table::new(&SORT, bytes)?;
        let [vectors, width] = table.numbers.map(|size| usize::try_from(size).ok());
        let sizes = vectors.zip(width);
        let size = sizes.and_then(|(vectors, width)| vectors.checked_mul(width)?.checked_mul(2));
        let Some(((vectors, width), size)) = sizes.zip(size) else {
            return Err(SORT.damaged("its features have more numbers than there can be"));
        };
        if let Some(other) = table.lengths().find(|length| *length != size || size == 0) {
            return Err(SORT.damaged(format!(
                "a picture has {other} bytes where {vectors} vectors of {width} numbers have {size}"
            )));
        }
        Ok(Self {
            table,
            vectors,
            width,
        })
    }

    /// Vectors of a picture.
    pub fn vectors(&self) -> usize {
        self.vectors
    }

    /// Numbers of a vector.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The features of a picture, [vectors, width]; none where it is not there, or where they are not those that
    /// were written.
    pub fn get(&self, id: PictureId) -> Option<Vec<f32>> {
        let (halves, _) = self.table.get(id)?.as_chunks::<2>();
        let number = |half: &[u8; 2]| f16::from_le_bytes(*half).to_f32();
        Some(halves.iter().map(number).collect())
    }

    /// The pictures there are, sorted.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = PictureId> + use<'a> {
        self.table.ids()
    }

    /// Number of pictures.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is no picture at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
