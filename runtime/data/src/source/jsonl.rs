//! JSON lines: the document is the text of the named fields.

use std::path::Path;

use serde_json::{Map, Value};

use crate::error::DataError;
use crate::source::lines::Lines;
use crate::source::{Document, VisitLabelled, shown};

/// Visits the documents of the jsonl file `path`.
pub(crate) fn visit(
    path: &Path,
    fields: &[String],
    join: &str,
    labels: Option<&str>,
    each: &mut VisitLabelled<'_>,
) -> Result<(), DataError> {
    if fields.is_empty() {
        return Err(DataError::NoFieldsNamed { file: shown(path) });
    }
    let mut lines = Lines::open(path)?;
    let mut text = String::new();
    while let Some(line) = lines.next()? {
        if line.trim().is_empty() {
            continue;
        }
        let parsed = parse(line);
        let place = Place {
            path,
            line: lines.number(),
        };
        let object = place.object(parsed)?;
        place.gather(&object, fields, join, &mut text)?;
        let labels = match labels {
            Some(field) => place.labels(&object, field)?,
            None => Vec::new(),
        };
        let document = Document {
            text: &text,
            labels: &labels,
        };
        if each(document)?.is_break() {
            return Ok(());
        }
    }
    Ok(())
}

fn parse(line: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(line)
}

/// The line that a message is about.
struct Place<'p> {
    path: &'p Path,
    line: u64,
}

impl Place<'_> {
    fn object(
        &self,
        parsed: Result<Value, serde_json::Error>,
    ) -> Result<Map<String, Value>, DataError> {
        let file = || shown(self.path);
        match parsed {
            Ok(Value::Object(object)) => Ok(object),
            Ok(other) => Err(DataError::NotAnObject {
                file: file(),
                line: self.line,
                found: kind(&other),
            }),
            Err(error) => Err(DataError::NotJson {
                file: file(),
                line: self.line,
                column: error.column(),
                reason: reason(&error),
            }),
        }
    }

    fn gather(
        &self,
        object: &Map<String, Value>,
        fields: &[String],
        join: &str,
        document: &mut String,
    ) -> Result<(), DataError> {
        document.clear();
        for (index, field) in fields.iter().enumerate() {
            if index > 0 {
                document.push_str(join);
            }
            document.push_str(self.text(object, field)?);
        }
        Ok(())
    }

    fn text<'o>(&self, object: &'o Map<String, Value>, field: &str) -> Result<&'o str, DataError> {
        let found = look_up(object, field);
        if let Some(Value::String(text)) = found {
            return Ok(text);
        }
        let (file, line, field) = (shown(self.path), self.line, field.to_owned());
        if let Some(other) = found {
            return Err(DataError::NotAString {
                file,
                line,
                field,
                found: kind(other),
            });
        }
        let mut fields: Vec<String> = object.keys().cloned().collect();
        fields.sort_unstable();
        Err(DataError::NoField {
            file,
            line,
            field,
            fields,
        })
    }

    fn labels(&self, object: &Map<String, Value>, field: &str) -> Result<Vec<String>, DataError> {
        let wrong = |found: String| DataError::NotLabels {
            file: shown(self.path),
            line: self.line,
            field: field.to_owned(),
            found,
        };
        match look_up(object, field) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::String(word)) => Ok(vec![word.clone()]),
            Some(Value::Array(list)) => {
                let word = |entry: &Value| match entry {
                    Value::String(word) => Ok(word.clone()),
                    other => Err(wrong(format!("an array with {} in it", kind(other)))),
                };
                list.iter().map(word).collect()
            }
            Some(other) => Err(wrong(kind(other).to_owned())),
        }
    }
}

/// Finds `a.b` as the field `a.b` itself or, without one, as the field `b` of the object `a`.
pub(crate) fn look_up<'o>(object: &'o Map<String, Value>, field: &str) -> Option<&'o Value> {
    if let Some(value) = object.get(field) {
        return Some(value);
    }
    let (first, rest) = field.split_once('.')?;
    look_up(object.get(first)?.as_object()?, rest)
}

/// What a message calls a value.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The parser's words without its own idea of the line, which is always 1 here.
pub(crate) fn reason(error: &serde_json::Error) -> String {
    let full = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    full.strip_suffix(&place).unwrap_or(&full).to_owned()
}
