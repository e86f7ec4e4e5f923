//! Parquet files as Hugging Face publishes datasets: each row as a JSON object.

use std::fs::File;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parquet::errors::ParquetError;
use parquet::file::reader::SerializedFileReader;
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row as Columns};
use serde_json::Value;

use super::rows::VisitRow;
use crate::error::DataError;
use crate::items::Place;
use crate::items::intake::At;
use crate::items::record::Row;
use crate::source::open::unreadable;
use crate::source::shown;

/// Visits the rows of a file; bytes are in base64, as JSON has none.
pub(super) fn visit(path: &Path, each: &mut VisitRow<'_>) -> Result<(), DataError> {
    let file = shown(path);
    let at = |row| At {
        file: &file,
        place: Place::Row(row),
    };
    let damaged = |row, error: &ParquetError| at(row).wrong(format!("it is no parquet ({error})"));
    let open = File::open(path).map_err(|error| unreadable(path, error))?;
    let reader = SerializedFileReader::new(open).map_err(|error| damaged(0, &error))?;
    for (number, columns) in (1..).zip(RowIter::from_file_into(Box::new(reader))) {
        let columns = columns.map_err(|error| damaged(number, &error))?;
        if each(&at(number), row(&columns))?.is_break() {
            break;
        }
    }
    Ok(())
}

fn row(columns: &Columns) -> Row {
    let columns = columns.get_column_iter();
    columns
        .map(|(name, field)| (name.clone(), value(field)))
        .collect()
}

fn value(field: &Field) -> Value {
    match field {
        Field::Bool(truth) => (*truth).into(),
        Field::Byte(number) => (*number).into(),
        Field::Short(number) => (*number).into(),
        Field::Int(number) => (*number).into(),
        Field::Long(number) => (*number).into(),
        Field::UByte(number) => (*number).into(),
        Field::UShort(number) => (*number).into(),
        Field::UInt(number) => (*number).into(),
        Field::ULong(number) => (*number).into(),
        Field::Float(number) => f64::from(*number).into(),
        Field::Double(number) => (*number).into(),
        Field::Str(text) => text.as_str().into(),
        Field::Bytes(bytes) => STANDARD.encode(bytes.data()).into(),
        Field::Group(columns) => Value::Object(row(columns)),
        Field::ListInternal(list) => list.elements().iter().map(value).collect(),
        // Nothing that a benchmark asks is a date, a decimal or a map.
        _ => Value::Null,
    }
}
