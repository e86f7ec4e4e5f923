//! Visual question sets as VLMEvalKit publishes them: a table each, with the pictures in it.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::cells;
use super::pictures::{References, bytes};
use super::rows::wrong_files;
use crate::error::DataError;
use crate::image::Limits;
use crate::items::file::unpacked;
use crate::items::intake::{At, Found, Intake};
use crate::items::ration::{Ration, Rationed};
use crate::items::record::Row;
use crate::items::{Item, Place, Turn};
use crate::limits::LINE_BYTES;
use crate::questions::table;
use crate::source::open::open;
use crate::source::shown;

/// How a table is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reads {
    pub(super) asks: Asks,
    /// The column and its value in the rows that are taken; all rows where none is named.
    pub(super) part: Option<(&'static str, &'static str)>,
}

/// What the rows of a table ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    /// One of the options under `A`, `B`, …
    Options,
    /// The same; a row without options has its answer and `Other Answers`, as VLMEvalKit has it for MMMU.
    OptionsOrOther,
    /// Yes or no.
    YesNo,
    /// The answer in a few words; any of a list.
    Words,
    /// The same, or the letter of the right option in `answer_option`.
    Maths,
}

/// What MME puts after its questions, and every yes-or-no question is asked with in other words.
const YES_OR_NO: &str = "Please answer yes or no.";

/// Visits the rows of a table that have a picture, as VLMEvalKit does.
pub(super) fn visit(
    reads: Reads,
    files: &[PathBuf],
    intake: &mut Intake<'_, '_>,
) -> Result<(), DataError> {
    let [path] = files else {
        return Err(wrong_files(files));
    };
    let file = shown(path);
    let mut references = References::default();
    each_row(path, &mut |line, row| {
        references.look(&id(row, line), text(row, "image"), line);
        Ok(ControlFlow::Continue(()))
    })?;
    let limits = *intake.limits();
    each_row(path, &mut |line, row| {
        let at = At {
            file: &file,
            place: Place::Line(line),
        };
        let id = id(row, line);
        let image = match text(row, "image") {
            "" if row.contains_key("image") => return Ok(ControlFlow::Continue(())),
            "" => {
                let reason = "it has no column `image`; take the table that has its pictures in it";
                return Err(at.wrong(reason));
            }
            image => references.cell(&id, image, line),
        };
        let image = image.map_err(|reason| at.wrong(reason))?;
        if let Some((column, value)) = reads.part {
            match row.get(column).and_then(serde_json::Value::as_str) {
                None => return Err(at.wrong(format!("it has no column `{column}`"))),
                Some(found) if found != value => return Ok(ControlFlow::Continue(())),
                Some(_) => {}
            }
        }
        let item = item(reads.asks, row, id).map_err(|reason| at.wrong(reason))?;
        take(&at, item, &image, &limits, intake)
    })
}

fn take(
    at: &At<'_>,
    item: Item,
    image: &str,
    limits: &Limits,
    intake: &mut Intake<'_, '_>,
) -> Result<ControlFlow<()>, DataError> {
    let found = Found {
        name: item.id.clone(),
        bytes: bytes(image, limits, unpacked).map(Into::into),
    };
    intake.take(at, item, Some(found))
}

/// What takes rows with their lines.
type VisitRow<'v> = dyn FnMut(u64, &Row) -> Result<ControlFlow<()>, DataError> + 'v;

fn each_row(path: &Path, each: &mut VisitRow<'_>) -> Result<(), DataError> {
    let ration = Ration::new(LINE_BYTES as u64);
    let input = Rationed {
        inner: open(path)?,
        ration: ration.clone(),
    };
    table::visit(path, input, &mut |line, row| {
        ration.renew();
        each(line, &row)
    })
}

/// A cell; empty where there is none.
fn text<'r>(row: &'r Row, column: &str) -> &'r str {
    let cell = row.get(column).and_then(serde_json::Value::as_str);
    cell.unwrap_or_default()
}

fn id(row: &Row, line: u64) -> String {
    match text(row, "id") {
        "" => line.to_string(),
        id => id.to_owned(),
    }
}

fn item(asks: Asks, row: &Row, id: String) -> Result<Item, String> {
    let question = text(row, "question").trim();
    if question.is_empty() {
        return Err("it has no text in the column `question`".to_owned());
    }
    let question = match (asks, text(row, "hint").trim()) {
        (Asks::YesNo, _) => question
            .strip_suffix(YES_OR_NO)
            .unwrap_or(question)
            .trim_end()
            .to_owned(),
        (Asks::Options | Asks::OptionsOrOther, hint) if !hint.is_empty() => {
            format!("{hint}\n{question}")
        }
        _ => question.to_owned(),
    };
    let cell = text(row, "answer").trim();
    if cell.is_empty() {
        return Err("it has no text in the column `answer`".to_owned());
    }
    let mut options = options(row);
    let (answers, right) = match asks {
        Asks::OptionsOrOther if options.is_empty() => {
            options = vec![cell.to_owned(), "Other Answers".to_owned()];
            (vec![cell.to_owned()], Some(0))
        }
        Asks::Options | Asks::OptionsOrOther => {
            let right = right(cell, &options)?;
            let answer = options.get(right).cloned();
            (answer.into_iter().collect(), Some(right))
        }
        Asks::YesNo => (vec![cell.to_owned()], None),
        Asks::Words => (
            cells::list(cell).unwrap_or_else(|| vec![cell.to_owned()]),
            None,
        ),
        Asks::Maths => {
            let letter =
                Some(text(row, "answer_option").trim()).filter(|letter| !letter.is_empty());
            let all = [Some(cell), letter].into_iter().flatten();
            (all.map(str::to_owned).collect(), None)
        }
    };
    let Some(answer) = answers.first().cloned() else {
        return Err("it has no answer".to_owned());
    };
    let labels = [text(row, "category")]
        .into_iter()
        .filter(|word| !word.is_empty());
    Ok(Item {
        id,
        turns: vec![Turn { question, answer }],
        answers: if answers.len() > 1 {
            answers
        } else {
            Vec::new()
        },
        options: if right.is_some() { options } else { Vec::new() },
        right,
        labels: labels.map(str::to_owned).collect(),
        ..Item::default()
    })
}

/// What stands under `A`, `B`, …
fn options(row: &Row) -> Vec<String> {
    let list = row.get("options").and_then(serde_json::Value::as_array);
    let texts = list
        .into_iter()
        .flatten()
        .filter_map(|option| option.as_str());
    texts.map(str::to_owned).collect()
}

/// The number of an option by its letter, with or without brackets, or else by its text.
fn right(answer: &str, options: &[String]) -> Result<usize, String> {
    let bare = answer.trim_start_matches('(').trim_end_matches(['.', ')']);
    let letter = match bare.as_bytes() {
        [letter @ b'A'..=b'Z'] => Some(usize::from(letter - b'A')),
        _ => None,
    };
    let named = letter.filter(|&at| at < options.len());
    let named = named.or_else(|| options.iter().position(|option| option == answer));
    named.ok_or_else(|| {
        let count = options.len();
        format!("its answer `{answer}` is none of its {count} options and no letter of one")
    })
}
