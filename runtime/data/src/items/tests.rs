//! Items: their layouts, files and choices.

mod archives;
mod choosing;
mod confining;
mod files;
mod folders;
mod lists;
mod published;
mod published_language;
mod published_parquet;
mod rations;
mod scenes;
mod sides;
mod tables;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::*;
use crate::image::{Limits, Picture};

/// An item with one turn.
fn item(question: &str, answer: &str, labels: &[&str]) -> Item {
    Item {
        id: question.to_owned(),
        turns: vec![Turn {
            question: question.to_owned(),
            answer: answer.to_owned(),
        }],
        options: Vec::new(),
        right: None,
        labels: labels.iter().map(|&label| label.to_owned()).collect(),
        ..Item::default()
    }
}

/// An item with the bytes of its picture.
type Seen = (Item, Option<Vec<u8>>);

fn read(source: &ItemSource) -> Result<(Vec<Seen>, ItemStats), String> {
    let mut all = Vec::new();
    let stats = read_items(source, &Limits::default(), &mut |item, picture| {
        assert_eq!(item.picture, picture.map(PictureId::of));
        assert_eq!(item.fault(), None, "{item:?}");
        all.push((item, picture.map(<[u8]>::to_vec)));
        Ok(ControlFlow::Continue(()))
    });
    let stats = stats.map_err(|error| error.to_string())?;
    assert_eq!(stats.items, all.len() as u64);
    Ok((all, stats))
}

fn only_items(source: &ItemSource) -> Vec<Item> {
    let (all, _) = read(source).unwrap();
    all.into_iter().map(|(item, _)| item).collect()
}

/// A small picture as PNG, one of as many as there are numbers.
fn png(number: u8) -> Vec<u8> {
    let pixels = (0..75).map(|at| number.wrapping_mul(31).wrapping_add(at));
    crate::image::png(&Picture::new(5, 5, pixels.collect())).unwrap()
}

/// A sound header that promises 2^30 pixels, and little behind it.
fn bomb() -> Vec<u8> {
    let mut bytes = png(0);
    bytes[16..24].copy_from_slice(&[0, 0, 0x80, 0, 0, 0, 0x80, 0]);
    let mut check = flate2::Crc::new();
    check.update(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&check.sum().to_be_bytes());
    bytes
}

/// A folder for one test, and the words that stand for it in messages.
struct Room(tempfile::TempDir);

impl Room {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Pictures `a.png`, `b.png` and `c.png`.
    fn with_pictures() -> Self {
        let room = Self::new();
        for (number, name) in ["a.png", "b.png", "c.png"].into_iter().enumerate() {
            room.put(name, png(number as u8));
        }
        room
    }

    /// Reads a file of items, with whatever else the source says.
    fn read_as(
        &self,
        name: &str,
        bytes: impl AsRef<[u8]>,
        change: impl FnOnce(&mut ItemSource),
    ) -> Result<(Vec<Seen>, ItemStats), String> {
        let path = self.put(name, bytes);
        let mut source = ItemSource::File {
            pictures: path.parent().map(Path::to_owned),
            path,
            fields: Fields::default(),
            broken: Broken::Fatal,
            side: None,
        };
        change(&mut source);
        read(&source).map_err(|error| self.plain(&error))
    }

    fn read(&self, name: &str, bytes: impl AsRef<[u8]>) -> Vec<Item> {
        let (all, _) = self.read_as(name, bytes, |_| {}).unwrap();
        all.into_iter().map(|(item, _)| item).collect()
    }

    /// Reads files as those of a published benchmark.
    fn published(&self, name: &str, files: &[(&str, &[u8])]) -> Result<Vec<Seen>, String> {
        let files = files.iter().map(|(name, bytes)| self.put(name, bytes));
        let source = ItemSource::Published {
            benchmark: name.parse().unwrap(),
            files: files.collect(),
        };
        let (all, _) = read(&source).map_err(|error| self.plain(&error))?;
        Ok(all)
    }

    fn refused(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        self.read_as(name, bytes, |_| {}).unwrap_err()
    }

    fn plain(&self, message: &str) -> String {
        message.replace(&format!("{}/", self.0.path().display()), "")
    }
}

fn skip(source: &mut ItemSource) {
    match source {
        ItemSource::File { broken, .. } | ItemSource::Folder { broken, .. } => {
            *broken = Broken::Skip;
        }
        ItemSource::Scenes { .. } | ItemSource::Published { .. } => {}
    }
}
