//! Question sets in words alone, put as the Language Model Evaluation Harness puts them (its tasks' `doc_to_text`
//! and `doc_to_choice`).

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::rows::{self, number, text, texts, wrong_files};
use crate::error::DataError;
use crate::items::intake::{At, Intake};
use crate::items::record::Row;
use crate::items::{Form, Item, Turn};
use crate::source::shown;

/// A question set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    Piqa,
    HellaSwag,
    WinoGrande,
    Arc,
    Copa,
    SciQ,
    OpenBookQa,
    BoolQ,
}

/// A question before it is an item.
struct Put {
    prompt: String,
    options: Vec<String>,
    right: usize,
    form: Form,
}

/// Visits the questions of a set: of every file in turn, but for PIQA, whose second file has the labels of
/// the first.
pub(super) fn visit(
    set: Set,
    files: &[PathBuf],
    intake: &mut Intake<'_, '_>,
) -> Result<(), DataError> {
    match (set, files) {
        (Set::Piqa, [questions, labels]) => labelled(questions, labels, intake),
        (_, []) => Err(wrong_files(files)),
        (_, files) => {
            let mut count = 0;
            files.iter().try_for_each(|path| {
                rows::visit(path, &mut |at, row| {
                    count += 1;
                    take(set, at, &row, count, intake)
                })
            })
        }
    }
}

