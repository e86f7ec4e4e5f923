//! Reading a folder: shape, and weights in one file or in shards.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::OFlags;
use serde::Deserializer;
use serde::de::{Error as _, MapAccess, Visitor};

use super::{CONFIG, HuggingFaceError, INDEX, WEIGHTS, read_config};
use crate::checkpoint::{Precision, Reader, Shard};
use crate::{CheckpointError, Model, ModelConfig};

/// Longest `config.json` that is read.
pub(crate) const LONGEST_CONFIG: u64 = 1 << 20;
/// Longest index that is read.
const LONGEST_INDEX: u64 = 100 << 20;
/// Bytes of the smallest number type that is read.
const SMALLEST: u64 = 2;

/// A model out of a Hugging Face folder.
#[derive(Debug)]
pub struct Pretrained {
    /// The model, in F32.
    pub model: Model,
    /// How many tensors were of each smaller type (`BF16`, `F16`), and were widened without loss.
    pub widened: BTreeMap<String, usize>,
}

/// Reads the shape that a folder's `config.json` tells; none where there is no such file.
pub fn read_shape(folder: &Path) -> Result<Option<ModelConfig>, HuggingFaceError> {
    let path = folder.join(CONFIG);
    if !is_there(&path) {
        return Ok(None);
    }
    let json = read_text(&path, LONGEST_CONFIG)?;
    let config = read_config(&json).map_err(|source| HuggingFaceError::Config {
        path,
        source: Box::new(source),
    })?;
    Ok(Some(config))
}

impl Pretrained {
    /// Reads shape and weights of a folder.
    pub fn read(folder: &Path) -> Result<Self, HuggingFaceError> {
        match read_shape(folder)? {
            Some(config) => Self::read_as(folder, &config),
            None => Err(HuggingFaceError::Read {
                path: folder.join(CONFIG),
                source: std::io::ErrorKind::NotFound.into(),
            }),
        }
    }

    /// Reads the weights of a folder, for a model of this shape.
    ///
    /// Fails on a malformed file, and on any tensor that is missing, unknown, there twice, or of
    /// another shape or type. Reserves no more memory than the files have bytes (twice that where
    /// they are of half precision).
    pub fn read_as(folder: &Path, config: &ModelConfig) -> Result<Self, HuggingFaceError> {
        let wrong = |path: &Path, source: CheckpointError| HuggingFaceError::Weights {
            path: path.to_owned(),
            source: Box::new(source),
        };
        config
            .check()
            .map_err(|error| wrong(folder, error.into()))?;
        let index = Index::of(folder)?;
        let mut files = Vec::new();
        let mut bytes = 0;
        for name in &index.files {
            let path = folder.join(name);
            let file = open(&path)?;
            bytes += file
                .metadata()
                .map_err(|source| unread(&path, source))?
                .len();
            files.push((path, file));
        }
        // A large shape in a small folder must not make us lay out its parameters.
        let parameters = config.parameters();
        if bytes / SMALLEST < parameters {
            return Err(HuggingFaceError::TooSmall {
                path: folder.to_owned(),
                bytes,
                parameters,
            });
        }
        let mut shards = Vec::new();
        for (path, file) in &files {
            let shard = Shard::open(file).map_err(|error| wrong(path, error))?;
            index.agrees(folder, path, &shard)?;
            shards.push(shard);
        }
        let place = match &files[..] {
            [(path, _)] => path,
            _ => folder,
        };
        let reader =
            Reader::join(shards, Precision::Widened).map_err(|error| wrong(place, error))?;
        let model = Model::read(config, &reader).map_err(|error| wrong(place, error))?;
        Ok(Self {
            model,
            widened: reader.widened(),
        })
    }
}

/// Which files hold the weights, and which tensors each.
struct Index {
    /// None where there is one file and no index.
    tensors: Option<BTreeMap<String, String>>,
    files: BTreeSet<String>,
}

impl Index {
    /// As `transformers` does: one file where there is one, else the shards of the index.
    fn of(folder: &Path) -> Result<Self, HuggingFaceError> {
        if is_there(&folder.join(WEIGHTS)) {
            return Ok(Self {
                tensors: None,
                files: BTreeSet::from([WEIGHTS.to_owned()]),
            });
        }
        let path = folder.join(INDEX);
        if !is_there(&path) {
            return Err(no_weights(folder));
        }
        let json = read_text(&path, LONGEST_INDEX)?;
        let problem = |problem: String| HuggingFaceError::Index {
            path: path.clone(),
            problem,
        };
        let table: Table =
            serde_json::from_slice(&json).map_err(|error| problem(error.to_string()))?;
        let tensors = table.weight_map;
        let files: BTreeSet<String> = tensors.values().cloned().collect();
        match files.iter().find(|name| !is_plain(name)) {
            Some(name) => Err(problem(format!(
                "it names the file {name:?}; shards are plain names of `.safetensors` files beside it"
            ))),
            None if files.is_empty() => Err(problem("it names no file".to_owned())),
            None => Ok(Self {
                tensors: Some(tensors),
                files,
            }),
        }
    }

