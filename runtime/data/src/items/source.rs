//! Where items come from.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::intake::Intake;
use super::{Item, Published, file, folder, scenes};
use crate::error::DataError;
use crate::image::Limits;
use crate::world::{ItemKind, Split};

/// What is asked about the pictures of a folder of classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// To describe them: the answer is "a picture of a CLASS".
    Caption,
    /// What they show: so many classes to choose from.
    Options(usize),
}

/// What is done about pictures that are missing or cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// The first one is an error.
    Fatal,
    /// Their items are counted and left out.
    Skip,
}

/// One of two parts of a source, between which each item is told by a hash.
///
/// The hash is of what is asked, so that two pictures with one question are on one side; where the wording is not
/// the source's own (classes and plain captions), of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side {
    /// The share that is held out, a fraction strictly between 0 and 1.
    pub held_out: (u64, u64),
    /// The part: [`Split::Test`] is what is held out.
    pub split: Split,
}

/// The fields of a file, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    /// The path of the picture; items without it have none.
    pub image: String,
    /// What is asked.
    pub question: String,
    /// The right answer.
    pub answer: String,
    /// What the answer is chosen from, a list; open questions have none.
    pub options: String,
    /// A word, or a list of words.
    pub labels: String,
    /// The item's name; without it, its place in the file.
    pub id: String,
}

impl Default for Fields {
    /// `image`, `question`, `answer`, `options`, `labels` and `id`.
    fn default() -> Self {
        let [image, question, answer, options, labels, id] =
            ["image", "question", "answer", "options", "labels", "id"].map(str::to_owned);
        Self {
            image,
            question,
            answer,
            options,
            labels,
            id,
        }
    }
}

/// A place that items come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemSource {
    /// Scenes of the synthetic world. Item `i` is number `i / n` of kind `kinds[i % n]`, of `n` kinds; pictures are
    /// encoded as PNG.
    Scenes {
        /// The kinds, each once.
        kinds: Vec<ItemKind>,
        /// The side of the world's contents.
        split: Split,
        /// The seed of every choice.
        seed: u64,
        /// Items wanted.
        items: u64,
    },
    /// A file, whose layout its ending tells.
    File {
        /// The file.
        path: PathBuf,
        /// The folder that pictures' paths begin at; where there is none, a path of a picture is refused.
        pictures: Option<PathBuf>,
        /// What its fields are called.
        fields: Fields,
        /// What is done about broken pictures.
        broken: Broken,
        /// The part that is read; `None` is all of it.
        side: Option<Side>,
    },
    /// A published benchmark.
    Published {
        /// Which.
        benchmark: Published,
        /// Its files, and folders of pictures, in the order in which its release names them.
        files: Vec<PathBuf>,
    },
    /// A folder with a folder of pictures for each class: `CLASS/*.jpg`, `.jpeg`, `.png` or `.webp`.
    Folder {
        /// The folder.
        path: PathBuf,
        /// What is asked.
        ask: Ask,
        /// The seed of every choice.
        seed: u64,
        /// What is done about broken pictures.
        broken: Broken,
        /// The part that is read; `None` is all of it.
        side: Option<Side>,
    },
}

impl ItemSource {
    /// How messages call the source: its file in backticks, or the scenes of the world.
    pub fn origin(&self) -> String {
        match self {
            Self::Scenes { .. } => "the world in scenes".to_owned(),
            Self::File { path, .. } | Self::Folder { path, .. } => format!("`{}`", path.display()),
            Self::Published { files, .. } => {
                let files = files.iter().map(|path| format!("`{}`", path.display()));
                files.collect::<Vec<_>>().join(" and ")
            }
        }
    }

    /// What is done about broken pictures, and the part that is read.
    pub(super) fn policy(&self) -> (Broken, Option<Side>) {
        match self {
            Self::Scenes { .. } | Self::Published { .. } => (Broken::Fatal, None),
            Self::File { broken, side, .. } | Self::Folder { broken, side, .. } => (*broken, *side),
        }
    }
}

/// What a source holds, as far as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ItemStats {
    /// Number of items.
    pub items: u64,
    /// Number of different pictures.
    pub pictures: u64,
    /// Items that have a picture.
    pub with_picture: u64,
    /// Items that were left out because their picture is broken.
    pub broken: u64,
    /// The first eight broken pictures, with their places.
    pub broken_names: Vec<String>,
    /// How many items have each label.
    pub labels: BTreeMap<String, u64>,
}

/// What takes items, each with the encoded bytes of its picture, and says whether to go on.
pub type VisitItem<'a> = dyn FnMut(Item, Option<&[u8]>) -> Result<ControlFlow<()>, DataError> + 'a;

/// Calls `each` with every item of `source` and the encoded bytes of its picture, in the order of the source.
///
/// [`ControlFlow::Break`] stops. Each different picture is decoded once, within `limits`, before `each` sees it;
/// one picture at a time is held.
///
/// # Errors
/// [`DataError::Items`] for what is no item, for pictures that are broken (unless they are skipped) or lie outside
/// their folder, and for a source without items; [`DataError::HeldOutShare`]; errors of reading; whatever `each`
/// returns.
pub fn read_items(
    source: &ItemSource,
    limits: &Limits,
    each: &mut VisitItem<'_>,
) -> Result<ItemStats, DataError> {
    let mut intake = Intake::new(source, limits, each)?;
    match source {
        ItemSource::Scenes {
            kinds,
            split,
            seed,
            items,
        } => scenes::visit(kinds, *split, *seed, *items, &mut intake)?,
        ItemSource::File {
            path,
            pictures,
            fields,
            ..
        } => file::visit(path, pictures.as_deref(), fields, &mut intake)?,
        ItemSource::Published { benchmark, files } => benchmark.visit(files, &mut intake)?,
        ItemSource::Folder {
            path, ask, seed, ..
        } => folder::visit(path, *ask, *seed, &mut intake)?,
    }
    intake.finish()
}
