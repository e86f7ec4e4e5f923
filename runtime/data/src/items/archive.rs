//! Archives as webdataset keeps them: the members of an item stand next to each other and differ in their endings.
//!
//! They are read one after the other and never unpacked to the disk, so that names lead nowhere.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::ops::ControlFlow;

use serde_json::Value;
use tar::EntryType;

use super::file::{Reading, is_picture};
use super::folder::{DESCRIBE, SHOWS};
use super::intake::{Found, Intake};
use super::ration::{Ration, Rationed};
use super::record::{Row, labels, record, says};
use super::{Item, Place, Turn};
use crate::error::DataError;
use crate::limits::PICTURE_BYTES;
use crate::source::jsonl::reason;
use crate::source::open::open;

/// Bytes that a member may take besides its content: headers, long names, what fills the last block.
const BESIDES: u64 = 1 << 20;

/// The members of an item.
#[derive(Default)]
struct Group {
    key: String,
    /// The picture's name and bytes.
    picture: Option<(String, Vec<u8>)>,
    fields: Option<Row>,
    caption: Option<String>,
    class: Option<String>,
}

/// Visits the items of an archive.
pub(super) fn visit(reading: &Reading<'_>, intake: &mut Intake<'_, '_>) -> Result<(), DataError> {
    let ration = Ration::new(PICTURE_BYTES + BESIDES);
    let input = Rationed {
        inner: open(reading.path)?,
        ration: ration.clone(),
    };
    let damaged = |error: io::Error| {
        let at = reading.at(Place::Whole);
        at.wrong(format!("it is no tar archive, or a damaged one ({error})"))
    };
    let mut archive = tar::Archive::new(input);
    let mut entries = archive.entries().map_err(damaged)?;
    let (mut group, mut keys) = (Group::default(), BTreeSet::new());
    loop {
        ration.renew();
        let Some(entry) = entries.next() else {
            return take(reading, group, intake).map(drop);
        };
        let entry = entry.map_err(damaged)?;
        ration.renew();
        let Some((name, content)) = member(reading, entry)? else {
            continue;
        };
        let Some((key, ending)) = parts(&name) else {
            continue;
        };
        if key != group.key {
            let whole = std::mem::take(&mut group);
            if take(reading, whole, intake)?.is_break() {
                return Ok(());
            }
            let at = reading.at(Place::Member(name.clone()));
            if !keys.insert(key.to_owned()) {
                return Err(at.wrong(format!(
                    "other members of `{key}` stand further up; put the members of an item next to each other"
                )));
            }
            key.clone_into(&mut group.key);
        }
        let ending = ending.to_ascii_lowercase();
        add(reading, &mut group, &name, &ending, content)?;
    }
}

/// The name and the content of a member that says something.
fn member(
    reading: &Reading<'_>,
    mut entry: tar::Entry<'_, impl Read>,
) -> Result<Option<(String, Vec<u8>)>, DataError> {
    let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    let at = reading.at(Place::Member(name.clone()));
    match entry.header().entry_type() {
        EntryType::Regular | EntryType::Continuous => {}
        EntryType::Directory | EntryType::XGlobalHeader => return Ok(None),
        _ => return Err(at.wrong("it is no plain file; put the content itself there")),
    }
    let size = entry.size();
    if size > PICTURE_BYTES {
        let most = PICTURE_BYTES >> 20;
        return Err(at.wrong(format!(
            "it has {size} bytes, which is more than {most} MiB"
        )));
    }
    if parts(&name).is_none() {
        return Ok(None);
    }
    let mut content = Vec::new();
    let read = entry.by_ref().take(size).read_to_end(&mut content);
    read.map_err(|error| at.wrong(format!("it cannot be read ({error})")))?;
    if content.len() as u64 != size {
        return Err(at.wrong("the archive ends in it; copy or download it again"));
    }
    Ok(Some((name, content)))
}