    /// Fails where a shard has not just the tensors that the index says it has.
    fn agrees(&self, folder: &Path, path: &Path, shard: &Shard) -> Result<(), HuggingFaceError> {
        let Some(tensors) = &self.tensors else {
            return Ok(());
        };
        let file = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let there: BTreeSet<String> = shard.names().into_iter().collect();
        let told = tensors.iter().filter(|(_, of)| *of == file);
        let told: BTreeSet<String> = told.map(|(name, _)| name.clone()).collect();
        let problem = if let Some(name) = told.difference(&there).next() {
            format!("it says that `{name}` is in `{file}`, and it is not")
        } else if let Some(name) = there.difference(&told).next() {
            format!("it does not say that `{name}` is in `{file}`")
        } else {
            return Ok(());
        };
        Err(HuggingFaceError::Index {
            path: folder.join(INDEX),
            problem,
        })
    }
}

/// The table of an index: tensors, and the files they are in.
#[derive(serde::Deserialize)]
struct Table {
    #[serde(deserialize_with = "once_each")]
    weight_map: BTreeMap<String, String>,
}

/// An object of texts whose keys are there once each.
fn once_each<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
    struct Pairs;
    impl<'de> Visitor<'de> for Pairs {
        type Value = BTreeMap<String, String>;

        fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
            out.write_str("an object of texts")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut pairs = BTreeMap::new();
            while let Some((key, value)) = map.next_entry::<String, String>()? {
                if let Some((key, _)) = pairs.get_key_value(&key) {
                    return Err(A::Error::custom(format!("it names `{key}` twice")));
                }
                pairs.insert(key, value);
            }
            Ok(pairs)
        }
    }
    from.deserialize_map(Pairs)
}

/// Whether a shard's name stays in its folder.
fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    let is_one = matches!(parts.next(), Some(Component::Normal(part)) if part == name);
    let has_ending = name
        .strip_suffix(".safetensors")
        .is_some_and(|stem| !stem.is_empty());
    is_one && parts.next().is_none() && has_ending && !name.contains(['\\', '\0'])
}

/// Says what there is in place of safetensors.
fn no_weights(folder: &Path) -> HuggingFaceError {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut pickles: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            let ending = path.extension().and_then(|ending| ending.to_str());
            ending.is_some_and(|ending| ["bin", "pt", "pth", "ckpt", "pkl"].contains(&ending))
        })
        .collect();
    pickles.sort_unstable();
    match pickles.into_iter().next() {
        Some(path) => HuggingFaceError::Pickle { path },
        None => HuggingFaceError::NoWeights {
            path: folder.to_owned(),
        },
    }
}

/// Whether there is anything of this name, were it a link to nowhere.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Opens a plain file; never follows a link, never waits.
pub(crate) fn open(path: &Path) -> Result<File, HuggingFaceError> {
    let about = path.symlink_metadata();
    let about = about.map_err(|source| unread(path, source))?;
    let what = match about.file_type() {
        kind if kind.is_file() => None,
        kind if kind.is_symlink() => Some("a link"),
        kind if kind.is_dir() => Some("a folder"),
        _ => Some("a pipe or a device"),
    };
    if let Some(what) = what {
        let path = path.to_owned();
        return Err(HuggingFaceError::NotPlain { path, what });
    }
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    opened.map_err(|source| unread(path, source))
}

/// Fails where a file is too small for so many parameters, which are then never laid out.
pub(crate) fn holds(path: &Path, file: &File, parameters: u128) -> Result<(), HuggingFaceError> {
    let about = file.metadata();
    let bytes = about.map_err(|source| unread(path, source))?.len();
    if u128::from(bytes / SMALLEST) >= parameters {
        return Ok(());
    }
    Err(HuggingFaceError::TooSmall {
        path: path.to_owned(),
        bytes,
        parameters: u64::try_from(parameters).unwrap_or(u64::MAX),
    })
}

pub(crate) fn read_text(path: &Path, most: u64) -> Result<Vec<u8>, HuggingFaceError> {
    let file = open(path)?;
    let bytes = file
        .metadata()
        .map_err(|source| unread(path, source))?
        .len();
    if bytes > most {
        let path = path.to_owned();
        return Err(HuggingFaceError::TooLong { path, bytes, most });
    }
    let mut text = Vec::with_capacity(bytes as usize);
    let read = file.take(most).read_to_end(&mut text);
    read.map_err(|source| unread(path, source))?;
    Ok(text)
}

fn unread(path: &Path, source: std::io::Error) -> HuggingFaceError {
    HuggingFaceError::Read {
        path: path.to_owned(),
        source,
    }
}
