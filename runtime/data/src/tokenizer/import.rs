//! Reading a `tokenizer.json` so that encoding is a pure function of the text.

use serde_json::Value;

use crate::error::DataError;
use crate::tokenizer::{END, Tokenizer, failed};

/// Names under which published tokenizers keep their end-of-document token, most specific first.
const END_NAMES: [&str; 8] = [
    END,
    "<|endoftext|>",
    "<|end_of_text|>",
    "</s>",
    "<eos>",
    "<|eot_id|>",
    "[EOS]",
    "[SEP]",
];

/// Reads a `tokenizer.json`.
pub(crate) fn read(json: &[u8]) -> Result<Tokenizer, DataError> {
    let mut value: Value = serde_json::from_slice(json)
        .map_err(|error| unusable(format!("its file is not valid JSON: {error}")))?;
    make_pure(&mut value);
    let text = serde_json::to_vec(&value).map_err(|error| unusable(error.to_string()))?;
    let mut inner = tokenizers::Tokenizer::from_bytes(text)
        .map_err(|error| unusable(format!("its file is not a `tokenizer.json`: {error}")))?;
    inner.with_padding(None);
    inner
        .with_truncation(None)
        .map_err(|error| failed(&error))?;
    inner.set_encode_special_tokens(true);
    let end = END_NAMES
        .iter()
        .find_map(|name| inner.token_to_id(name))
        .ok_or_else(no_end)?;
    let largest = inner.get_vocab(true).into_values().max().unwrap_or(end);
    Ok(Tokenizer {
        inner,
        end,
        vocabulary: largest as usize + 1,
    })
}

/// Removes dropout, and marks every end token as special so that text never becomes one.
fn make_pure(value: &mut Value) {
    if let Some(dropout) = value.pointer_mut("/model/dropout") {
        *dropout = Value::Null;
    }
    let added = value.get_mut("added_tokens").and_then(Value::as_array_mut);
    for token in added.into_iter().flatten().filter_map(Value::as_object_mut) {
        let content = token.get("content").and_then(Value::as_str);
        if content.is_some_and(|content| END_NAMES.contains(&content)) {
            token.insert("special".to_owned(), Value::Bool(true));
        }
    }
}

fn no_end() -> DataError {
    let names = END_NAMES.join("`, `");
    unusable(format!(
        "it has no end token; its vocabulary needs one of `{names}`"
    ))
}

fn unusable(reason: String) -> DataError {
    DataError::Tokenizer { reason }
}
