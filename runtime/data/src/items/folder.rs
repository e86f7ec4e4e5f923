//! Folders of classes: each folder in them holds the pictures of one class.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use super::file::is_picture;
use super::intake::{At, Intake};
use super::located::PictureFolder;
use super::{Ask, Item, PictureId, Place, Turn};
use crate::error::DataError;
use crate::questions::choice::MOST;
use crate::source::open::unreadable;
use crate::source::shown;
use crate::world::{Dice, stratum};

/// What asks for a caption.
pub(super) const DESCRIBE: &str = "Describe the picture.";
/// What asks for a class.
pub(super) const SHOWS: &str = "What does the picture show?";

/// The names of the choices of a folder's items.
const POSITIONS: &str = "folder positions";
const OTHERS: &str = "folder others";

/// Visits the pictures of a folder, class by class; classes and pictures are sorted by name.
pub(super) fn visit(
    path: &Path,
    ask: Ask,
    seed: u64,
    intake: &mut Intake<'_, '_>,
) -> Result<(), DataError> {
    let file = shown(path);
    let whole = At {
        file: &file,
        place: Place::Whole,
    };
    let folders = names(path)?;
    let folders: Vec<&String> = folders
        .iter()
        .filter(|name| path.join(name).is_dir())
        .collect();
    let classes: Vec<String> = folders.iter().map(|name| name.replace('_', " ")).collect();
    check(&classes, ask).map_err(|reason| whole.wrong(reason))?;
    let mut pictures = PictureFolder::new(path);
    for (folder, class) in folders.into_iter().zip(&classes) {
        let mut files = names(&path.join(folder))?;
        files.retain(|name| {
            name.rsplit_once('.')
                .is_some_and(|(_, end)| is_picture(end))
        });
        if files.is_empty() {
            return Err(whole.wrong(format!(
                "its folder `{folder}` has no `.jpg`, `.jpeg`, `.png` or `.webp`; remove the folder, or put pictures there"
            )));
        }
        for name in files {
            let name = format!("{folder}/{name}");
            let found = pictures.locate(&whole, &name)?.read();
            if let Ok(bytes) = &found.bytes
                && !intake.wants_picture(bytes)
            {
                continue;
            }
            let Some(id) = intake.check(&whole, &found)? else {
                continue;
            };
            let item = match ask {
                Ask::Caption => caption(name, class),
                Ask::Options(count) => {
                    let order = Order {
                        seed,
                        count,
                        before: intake.taken(),
                    };
                    order.choice(name, class, &classes, id)
                }
            };
            if intake.take(&whole, item, Some(found))?.is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The names in a folder, sorted, without those that begin with a dot.
fn names(folder: &Path) -> Result<Vec<String>, DataError> {
    let failed = |error: io::Error| unreadable(folder, error);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().into_string();
        let name = name.map_err(|name| {
            let at = At {
                file: &shown(folder),
                place: Place::Whole,
            };
            at.wrong(format!(
                "the name `{}` in it is not valid UTF-8; rename it",
                name.display()
            ))
        })?;
        if !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn check(classes: &[String], ask: Ask) -> Result<(), String> {
    let there = classes.len();
    let different: BTreeSet<&String> = classes.iter().collect();
    if different.len() < there {
        return Err("two of its classes have one name once `_` is a space; rename one".to_owned());
    }
    let wanted = match ask {
        Ask::Caption => 2,
        Ask::Options(count) if (2..=MOST).contains(&count) => count,
        Ask::Options(count) => {
            return Err(format!(
                "{count} options were asked for; there can be 2 to {MOST}"
            ));
        }
    };
    if there < wanted {
        return Err(format!(
            "it has {there} folders of classes where {wanted} or more are needed"
        ));
    }
    Ok(())
}

fn caption(id: String, class: &str) -> Item {
    let vowel = |letter: char| "aeiou".contains(letter.to_ascii_lowercase());
    let article = if class.starts_with(vowel) { "an" } else { "a" };
    let answer = format!("a picture of {article} {class}");
    item(id, DESCRIBE, answer, class)
}

fn item(id: String, question: &str, answer: String, class: &str) -> Item {
    Item {
        id,
        turns: vec![Turn {
            question: question.to_owned(),
            answer,
        }],
        options: Vec::new(),
        right: None,
        labels: vec![class.to_owned()],
        ..Item::default()
    }
}

/// How options are ordered.
struct Order {
    seed: u64,
    /// Options of an item.
    count: usize,
    /// Items before this one.
    before: u64,
}

impl Order {
    /// A class among others. Of each run of as many items as there are options, the right one stands once at every
    /// position, in an order of the run's own; the others are drawn for the picture, whatever comes before it.
    fn choice(&self, id: String, class: &str, classes: &[String], picture: PictureId) -> Item {
        let position = stratum(POSITIONS, self.seed, self.before, self.count);
        let mut others: Vec<&String> = classes.iter().filter(|other| *other != class).collect();
        let first = picture.bytes().into_iter().take(8);
        let number = first.fold(0, |number, byte| number << 8 | u64::from(byte));
        Dice::named(OTHERS, self.seed, number).shuffle(&mut others);
        others.truncate(self.count - 1);
        let mut options: Vec<String> = others.into_iter().cloned().collect();
        options.insert(position.min(options.len()), class.to_owned());
        Item {
            options,
            right: Some(position),
            ..item(id, SHOWS, class.to_owned(), class)
        }
    }
}
