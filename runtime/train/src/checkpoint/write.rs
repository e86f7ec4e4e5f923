//! Encoding safetensors: equal numbers give equal bytes.

use std::borrow::Cow;
use std::collections::HashMap;

use safetensors::Dtype;
use safetensors::tensor::View;

use super::CheckpointError;
use crate::model::Slab;

/// Numbers of one slab, to encode under a prefix.
pub(crate) struct Entry<'a> {
    pub(crate) prefix: &'static str,
    pub(crate) slab: &'a Slab,
    pub(crate) values: &'a [f32],
}

/// Encodes slabs, split into their parts, with one line of metadata.
pub(crate) fn encode<'a>(
    entries: impl IntoIterator<Item = Entry<'a>>,
    metadata: (&str, String),
) -> Result<Vec<u8>, CheckpointError> {
    encode_parts(entries.into_iter().flat_map(Entry::parts), metadata)
}

/// Encodes named tensors with one line of metadata.
///
/// One line only: the library keeps metadata in a hash map, and the bytes must have one order.
pub(crate) fn encode_parts<'a>(
    parts: impl IntoIterator<Item = (String, Numbers<'a>)>,
    (key, value): (&str, String),
) -> Result<Vec<u8>, CheckpointError> {
    let metadata = HashMap::from([(key.to_owned(), value)]);
    Ok(safetensors::serialize(parts, Some(metadata))?)
}

impl<'a> Entry<'a> {
    /// The tensors of the slab by name, in its order.
    pub(crate) fn parts(self) -> impl Iterator<Item = (String, Numbers<'a>)> {
        let mut rest = self.values;
        self.slab.parts.iter().map(move |part| {
            let (values, after) = rest.split_at(part.len());
            rest = after;
            (
                format!("{}{}", self.prefix, part.name),
                Numbers {
                    shape: &part.shape,
                    values,
                },
            )
        })
    }
}

/// Numbers as bytes, little-endian; most machines have them so already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers<'a> {
    shape: &'a [usize],
    values: &'a [f32],
}

impl View for Numbers<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        if cfg!(target_endian = "little") {
            return Cow::Borrowed(bytemuck::cast_slice(self.values));
        }
        self.values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    }

    fn data_len(&self) -> usize {
        size_of_val(self.values)
    }
}
