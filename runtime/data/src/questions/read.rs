//! Files of questions: JSON lines, and tables in the layout of VLMEvalKit.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value};

use super::{Answer, Asking, Question};
use crate::error::DataError;
use crate::source::lines::Lines;
use crate::source::open::{compression, open};
use crate::source::shown;

/// Most options of a question: one for each letter.
const MOST: usize = 26;

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
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(b'\t')
        .from_reader(open(path)?);
    let wrong = |error: &csv::Error| DataError::Question {
        file: shown(path),
        line: error.position().map_or(0, csv::Position::line),
        reason: format!("it is no row of a table with tabs ({error})"),
    };
    let heading = reader.headers().map_err(|error| wrong(&error))?.clone();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| wrong(&error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let cells = heading.iter().zip(&record);
        let mut row = Row::new();
        let mut options = Vec::new();
        for (name, cell) in cells {
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
        rows.push((line, row));
    }
    Ok(rows)
}

fn is_letter(name: &str) -> bool {
    matches!(name.as_bytes(), [letter] if letter.is_ascii_uppercase())
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
        Asking::Choice | Asking::Likelihood => options(row)?,
        _ => Vec::new(),
    };
    let answer = match asking {
        Asking::Choice | Asking::Likelihood => Answer::Option(right(row, &options)?),
        Asking::YesNo => Answer::YesNo(yes(row)?),
        Asking::ShortAnswer => Answer::Words(words(row)?),
        Asking::Perplexity => Answer::None,
    };
    Ok(Question {
        id,
        text,
        options,
        answer,
    })
}

fn options(row: &Row) -> Result<Vec<String>, String> {
    let Some(Value::Array(list)) = row.get("options") else {
        return Err("it has no list `options` (in a table: columns `A`, `B`, …)".to_owned());
    };
    let text = |option: &Value| match option {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let options: Option<Vec<String>> = list.iter().map(text).collect();
    let options = options.ok_or("one of its options is no text")?;
    if options.len() < 2 || options.len() > MOST {
        return Err(format!(
            "it has {} options; there must be 2 to {MOST}",
            options.len()
        ));
    }
    let different: BTreeSet<&String> = options.iter().collect();
    if different.len() < options.len() {
        return Err("two of its options are the same".to_owned());
    }
    Ok(options)
}

fn right(row: &Row, options: &[String]) -> Result<usize, String> {
    let place = match row.get("answer") {
        Some(Value::String(answer)) => {
            let named = options.iter().position(|option| option == answer);
            named.or(match answer.as_bytes() {
                [letter @ b'A'..=b'Z'] => Some(usize::from(letter - b'A')),
                _ => None,
            })
        }
        Some(Value::Number(answer)) => {
            let named = options
                .iter()
                .position(|option| *option == answer.to_string());
            named.or_else(|| usize::try_from(answer.as_u64()?).ok())
        }
        _ => return Err("it has no text or number in the field `answer`".to_owned()),
    };
    place.filter(|&place| place < options.len()).ok_or_else(|| {
        "its `answer` is none of its options, no letter of one and no number of one from 0"
            .to_owned()
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
