//! One safetensors file: its header is read first, and checked before memory is reserved for more.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use half::{bf16, f16};
use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, SafeTensorError};
use serde::Deserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};

use super::CheckpointError;

/// Bytes of the header's length, before it.
const LENGTH: u64 = 8;
/// Longest header that is read; the format's own limit.
const LONGEST_HEADER: u64 = 100_000_000;
/// Bytes read and converted at a time.
const CHUNK: usize = 1 << 20;

/// What bytes are read from.
pub(crate) trait Source {
    /// How many there are.
    fn len(&self) -> io::Result<u64>;
    /// Those from `at` on, as many as there is room for.
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()>;
}

impl Source for &[u8] {
    fn len(&self) -> io::Result<u64> {
        Ok(<[u8]>::len(self) as u64)
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let from = usize::try_from(at).ok().and_then(|at| self.get(at..));
        let there = from.and_then(|from| from.get(..into.len()));
        into.copy_from_slice(there.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

impl Source for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(into, at)
    }
}

/// One safetensors file, of which the header was read and checked.
pub(crate) struct Shard<'a> {
    source: &'a dyn Source,
    /// Where the tensors' bytes begin.
    data: u64,
    pub(super) header: Metadata,
}

impl<'a> Shard<'a> {
    /// Reads and checks the header: it fits the file, every byte belongs to one tensor, and no two
    /// have one name.
    pub(crate) fn open(source: &'a dyn Source) -> Result<Self, CheckpointError> {
        let bytes = source.len().map_err(CheckpointError::Read)?;
        let mut length = [0; LENGTH as usize];
        if bytes < LENGTH {
            return Err(SafeTensorError::HeaderTooSmall.into());
        }
        source
            .read_at(0, &mut length)
            .map_err(CheckpointError::Read)?;
        let length = u64::from_le_bytes(length);
        if length > LONGEST_HEADER {
            return Err(SafeTensorError::HeaderTooLarge.into());
        }
        if length > bytes - LENGTH {
            return Err(SafeTensorError::InvalidHeaderLength.into());
        }
        let mut text = vec![0; length as usize];
        source
            .read_at(LENGTH, &mut text)
            .map_err(CheckpointError::Read)?;
        let text = std::str::from_utf8(&text).map_err(SafeTensorError::InvalidHeader)?;
        if let Some(name) = repeated(text).map_err(SafeTensorError::InvalidHeaderDeserialization)? {
            return Err(CheckpointError::Twice(name));
        }
        let header: Metadata =
            serde_json::from_str(text).map_err(SafeTensorError::InvalidHeaderDeserialization)?;
        let data = LENGTH + length;
        if bytes - data != header.data_len() as u64 {
            return Err(SafeTensorError::MetadataIncompleteBuffer.into());
        }
        Ok(Self {
            source,
            data,
            header,
        })
    }

    /// Names of its tensors, in the order of their bytes.
    pub(crate) fn names(&self) -> Vec<String> {
        self.header.offset_keys()
    }

    /// Adds a tensor's numbers to `values`.
    pub(super) fn read(&self, info: &TensorInfo, values: &mut Vec<f32>) -> io::Result<()> {
        let (mut at, end) = info.data_offsets;
        let mut buffer = vec![0; CHUNK.min(end - at)];
        while at < end {
            let bytes = &mut buffer[..CHUNK.min(end - at)];
            self.source.read_at(self.data + at as u64, bytes)?;
            widen(info.dtype, bytes, values);
            at += bytes.len();
        }
        Ok(())
    }
}

/// Adds the numbers in `bytes` to `values`; all are of one type that is read.
fn widen(dtype: Dtype, bytes: &[u8], values: &mut Vec<f32>) {
    let halves = || bytes.as_chunks().0.iter().copied();
    match dtype {
        Dtype::F16 => values.extend(halves().map(|half| f16::from_le_bytes(half).to_f32())),
        Dtype::BF16 => values.extend(halves().map(|half| bf16::from_le_bytes(half).to_f32())),
        _ => values.extend(
            bytes
                .as_chunks()
                .0
                .iter()
                .map(|&four| f32::from_le_bytes(four)),
        ),
    }
}

/// The first key that an object of JSON has twice; the library would take the last one.
pub(crate) fn repeated(text: &str) -> Result<Option<String>, serde_json::Error> {
    struct Keys;
    impl<'de> Visitor<'de> for Keys {
        type Value = Option<String>;

        fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
            out.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let (mut seen, mut twice) = (BTreeSet::new(), None);
            while let Some((name, _)) = map.next_entry::<String, IgnoredAny>()? {
                if let Some(name) = seen.replace(name) {
                    twice.get_or_insert(name);
                }
            }
            Ok(twice)
        }
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let found = (&mut reader).deserialize_map(Keys)?;
    reader.end()?;
    Ok(found)
}
