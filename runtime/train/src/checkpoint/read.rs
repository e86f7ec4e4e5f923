//! Tensors by name, out of one safetensors file or several.

use std::collections::{BTreeMap, BTreeSet};

use safetensors::Dtype;
use safetensors::tensor::TensorInfo;

use super::{CheckpointError, Shard};
use crate::model::{Part, Slab};

/// Which number types are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precision {
    /// F32 only.
    Exact,
    /// Also F16 and BF16, whose numbers are all numbers of F32.
    Widened,
}

impl Precision {
    fn reads(self, dtype: Dtype) -> bool {
        match self {
            Self::Exact => dtype == Dtype::F32,
            Self::Widened => matches!(dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Exact => "F32",
            Self::Widened => "F32, F16 or BF16",
        }
    }
}

/// The tensors of one or several safetensors files.
pub(crate) struct Reader<'a> {
    shards: Vec<Shard<'a>>,
    /// Which shard has each tensor.
    places: BTreeMap<String, usize>,
    precision: Precision,
}

impl<'a> Reader<'a> {
    /// One file in memory, of F32.
    pub(crate) fn new(bytes: &'a &'a [u8]) -> Result<Self, CheckpointError> {
        Self::join(vec![Shard::open(bytes)?], Precision::Exact)
    }

    /// Several files that make up one.
    pub(crate) fn join(
        shards: Vec<Shard<'a>>,
        precision: Precision,
    ) -> Result<Self, CheckpointError> {
        let mut places = BTreeMap::new();
        for (number, shard) in shards.iter().enumerate() {
            for name in shard.names() {
                if let Some(_earlier) = places.insert(name.clone(), number) {
                    return Err(CheckpointError::Twice(name));
                }
            }
        }
        Ok(Self {
            shards,
            places,
            precision,
        })
    }

    /// Names of all tensors, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    /// Fails on any tensor that is not a part of `slabs` under one of `prefixes`.
    pub(crate) fn expect_only(
        &self,
        slabs: &[Slab],
        prefixes: &[&str],
    ) -> Result<(), CheckpointError> {
        let known: BTreeSet<String> = slabs
            .iter()
            .flat_map(|slab| &slab.parts)
            .flat_map(|part| {
                prefixes
                    .iter()
                    .map(|prefix| format!("{prefix}{}", part.name))
            })
            .collect();
        match self.places.keys().find(|name| !known.contains(*name)) {
            None => Ok(()),
            Some(name) => Err(CheckpointError::Unknown(name.clone())),
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
        for (shard, info) in parts {
            shard
                .read(info, &mut values)
                .map_err(CheckpointError::Read)?;
        }
        Ok(values)
    }

    fn part(
        &self,
        prefix: &str,
        part: &Part,
    ) -> Result<(&Shard<'a>, &TensorInfo), CheckpointError> {
        let name = format!("{prefix}{}", part.name);
        let shard = self.places.get(&name).map(|&number| &self.shards[number]);
        let found = shard.and_then(|shard| Some((shard, shard.header.info(&name)?)));
        let Some((shard, info)) = found else {
            return Err(CheckpointError::Missing(name));
        };
        if !self.precision.reads(info.dtype) {
            return Err(CheckpointError::Type {
                name,
                found: info.dtype,
                read: self.precision.words(),
            });
        }
        if info.shape != part.shape {
            let (found, expected) = (info.shape.clone(), part.shape.clone());
            return Err(CheckpointError::Shape {
                name,
                found,
                expected,
            });
        }
        Ok((shard, info))
    }

    /// How many tensors have each type that is widened.
    pub(crate) fn widened(&self) -> BTreeMap<String, usize> {
        let infos = self
            .places
            .iter()
            .filter_map(|(name, &number)| self.shards[number].header.info(name));
        let mut counts = BTreeMap::new();
        for info in infos.filter(|info| info.dtype != Dtype::F32) {
            *counts.entry(format!("{:?}", info.dtype)).or_default() += 1;
        }
        counts
    }

    /// The number of steps in the metadata.
    pub(crate) fn step(&self) -> Result<u64, CheckpointError> {
        let mut entries = self
            .shards
            .iter()
            .filter_map(|shard| shard.header.metadata().as_ref());
        let text = entries.find_map(|entries| entries.get("step"));
        let text = text.ok_or_else(|| CheckpointError::Step("it is missing".to_owned()))?;
        text.parse()
            .map_err(|_| CheckpointError::Step(format!("{text:?} is not a number")))
    }
}
