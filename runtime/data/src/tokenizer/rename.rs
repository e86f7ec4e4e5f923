//! A `tokenizer.json` in which a token that no text has is given a name that people can write.

use serde_json::{Value, json};

use super::Tokenizer;
use crate::error::DataError;

/// Returns the same `tokenizer.json` with `token` called `name`, as a special token of its old number.
///
/// All texts but those with `name` in them have the same tokens as before.
///
/// # Errors
/// [`DataError::Tokenizer`] where the vocabulary has `name` already, not this token, or merges that make it.
pub fn rename_token(json: &[u8], token: u32, name: &str) -> Result<Vec<u8>, DataError> {
    let mut file: Value =
        serde_json::from_slice(json).map_err(|error| unnamed(error.to_string()))?;
    let before = Tokenizer::from_json(json)?;
    if before.inner.token_to_id(name).is_some() {
        return Err(unnamed(format!("it has a token `{name}` already")));
    }
    let old = before.inner.id_to_token(token);
    let old = old.ok_or_else(|| unnamed(format!("it has no token {token}")))?;
    match file.pointer_mut("/model/vocab") {
        Some(Value::Object(vocabulary)) => {
            vocabulary.remove(&old);
            vocabulary.insert(name.to_owned(), token.into());
        }
        // `[text, score]` at the place of each token.
        Some(Value::Array(vocabulary)) => {
            let entry = vocabulary.get_mut(token as usize);
            if let Some(text) = entry.and_then(|entry| entry.get_mut(0)) {
                *text = name.into();
            }
        }
        _ => {}
    }
    let added = json!({
        "id": token,
        "content": name,
        "single_word": false,
        "lstrip": false,
        "rstrip": false,
        "normalized": false,
        "special": true,
    });
    let mut all = file["added_tokens"].as_array().cloned().unwrap_or_default();
    // It may have been added before under its old name.
    all.retain(|one| one["id"] != token);
    all.push(added);
    all.sort_by_key(|one| one["id"].as_u64());
    if let Some(fields) = file.as_object_mut() {
        fields.insert("added_tokens".to_owned(), all.into());
    }
    let renamed = serde_json::to_vec(&file).map_err(|error| unnamed(error.to_string()))?;
    let after = Tokenizer::from_json(&renamed)?;
    let kept = after.vocabulary == before.vocabulary && after.end == before.end;
    if !kept || after.inner.token_to_id(name) != Some(token) {
        return Err(unnamed(format!("its token {token} cannot be renamed")));
    }
    Ok(renamed)
}

fn unnamed(reason: String) -> DataError {
    DataError::Tokenizer { reason }
}
