//! Where items come from: files, folders of pictures, scenes of the world, published benchmarks.

use serde::{Deserialize, Serialize};

use crate::plan::{Fraction, Key, Operation, Record, Value};

/// A source of items. Paths are for reading; identity is the digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum ItemsSpec {
    /// A file of items.
    File {
        /// Where it is.
        path: Operation<String>,
        /// blake3 of its bytes.
        digest: Key,
        /// The folder of its pictures, where it names some by path.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pictures: Option<PicturesSpec>,
        /// What its fields are called.
        #[serde(default)]
        fields: ItemFields,
        /// What becomes of pictures that cannot be read.
        #[serde(default)]
        broken: Broken,
        /// The part that is taken; all where none is named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        part: Option<PartSpec>,
    },
    /// Photographs in a folder for each class.
    Folder {
        /// Where it is.
        path: Operation<String>,
        /// The digest of the folder; see [`PicturesSpec::digest`].
        digest: Key,
        /// What is asked of a picture.
        ask: Ask,
        /// Seed of the options that are offered.
        seed: u64,
        /// What becomes of pictures that cannot be read.
        broken: Broken,
        /// The part that is taken; all where none is named.
        part: Option<PartSpec>,
    },
    /// Scenes of the synthetic world, drawn on the spot.
    Scenes {
        /// Kinds of items, which take turns.
        kinds: Vec<String>,
        /// On which side of the world's contents.
        side: Split,
        /// Seed of the generator.
        seed: u64,
    },
    /// A published benchmark.
    Published {
        /// Its word.
        name: String,
        /// What it is read from, in the order of its release.
        files: Vec<PublishedFile>,
    },
    /// Not there yet.
    Planned {
        /// What it will be.
        what: String,
        /// How to get it, where that is known.
        #[serde(default, skip_serializing_if = "Operation::is_none")]
        advice: Operation<Option<String>>,
    },
}

/// A file of a published benchmark, or a folder of its pictures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedFile {
    /// Where it is.
    pub path: Operation<String>,
    /// blake3 of its bytes; of a folder see [`PicturesSpec::digest`].
    pub digest: Key,
}

/// A folder of pictures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PicturesSpec {
    /// Where it is.
    pub path: Operation<String>,
    /// The digest of names and contents of all files in it, whatever their times and owners.
    pub digest: Key,
}

/// What the fields of items are called in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemFields {
    /// The path of the picture.
    pub image: String,
    /// What is asked.
    pub question: String,
    /// The right answer.
    pub answer: String,
}

/// What is asked of a picture in a folder of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// To describe it.
    Caption,
    /// Which of so many classes it shows.
    Options(u64),
}

/// What becomes of a picture that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Broken {
    /// The job fails.
    #[default]
    Fatal,
    /// Its item is left out, and counted.
    Skip,
}

/// A part of a source, chosen by content: what was asked, or the picture where all are asked alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartSpec {
    /// The share on the test side.
    pub held_out: Fraction,
    /// The side that is taken.
    pub side: Split,
}

/// To learn from, or to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// To learn from.
    Train,
    /// To be asked.
    Test,
}

impl Default for ItemFields {
    fn default() -> Self {
        Self {
            image: "image".to_owned(),
            question: "question".to_owned(),
            answer: "answer".to_owned(),
        }
    }
}

impl Split {
    /// Returns the side's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }
}

impl ItemsSpec {
    /// Returns whether the number of items is part of what is asked for, and not known from the source.
    pub const fn is_counted(&self) -> bool {
        match self {
            Self::File { .. } | Self::Folder { .. } | Self::Published { .. } => false,
            Self::Scenes { .. } | Self::Planned { .. } => true,
        }
    }

    /// Returns the files and folders that are read.
    pub fn data(&self) -> impl Iterator<Item = (&Operation<String>, Key)> {
        let mut published = [].iter();
        let (of, pictures) = match self {
            Self::Published { name: _, files } => {
                published = files.iter();
                (None, None)
            }
            Self::File {
                path,
                digest,
                pictures,
                ..
            } => (Some((path, *digest)), pictures.as_ref()),
            Self::Folder { path, digest, .. } => (Some((path, *digest)), None),
            Self::Scenes { .. } | Self::Planned { .. } => (None, None),
        };
        let pictures = pictures.map(|folder| (&folder.path, folder.digest));
        let published = published.map(|file| (&file.path, file.digest));
        of.into_iter().chain(pictures).chain(published)
    }

    /// Adds the source to a record, under a name of the caller.
    pub(super) fn onto<'t>(&'t self, record: Record<'t>, name: &'static str) -> Record<'t> {
        match self {
            Self::Published { name: of, files } => {
                let mut value: Vec<Value<'t>> = vec!["published".into(), of.as_str().into()];
                value.extend(files.iter().map(|file| (*file.digest.bytes()).into()));
                record.with(name, value)
            }
            Self::Planned { what, advice: _ } => {
                let value: [Value<'t>; 2] = ["planned".into(), what.as_str().into()];
                record.with(name, value.to_vec())
            }
            Self::File {
                path: _,
                digest,
                pictures,
                fields,
                broken,
                part,
            } => {
                let file: [Value<'t>; 2] = ["file".into(), (*digest.bytes()).into()];
                let mut record = record.with(name, file.to_vec());
                if let Some(pictures) = pictures {
                    record = record.with("pictures", *pictures.digest.bytes());
                }
                if *fields != ItemFields::default() {
                    let ItemFields {
                        image,
                        question,
                        answer,
                    } = fields;
                    let names = [image, question, answer].map(|field| field.as_str().into());
                    record = record.with("fields", names.to_vec());
                }
                taken(broken.onto(record), part.as_ref())
            }
            Self::Folder {
                path: _,
                digest,
                ask,
                seed,
                broken,
                part,
            } => {
                let folder: [Value<'t>; 2] = ["folder".into(), (*digest.bytes()).into()];
                let record = record.with(name, folder.to_vec());
                let record = match ask {
                    Ask::Caption => record.with("ask", "caption"),
                    Ask::Options(options) => {
                        let record = record.with("ask", "options");
                        record.with("options", *options).with("seed", *seed)
                    }
                };
                taken(broken.onto(record), part.as_ref())
            }
            Self::Scenes { kinds, side, seed } => {
                let scenes: [Value<'t>; 2] = ["scenes".into(), Value::texts(kinds)];
                let record = record.with(name, scenes.to_vec());
                record.with("side", side.word()).with("seed", *seed)
            }
        }
    }
}

impl Broken {
    fn onto(self, record: Record<'_>) -> Record<'_> {
        match self {
            Self::Fatal => record,
            Self::Skip => record.with("broken", "skip"),
        }
    }
}

fn taken<'t>(record: Record<'t>, part: Option<&PartSpec>) -> Record<'t> {
    match part {
        None => record,
        Some(PartSpec { held_out, side }) => {
            record.with("held_out", *held_out).with("side", side.word())
        }
    }
}
