//! Tables in the layout of VLMEvalKit: a heading, and rows with tabs between their cells.

use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;

use serde_json::{Map, Value};

use crate::error::DataError;
use crate::source::shown;

/// What takes rows, each with its line, and says whether to go on.
type VisitRow<'a> = dyn FnMut(u64, Map<String, Value>) -> Result<ControlFlow<()>, DataError> + 'a;

/// Visits the rows of a table, of whose path messages tell; `index` becomes `id`, and what stands under `A`, `B`, …
/// the list `options`.
pub(crate) fn visit(
    path: &Path,
    input: impl Read,
    each: &mut VisitRow<'_>,
) -> Result<(), DataError> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(b'\t')
        .from_reader(input);
    let wrong = |error: &csv::Error| DataError::Question {
        file: shown(path),
        line: error.position().map_or(0, csv::Position::line),
        reason: format!("it is no row of a table with tabs ({error})"),
    };
    let heading = reader.headers().map_err(|error| wrong(&error))?.clone();
    for record in reader.records() {
        let record = record.map_err(|error| wrong(&error))?;
        let line = record.position().map_or(0, csv::Position::line);
        if each(line, row(&heading, &record))?.is_break() {
            break;
        }
    }
    Ok(())
}

fn row(heading: &csv::StringRecord, record: &csv::StringRecord) -> Map<String, Value> {
    let mut row = Map::new();
    let mut options = Vec::new();
    for (name, cell) in heading.iter().zip(record) {
        let text = || Value::String(cell.to_owned());
        match name {
            "index" => _ = row.insert("id".to_owned(), text()),
            _ if is_letter(name) => {
                if !cell.is_empty() {
                    options.push(text());
                }
            }
            _ => _ = row.insert(name.to_owned(), text()),
        }
    }
    if !options.is_empty() {
        row.insert("options".to_owned(), Value::Array(options));
    }
    row
}

fn is_letter(name: &str) -> bool {
    matches!(name.as_bytes(), [letter] if letter.is_ascii_uppercase())
}