/// PIQA as it was first published: questions in one file, and a label a line in another.
fn labelled(questions: &Path, labels: &Path, intake: &mut Intake<'_, '_>) -> Result<(), DataError> {
    let mut right = Vec::new();
    rows::lines(labels, &mut |at, line| {
        match line.trim() {
            "" => {}
            label @ ("0" | "1") => right.push(Value::from(label)),
            other => return Err(at.wrong(format!("the label `{other}` is neither 0 nor 1"))),
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let all = right.len();
    let mut right = right.into_iter();
    let mut count = 0;
    rows::visit(questions, &mut |at, mut row| {
        count += 1;
        let Some(label) = right.next() else {
            let labels = shown(labels);
            return Err(at.wrong(format!("`{labels}` has {all} labels, and none for it")));
        };
        row.insert("label".to_owned(), label);
        take(Set::Piqa, at, &row, count, intake)
    })
}

fn take(
    set: Set,
    at: &At<'_>,
    row: &Row,
    count: u64,
    intake: &mut Intake<'_, '_>,
) -> Result<ControlFlow<()>, DataError> {
    let put = put(set, row).map_err(|reason| at.wrong(reason))?;
    let Some(answer) = put.options.get(put.right).cloned() else {
        let (right, options) = (put.right, put.options.len());
        return Err(at.wrong(format!("option {right} from 0 is right, of {options}")));
    };
    let id = ["id", "qID", "ind", "idx"]
        .into_iter()
        .find_map(|field| row.get(field));
    let item = Item {
        id: match id {
            Some(Value::String(id)) => id.clone(),
            Some(Value::Number(id)) => id.to_string(),
            _ => count.to_string(),
        },
        turns: vec![Turn {
            question: put.prompt,
            answer,
        }],
        options: put.options,
        right: Some(put.right),
        form: put.form,
        ..Item::default()
    };
    intake.take(at, item, None)
}

fn put(set: Set, row: &Row) -> Result<Put, String> {
    let continued = |prompt, options, right| Put {
        prompt,
        options,
        right,
        form: Form::Continued,
    };
    Ok(match set {
        Set::Piqa => continued(
            asked(text(row, "goal")?),
            both(row, "sol1", "sol2")?,
            number(row, "label")?,
        ),
        Set::HellaSwag => {
            let ends = texts(row, "endings")?;
            continued(
                story(row)?,
                ends.iter().map(|end| without_marks(end)).collect(),
                number(row, "label")?,
            )
        }
        Set::WinoGrande => winogrande(row)?,
        Set::Arc => {
            let (stem, options, right) = school(row)?;
            continued(asked(&stem), options, right)
        }
        Set::OpenBookQa => {
            let (stem, options, right) = school(row)?;
            continued(stem, options, right)
        }
        Set::Copa => copa(row)?,
        Set::SciQ => {
            let wrong = ["distractor1", "distractor2", "distractor3"];
            let fields = wrong.into_iter().chain(["correct_answer"]);
            let options = fields.map(|field| text(row, field).map(str::to_owned));
            let support = row
                .get("support")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let (support, question) = (support.trim_start(), asked(text(row, "question")?));
            continued(
                format!("{support}\n{question}"),
                options.collect::<Result<_, _>>()?,
                wrong.len(),
            )
        }
        Set::BoolQ => {
            let (passage, question) = (text(row, "passage")?, text(row, "question")?);
            // `label` in SuperGLUE, `answer` where it was first published.
            let right = number(row, "label").or_else(|_| number(row, "answer"))?;
            continued(
                format!("{passage}\nQuestion: {question}?\nAnswer:"),
                ["no", "yes"].map(str::to_owned).to_vec(),
                right,
            )
        }
    })
}

fn asked(question: &str) -> String {
    format!("Question: {question}\nAnswer:")
}

fn both(row: &Row, first: &str, second: &str) -> Result<Vec<String>, String> {
    Ok(vec![
        text(row, first)?.to_owned(),
        text(row, second)?.to_owned(),
    ])
}

/// What HellaSwag's endings go on from.
fn story(row: &Row) -> Result<String, String> {
    let first = text(row, "ctx_a")?;
    let second = row.get("ctx_b").and_then(Value::as_str).unwrap_or_default();
    let mut letters = second.chars();
    let capital: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    let second = capital + &letters.as_str().to_lowercase();
    let activity = text(row, "activity_label")?;
    Ok(without_marks(&format!("{activity}: {first} {second}")))
}

/// A text without what WikiHow left in it: marks in square brackets.
fn without_marks(text: &str) -> String {
    let text = text.trim().replace(" [title]", ". ");
    let mut rest = text.as_str();
    let mut plain = String::with_capacity(text.len());
    while let Some((before, mark)) = rest.split_once('[') {
        let Some((_, after)) = mark.split_once(']') else {
            break;
        };
        plain += before;
        rest = after;
    }
    plain += rest;
    plain.replace("  ", " ")
}

/// The blank is filled with each option, and what comes after it is what is compared (partial evaluation,
/// Trinh and Le 2018).
fn winogrande(row: &Row) -> Result<Put, String> {
    let sentence = text(row, "sentence")?;
    if !sentence.contains('_') {
        return Err("its `sentence` has no blank `_`".to_owned());
    }
    let right = number(row, "answer")?.checked_sub(1);
    Ok(Put {
        prompt: sentence.to_owned(),
        options: both(row, "option1", "option2")?,
        right: right.ok_or("its `answer` is neither 1 nor 2")?,
        form: Form::Filled,
    })
}

/// A premise that goes on with a reason or a result.
fn copa(row: &Row) -> Result<Put, String> {
    let joint = match text(row, "question")? {
        "cause" => "because",
        "effect" => "therefore",
        other => {
            return Err(format!(
                "it asks for `{other}` and neither cause nor effect"
            ));
        }
    };
    let premise = text(row, "premise")?.trim();
    let mut open = premise.chars();
    open.next_back();
    let lowered = |choice: String| {
        let mut letters = choice.chars();
        let first: String = letters
            .next()
            .into_iter()
            .flat_map(char::to_lowercase)
            .collect();
        first + letters.as_str()
    };
    let options = both(row, "choice1", "choice2")?;
    Ok(Put {
        prompt: format!("{} {joint}", open.as_str()),
        options: options.into_iter().map(lowered).collect(),
        right: number(row, "label")?,
        form: Form::Continued,
    })
}

/// A question of ARC or OpenBookQA, its options and the right one: nested as first published, or flat as in
/// their parquet.
fn school(row: &Row) -> Result<(String, Vec<String>, usize), String> {
    let (stem, choices) = match row.get("question") {
        Some(Value::Object(question)) => (text(question, "stem")?, question.get("choices")),
        Some(_) => (text(row, "question")?, row.get("choices")),
        None => (text(row, "question_stem")?, row.get("choices")),
    };
    let (labels, options) = match choices {
        Some(Value::Object(choices)) => (texts(choices, "label")?, texts(choices, "text")?),
        Some(Value::Array(list)) => {
            let each = list.iter().filter_map(Value::as_object);
            let each = each.map(|one| {
                Ok((
                    text(one, "label")?.to_owned(),
                    text(one, "text")?.to_owned(),
                ))
            });
            let each: Vec<(String, String)> = each.collect::<Result<_, String>>()?;
            each.into_iter().unzip()
        }
        _ => return Err("it has no `choices`".to_owned()),
    };
    let key = text(row, "answerKey")?.trim();
    let right = labels.iter().position(|label| label == key);
    let right =
        right.ok_or_else(|| format!("its `answerKey` `{key}` is no label of its choices"))?;
    Ok((stem.to_owned(), options, right))
}
