//! Files of questions: JSON lines, and tables in the layout of VLMEvalKit.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;

use serde_json::{Map, Value};

use super::choice::{options, right};
use super::{Answer, Asking, Question, table};
use crate::error::DataError;
use crate::items::Form;
use crate::source::lines::Lines;
use crate::source::open::{compression, open};
use crate::source::shown;

/// Reads the questions of a file, in its order.
///
/// A file that ends in `.tsv` (or `.tsv.gz`, `.tsv.zst`) has a heading with `question`, `answer`, options
/// under `A`, `B`, … and perhaps `index`. Any other is JSON lines: `question`, `answer`, `options` (a
/// list) and perhaps `id`; `text` alone where perplexity is measured. The answer to a choice is the text
/// of the option, its letter, or its number from 0; several short answers are a list.
///
/// # Errors
/// [`DataError`] with the line for what cannot be read or has no answer among its options, for an id that
/// comes twice, and for a file without questions.
pub fn read_questions(path: &Path, asking: Asking) -> Result<Vec<Question>, DataError> {
    let rows = if is_table(path) {
        table(path)?
    } else {
        lines(path)?
    };
    let mut ids = BTreeSet::new();
    let mut questions = Vec::with_capacity(rows.len());
    for (line, row) in rows {
        let wrong = |reason: String| DataError::Question {
            file: shown(path),
            line,
            reason,
        };
        let question = question(&row, asking, line).map_err(wrong)?;
        if !ids.insert(question.id.clone()) {
            return Err(wrong(format!("the id `{}` comes twice", question.id)));
        }
        questions.push(question);
    }
    if questions.is_empty() {
        return Err(DataError::NoQuestions { file: shown(path) });
    }
    Ok(questions)
}

fn is_table(path: &Path) -> bool {
    let plain = compression(path).and_then(|_| path.file_stem());
    let name = plain.or_else(|| path.file_name());
    name.map(Path::new)
        .and_then(Path::extension)
        .is_some_and(|ending| ending.eq_ignore_ascii_case("tsv"))
}

type Row = Map<String, Value>;

fn lines(path: &Path) -> Result<Vec<(u64, Row)>, DataError> {
    let mut lines = Lines::open(path)?;
    let mut rows = Vec::new();
    while let Some(line) = lines.next()? {
        if line.trim().is_empty() {
            continue;
        }
        let parsed = serde_json::from_str::<Row>(line);
        let row = parsed.map_err(|error| DataError::Question {
            file: shown(path),
            line: lines.number(),
            reason: format!("it is no JSON object ({error})"),
        })?;
        rows.push((lines.number(), row));
    }
    Ok(rows)
}

fn table(path: &Path) -> Result<Vec<(u64, Row)>, DataError> {
    let mut rows = Vec::new();
    table::visit(path, open(path)?, &mut |line, row| {
        rows.push((line, row));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(rows)
}

fn question(row: &Row, asking: Asking, line: u64) -> Result<Question, String> {
    let id = match row.get("id") {
        None | Some(Value::Null) => line.to_string(),
        Some(Value::String(id)) => id.clone(),
        Some(Value::Number(id)) => id.to_string(),
        Some(_) => return Err("its `id` is neither text nor a number".to_owned()),
    };
    let name = match asking {
        Asking::Perplexity => "text",
        _ => "question",
    };
    let text = match row.get(name) {
        Some(Value::String(text)) if !text.is_empty() => text.clone(),
        _ => return Err(format!("it has no text in the field `{name}`")),
    };
    let options = match asking {
        Asking::Choice | Asking::Likelihood => options(row.get("options"))?,
        _ => Vec::new(),
    };
    let answer = match asking {
        Asking::Choice | Asking::Likelihood => Answer::Option(right(row.get("answer"), &options)?),
        Asking::YesNo => Answer::YesNo(yes(row)?),
        Asking::ShortAnswer => Answer::Words(words(row)?),
        Asking::Perplexity => Answer::None,
    };
    Ok(Question {
        id,
        before: Vec::new(),
        text,
        options,
        answer,
        form: Form::Asked,
    })
}

fn yes(row: &Row) -> Result<bool, String> {
    match row.get("answer") {
        Some(Value::Bool(answer)) => Ok(*answer),
        Some(Value::String(answer)) if answer.eq_ignore_ascii_case("yes") => Ok(true),
        Some(Value::String(answer)) if answer.eq_ignore_ascii_case("no") => Ok(false),
        _ => Err("its `answer` is neither `yes` nor `no`".to_owned()),
    }
}

fn words(row: &Row) -> Result<Vec<String>, String> {
    let one = |answer: &Value| match answer {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let all: Option<Vec<String>> = match row.get("answer") {
        Some(Value::Array(list)) if !list.is_empty() => list.iter().map(one).collect(),
        Some(answer) => one(answer).map(|one| vec![one]),
        None => None,
    };
    all.ok_or_else(|| "it has no words in the field `answer`".to_owned())
}
