//! Texts whose perplexity is measured: the documents of WikiText, the last words of LAMBADA.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::rows::{self, VisitLine, wrong_files};
use crate::error::DataError;
use crate::items::intake::{At, Intake};
use crate::items::{Form, Item, Turn};

/// A set of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    WikiText,
    Lambada,
}

/// Visits the texts of a file.
pub(super) fn visit(
    set: Set,
    files: &[PathBuf],
    intake: &mut Intake<'_, '_>,
) -> Result<(), DataError> {
    let [path] = files else {
        return Err(wrong_files(files));
    };
    match set {
        Set::WikiText => documents(path, intake),
        Set::Lambada => last_words(path, intake),
    }
}

/// Visits the lines of text of a file: plain ones, or those of rows of JSON or parquet.
fn lines(path: &Path, each: &mut VisitLine<'_>) -> Result<(), DataError> {
    let ending = path.extension().and_then(|ending| ending.to_str());
    if matches!(ending, Some("jsonl" | "json" | "parquet")) {
        return rows::visit(path, &mut |at, row| {
            let line = row.get("text").and_then(|text| text.as_str());
            let line = line.ok_or_else(|| at.wrong("it has no field `text`"))?;
            each(at, line)
        });
    }
    rows::lines(path, each)
}

/// Documents of WikiText: a heading such as ` = Robert Boulter = ` begins each, and lines are joined as they
/// stand there.
fn documents(path: &Path, intake: &mut Intake<'_, '_>) -> Result<(), DataError> {
    let mut count = 0_u64;
    let mut document = String::new();
    let mut deliver = |at: &At<'_>, document: &mut String| {
        let whole = std::mem::take(document);
        if whole.trim().is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        count += 1;
        intake.take(
            at,
            measured(count, String::new(), whole.trim().to_owned()),
            None,
        )
    };
    let mut stopped = false;
    lines(path, &mut |at, line| {
        if is_heading(line) && deliver(at, &mut document)?.is_break() {
            stopped = true;
            return Ok(ControlFlow::Break(()));
        }
        document += line.trim_end_matches('\n');
        document.push('\n');
        Ok(ControlFlow::Continue(()))
    })?;
    if !stopped {
        let file = crate::source::shown(path);
        let place = crate::items::Place::Whole;
        let _is_last = deliver(&At { file: &file, place }, &mut document)?;
    }
    Ok(())
}

/// Whether a line is the heading of a document and not of a section, which has two signs on each side.
fn is_heading(line: &str) -> bool {
    let inner = line
        .trim()
        .strip_prefix("= ")
        .and_then(|rest| rest.strip_suffix(" ="));
    inner.is_some_and(|title| !title.starts_with('=') && !title.ends_with('='))
}

/// The last word of each text is measured, given what stands before it.
fn last_words(path: &Path, intake: &mut Intake<'_, '_>) -> Result<(), DataError> {
    let mut count = 0_u64;
    lines(path, &mut |at, line| {
        let line = line.trim();
        if line.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        count += 1;
        let (before, last) = line
            .rsplit_once(' ')
            .ok_or_else(|| at.wrong("it has one word, and the last is measured after others"))?;
        let item = measured(count, before.trim_end().to_owned(), last.to_owned());
        intake.take(at, item, None)
    })
}

/// A text that is measured, given what stands before it.
fn measured(count: u64, before: String, text: String) -> Item {
    Item {
        id: count.to_string(),
        turns: vec![Turn {
            question: before,
            answer: text,
        }],
        form: Form::Continued,
        ..Item::default()
    }
}
