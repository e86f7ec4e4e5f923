//! Files of items: one JSON object a line.

use super::Item;
use crate::error::DataError;

const WHAT: &str = "file of items";

/// An item as one line of JSON, without the line's end.
pub fn item_line(item: &Item) -> String {
    // Texts, numbers and lists of them always have a form in JSON.
    serde_json::to_string(item).unwrap_or_default()
}

/// Reads the items of a file of [`item_line`]s, in its order; empty lines are skipped.
///
/// # Errors
/// [`DataError::Damaged`] with the line for what is no item.
pub fn read_item_lines(bytes: &[u8]) -> Result<Vec<Item>, DataError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let byte = error.valid_up_to();
        damaged(format!("byte {byte} is not valid UTF-8"))
    })?;
    let mut items = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |reason: String| damaged(format!("line {}: {reason}", at + 1));
        let item: Item = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
        match item.fault() {
            Some(fault) => return Err(wrong(fault.to_owned())),
            None => items.push(item),
        }
    }
    Ok(items)
}

fn damaged(reason: String) -> DataError {
    DataError::Damaged { what: WHAT, reason }
}
