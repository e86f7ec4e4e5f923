//! Rows of published files: JSON lines, a JSON list, parquet, or plain lines of text.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::parquet;
use crate::error::DataError;
use crate::items::intake::At;
use crate::items::record::Row;
use crate::items::{ItemError, Place, list};
use crate::source::jsonl::{kind, reason};
use crate::source::lines::Lines;
use crate::source::shown;

/// What takes rows, each with its place, and says whether to go on.
pub(super) type VisitRow<'v> = dyn FnMut(&At<'_>, Row) -> Result<ControlFlow<()>, DataError> + 'v;

/// What takes lines, each with its place, and says whether to go on.
pub(super) type VisitLine<'v> = dyn FnMut(&At<'_>, &str) -> Result<ControlFlow<()>, DataError> + 'v;

/// Visits the rows of a file, whose layout its ending tells: `.parquet`, `.json` for a list, lines of JSON
/// otherwise.
pub(super) fn visit(path: &Path, each: &mut VisitRow<'_>) -> Result<(), DataError> {
    let file = shown(path);
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("parquet") => parquet::visit(path, each),
        Some("json") => list::entries(path, &mut |value, place| {
            let at = At { file: &file, place };
            object(&at, value.clone(), each)
        }),
        _ => lines(path, &mut |at, line| {
            if line.trim().is_empty() {
                return Ok(ControlFlow::Continue(()));
            }
            let value = serde_json::from_str(line).map_err(|error| {
                let (column, reason) = (error.column(), reason(&error));
                at.wrong(format!(
                    "it is no JSON object ({reason} in column {column})"
                ))
            })?;
            object(at, value, each)
        }),
    }
}

/// Visits the lines of a file.
pub(super) fn lines(path: &Path, each: &mut VisitLine<'_>) -> Result<(), DataError> {
    let file = shown(path);
    let mut lines = Lines::open(path)?;
    let mut number = 0;
    while let Some(line) = lines.next()? {
        number += 1;
        let at = At {
            file: &file,
            place: Place::Line(number),
        };
        if each(&at, line)?.is_break() {
            break;
        }
    }
    Ok(())
}

fn object(
    at: &At<'_>,
    value: Value,
    each: &mut VisitRow<'_>,
) -> Result<ControlFlow<()>, DataError> {
    match value {
        Value::Object(row) => each(at, row),
        other => {
            let found = kind(&other);
            Err(at.wrong(format!("found {found} where a JSON object is needed")))
        }
    }
}

/// Says that files are not those of any release.
pub(super) fn wrong_files(files: &[PathBuf]) -> DataError {
    let names: Vec<String> = files.iter().map(|file| shown(file)).collect();
    let file = names.join("`, `");
    ItemError::Layout { file }.into()
}

/// A text of a row.
pub(super) fn text<'r>(row: &'r Row, field: &str) -> Result<&'r str, String> {
    match row.get(field) {
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(text),
        _ => Err(format!("it has no text in the field `{field}`")),
    }
}

/// Texts of a row, in a list.
pub(super) fn texts(row: &Row, field: &str) -> Result<Vec<String>, String> {
    let list = row.get(field).and_then(Value::as_array);
    let text = |entry: &Value| entry.as_str().map(str::to_owned);
    let texts = list.and_then(|list| list.iter().map(text).collect());
    texts.ok_or_else(|| format!("it has no list of texts in the field `{field}`"))
}

/// A number of a row from 0, also where it is written as text or as a truth value.
pub(super) fn number(row: &Row, field: &str) -> Result<usize, String> {
    let number = match row.get(field) {
        Some(Value::Number(number)) => number
            .as_u64()
            .and_then(|number| usize::try_from(number).ok()),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(Value::Bool(truth)) => Some(usize::from(*truth)),
        _ => None,
    };
    number.ok_or_else(|| format!("it has no number from 0 in the field `{field}`"))
}
