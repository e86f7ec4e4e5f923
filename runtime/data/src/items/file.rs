//! Files of items, by the layout that their ending tells.

use std::ops::ControlFlow;
use std::path::Path;

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use super::intake::{At, Found, Intake};
use super::located::PictureFolder;
use super::ration::{Ration, Rationed};
use super::record::{Record, Row, record};
use super::{Fields, ItemError, Place, archive, list};
use crate::error::DataError;
use crate::limits::LINE_BYTES;
use crate::questions::table;
use crate::source::jsonl::{kind, reason};
use crate::source::lines::Lines;
use crate::source::open::{compression, open};
use crate::source::shown;

/// Endings of pictures.
pub(super) const ENDINGS: [&str; 4] = ["jpg", "jpeg", "png", "webp"];

/// Whether an ending is a picture's.
pub(super) fn is_picture(ending: &str) -> bool {
    ENDINGS
        .iter()
        .any(|known| ending.eq_ignore_ascii_case(known))
}

/// A file that is being read.
pub(super) struct Reading<'f> {
    pub(super) path: &'f Path,
    pub(super) file: String,
    pub(super) fields: &'f Fields,
    /// The folder of its pictures; none where it may name none by path.
    folder: Option<PictureFolder>,
}

/// Visits the items of a file.
pub(super) fn visit(
    path: &Path,
    pictures: Option<&Path>,
    fields: &Fields,
    intake: &mut Intake<'_, '_>,
) -> Result<(), DataError> {
    let mut reading = Reading {
        path,
        file: shown(path),
        fields,
        folder: pictures.map(PictureFolder::new),
    };
    match layout(path).as_str() {
        "json" => list::visit(&mut reading, intake),
        "jsonl" => lines(&mut reading, intake),
        "tsv" => rows(&mut reading, intake),
        "tar" => archive::visit(&reading, intake),
        _ => Err(ItemError::Layout { file: reading.file }.into()),
    }
}

/// The ending of a file's name, without that of its compression.
fn layout(path: &Path) -> String {
    let plain = compression(path).and_then(|_| path.file_stem());
    let name = plain.or_else(|| path.file_name()).map(Path::new);
    let ending = name.and_then(Path::extension).unwrap_or_default();
    ending.to_string_lossy().to_ascii_lowercase()
}

impl Reading<'_> {
    pub(super) fn at(&self, place: Place) -> At<'_> {
        At {
            file: &self.file,
            place,
        }
    }

    /// Takes the item that an object is, whose picture is a path below the pictures' folder.
    pub(super) fn take(
        &mut self,
        value: &Value,
        place: Place,
        id: String,
        intake: &mut Intake<'_, '_>,
    ) -> Result<ControlFlow<()>, DataError> {
        let at = At {
            file: &self.file,
            place,
        };
        let Value::Object(row) = value else {
            let found = kind(value);
            return Err(at.wrong(format!("found {found} where a JSON object is needed")));
        };
        let record = record(row, self.fields, id).map_err(|reason| at.wrong(reason))?;
        let Record { item, image } = record;
        let located = match (image, &mut self.folder) {
            (None, _) => None,
            (Some(image), Some(folder)) => Some(folder.locate(&at, &image)?),
            (Some(image), None) => {
                let reason = format!(
                    "it names the picture `{image}`, and its source names no folder of pictures; name it, \
                     `pictures: \"…\"`"
                );
                return Err(at.wrong(reason));
            }
        };
        if !intake.wants(&item) {
            return Ok(ControlFlow::Continue(()));
        }
        intake.take(&at, item, located.map(super::located::Located::read))
    }
}

fn lines(reading: &mut Reading<'_>, intake: &mut Intake<'_, '_>) -> Result<(), DataError> {
    let mut lines = Lines::open(reading.path)?;
    while let Some(line) = lines.next()? {
        if line.trim().is_empty() {
            continue;
        }
        let value = serde_json::from_str(line);
        let number = lines.number();
        let value: Value = value.map_err(|error| {
            let (column, reason) = (error.column(), reason(&error));
            let at = reading.at(Place::Line(number));
            at.wrong(format!(
                "it is no JSON object ({reason} in column {column})"
            ))
        })?;
        let taken = reading.take(&value, Place::Line(number), number.to_string(), intake)?;
        if taken.is_break() {
            break;
        }
    }
    Ok(())
}

fn rows(reading: &mut Reading<'_>, intake: &mut Intake<'_, '_>) -> Result<(), DataError> {
    let path = reading.path;
    let ration = Ration::new(LINE_BYTES as u64);
    let input = Rationed {
        inner: open(path)?,
        ration: ration.clone(),
    };
    table::visit(path, input, &mut |line, row| {
        ration.renew();
        take_row(reading, line, row, intake)
    })
}

/// Takes the item of a row, whose picture is a path or stands in the row itself.
fn take_row(
    reading: &mut Reading<'_>,
    line: u64,
    mut row: Row,
    intake: &mut Intake<'_, '_>,
) -> Result<ControlFlow<()>, DataError> {
    // An empty cell is no value.
    row.retain(|_, cell| cell.as_str() != Some(""));
    let fields = reading.fields;
    let own = [
        ("category", &fields.labels),
        ("id", &fields.id),
        ("options", &fields.options),
    ];
    for (name, field) in own {
        if let Some(value) = row.remove(name) {
            row.entry(field.clone()).or_insert(value);
        }
    }
    let place = Place::Line(line);
    let packed = match row.get(&reading.fields.image) {
        Some(Value::String(cell)) if !is_path(cell) => row.remove(&reading.fields.image),
        _ => None,
    };
    let Some(packed) = packed else {
        return reading.take(&Value::Object(row), place, line.to_string(), intake);
    };
    let at = reading.at(place);
    let record = record(&row, reading.fields, line.to_string());
    let item = record.map_err(|reason| at.wrong(reason))?.item;
    if !intake.wants(&item) {
        return Ok(ControlFlow::Continue(()));
    }
    let bytes = unpacked(packed.as_str().unwrap_or_default());
    let found = Found {
        name: item.id.clone(),
        bytes: bytes.map(Into::into),
    };
    intake.take(&at, item, Some(found))
}

/// The bytes of a cell in base64.
pub(super) fn unpacked(cell: &str) -> Result<Vec<u8>, String> {
    let bytes = BASE64.decode(cell.trim());
    bytes.map_err(|error| format!("neither a path nor base64 ({error})"))
}

/// Base64 with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Whether a cell is a path, which has a dot before its ending as base64 never has.
fn is_path(cell: &str) -> bool {
    let ending = cell.rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(is_picture)
}