/// The name of an item and the ending of a member that belongs to it, if such an ending is known.
fn parts(name: &str) -> Option<(&str, &str)> {
    let base = name.rfind('/').map_or(0, |slash| slash + 1);
    let dot = base + name.get(base..)?.find('.')?;
    let (key, ending) = (name.get(..dot)?, name.get(dot + 1..)?);
    let lower = ending.to_ascii_lowercase();
    let known = is_picture(ending) || ["json", "txt", "cls"].contains(&lower.as_str());
    (dot > base && known).then_some((key, ending))
}

/// Adds a member to its item.
fn add(
    reading: &Reading<'_>,
    group: &mut Group,
    name: &str,
    ending: &str,
    content: Vec<u8>,
) -> Result<(), DataError> {
    let at = reading.at(Place::Member(name.to_owned()));
    let twice = match ending {
        "json" => {
            let fields: Result<Row, _> = serde_json::from_slice(&content);
            let fields = fields
                .map_err(|error| at.wrong(format!("it is no JSON object ({})", reason(&error))))?;
            group.fields.replace(fields).is_some()
        }
        "txt" | "cls" => {
            let text = String::from_utf8(content).map_err(|_| at.wrong("it is not valid UTF-8"))?;
            let text = text.trim().to_owned();
            if text.is_empty() {
                return Err(at.wrong("it is empty"));
            }
            let slot = if ending == "txt" {
                &mut group.caption
            } else {
                &mut group.class
            };
            slot.replace(text).is_some()
        }
        _ => group.picture.replace((name.to_owned(), content)).is_some(),
    };
    if twice {
        let key = &group.key;
        return Err(at.wrong(format!("`{key}` has two such members; give each item one")));
    }
    Ok(())
}

/// Takes the item of a group.
fn take(
    reading: &Reading<'_>,
    group: Group,
    intake: &mut Intake<'_, '_>,
) -> Result<ControlFlow<()>, DataError> {
    if group.key.is_empty() {
        return Ok(ControlFlow::Continue(()));
    }
    let at = reading.at(Place::Member(group.key.clone()));
    let (item, own_words) = item(reading, &group).map_err(|reason| at.wrong(reason))?;
    let found = group.picture.map(|(name, bytes)| Found {
        name,
        bytes: Ok(bytes.into()),
    });
    let wanted = match &found {
        Some(Found {
            bytes: Ok(bytes), ..
        }) if !own_words => intake.wants_picture(bytes),
        _ => intake.wants(&item),
    };
    if wanted {
        intake.take(&at, item, found)
    } else {
        Ok(ControlFlow::Continue(()))
    }
}

/// The item of a group, and whether its questions are its own words.
fn item(reading: &Reading<'_>, group: &Group) -> Result<(Item, bool), String> {
    let fields = reading.fields;
    if let Some(row) = group.fields.as_ref().filter(|row| says(row, fields)) {
        let mut row = row.clone();
        // The picture is the member, whatever it was called elsewhere; only that there is one matters.
        row.remove(&fields.image);
        if let Some((name, _)) = &group.picture {
            row.insert(fields.image.clone(), Value::String(name.clone()));
        }
        let record = record(&row, fields, group.key.clone())?;
        return Ok((record.item, true));
    }
    let mut labels = match &group.fields {
        Some(row) => labels(row, &fields.labels)?,
        None => Vec::new(),
    };
    let (question, answer) = match (&group.caption, &group.class) {
        _ if group.picture.is_none() => return Err("it has no picture".to_owned()),
        (Some(caption), _) => (DESCRIBE, caption),
        (None, Some(class)) => {
            if !labels.contains(class) {
                labels.push(class.clone());
                labels.sort_unstable();
            }
            (SHOWS, class)
        }
        (None, None) => {
            return Err("it says nothing; add a `.json`, a `.txt` or a `.cls`".to_owned());
        }
    };
    let turn = Turn {
        question: question.to_owned(),
        answer: answer.clone(),
    };
    let item = Item {
        id: group.key.clone(),
        turns: vec![turn],
        options: Vec::new(),
        right: None,
        labels,
        ..Item::default()
    };
    Ok((item, false))
}
