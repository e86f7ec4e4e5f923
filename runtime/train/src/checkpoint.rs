//! Reading and writing parameters and moments as safetensors.

use std::borrow::Cow;
use std::collections::HashMap;

use safetensors::tensor::{Metadata, View};
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use thiserror::Error;

use crate::ConfigError;
use crate::model::{Part, Slab};

/// Why a checkpoint could not be read or written.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// The model asked for cannot be built.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The file is not well-formed safetensors.
    #[error("not a valid safetensors file: {0}")]
    Format(#[from] SafeTensorError),
    /// A parameter is not in the file.
    #[error("tensor `{0}` is missing")]
    Missing(String),
    /// The file holds a tensor that the model has no place for.
    #[error("tensor `{0}` is not part of this model")]
    Unknown(String),
    /// A tensor is of another size than the model's.
    #[error("tensor `{name}` has shape {found:?}; this model needs {expected:?}")]
    Shape {
        /// Name of the tensor.
        name: String,
        /// Shape in the file.
        found: Vec<usize>,
        /// Shape in the model.
        expected: Vec<usize>,
    },
    /// A tensor is of another number type.
    #[error("tensor `{name}` holds {found:?}; only F32 is read")]
    Type {
        /// Name of the tensor.
        name: String,
        /// Type in the file.
        found: Dtype,
    },
    /// The optimiser's file does not say how many steps were done.
    #[error("the optimiser's file has no valid `step` in its metadata: {0}")]
    Step(String),
    /// The file could not be written.
    #[error("the checkpoint could not be written")]
    Write(#[from] std::io::Error),
}

/// A safetensors file in memory.
pub(crate) struct Reader<'a> {
    tensors: SafeTensors<'a>,
    metadata: Metadata,
}

impl<'a> Reader<'a> {
    /// Reads and checks the header.
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, CheckpointError> {
        let (_, metadata) = SafeTensors::read_metadata(bytes)?;
        Ok(Self {
            tensors: SafeTensors::deserialize(bytes)?,
            metadata,
        })
    }

    /// Fails on any tensor that is not a part of `slabs` under one of `prefixes`.
    pub(crate) fn expect_only(
        &self,
        slabs: &[Slab],
        prefixes: &[&str],
    ) -> Result<(), CheckpointError> {
        let known: std::collections::BTreeSet<String> = slabs
            .iter()
            .flat_map(|slab| &slab.parts)
            .flat_map(|part| {
                prefixes
                    .iter()
                    .map(|prefix| format!("{prefix}{}", part.name))
            })
            .collect();
        let mut names = self.tensors.names();
        names.sort_unstable();
        match names.into_iter().find(|name| !known.contains(*name)) {
            None => Ok(()),
            Some(name) => Err(CheckpointError::Unknown(name.to_owned())),
        }
    }

    /// The numbers of a slab, whose parts are named with `prefix` before them.
    pub(crate) fn slab(&self, prefix: &str, slab: &Slab) -> Result<Vec<f32>, CheckpointError> {
        // Checked first: a hostile configuration must not make us reserve memory.
        let parts = slab
            .parts
            .iter()
            .map(|part| self.part(prefix, part))
            .collect::<Result<Vec<_>, _>>()?;
        let mut values = Vec::with_capacity(slab.len());
        for bytes in parts {
            let (numbers, _) = bytes.as_chunks();
            values.extend(numbers.iter().map(|&number| f32::from_le_bytes(number)));
        }
        Ok(values)
    }

    fn part(&self, prefix: &str, part: &Part) -> Result<&'a [u8], CheckpointError> {
        let name = format!("{prefix}{}", part.name);
        let Ok(tensor) = self.tensors.tensor(&name) else {
            return Err(CheckpointError::Missing(name));
        };
        if tensor.dtype() != Dtype::F32 {
            return Err(CheckpointError::Type {
                name,
                found: tensor.dtype(),
            });
        }
        if tensor.shape() != part.shape {
            let (found, expected) = (tensor.shape().to_vec(), part.shape.clone());
            return Err(CheckpointError::Shape {
                name,
                found,
                expected,
            });
        }
        Ok(tensor.data())
    }

    /// The number of steps in the metadata.
    pub(crate) fn step(&self) -> Result<u64, CheckpointError> {
        let text = self
            .metadata
            .metadata()
            .as_ref()
            .and_then(|entries| entries.get("step"));
        let text = text.ok_or_else(|| CheckpointError::Step("it is missing".to_owned()))?;
        text.parse()
            .map_err(|_| CheckpointError::Step(format!("{text:?} is not a number")))
    }
}

/// Numbers of one slab, to write under a prefix.
pub(crate) struct Entry<'a> {
    pub(crate) prefix: &'static str,
    pub(crate) slab: &'a Slab,
    pub(crate) values: &'a [f32],
}

/// Encodes slabs, split into their parts, with one line of metadata.
///
/// One line only: the library keeps metadata in a hash map, and the bytes must have one order.
pub(crate) fn encode<'a>(
    entries: impl IntoIterator<Item = Entry<'a>>,
    (key, value): (&str, String),
) -> Result<Vec<u8>, CheckpointError> {
    let tensors = entries.into_iter().flat_map(Entry::parts);
    let metadata = HashMap::from([(key.to_owned(), value)]);
    Ok(safetensors::serialize(tensors, Some(metadata))?)
}

impl<'a> Entry<'a> {
    fn parts(self) -> impl Iterator<Item = (String, Numbers<'a>)> {
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
struct Numbers<'a> {
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
