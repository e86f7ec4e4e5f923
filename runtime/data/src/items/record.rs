//! A JSON object as an item: a conversation as LLaVA writes it, or a question in named fields.

use serde_json::{Map, Value};

use super::{Fields, Item, Turn};
use crate::questions::choice::{options, right};
use crate::source::jsonl::{kind, look_up};

/// What stands for the picture in a conversation.
const PICTURE: &str = "<image>";

/// The fields of an item.
pub(super) type Row = Map<String, Value>;

/// An item without its picture, and what its field of the picture says.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) item: Item,
    pub(super) image: Option<String>,
}

/// Whether an object says anything as an item.
pub(super) fn says(row: &Row, fields: &Fields) -> bool {
    row.contains_key("conversations") || look_up(row, &fields.question).is_some()
}

/// An object as an item; without an id it is called `id`.
///
/// With a field `conversations`, turns are taken from there. Otherwise `question` and `answer` make the only turn; the
/// answer is text, a number or a boolean (yes or no) and, among options, the text, the letter or the number from 0 of
/// the right one.
pub(super) fn record(row: &Row, fields: &Fields, id: String) -> Result<Record, String> {
    let image = match look_up(row, &fields.image) {
        None | Some(Value::Null) => None,
        Some(Value::String(image)) if !image.is_empty() => Some(image.clone()),
        Some(Value::String(_)) => return Err(format!("its `{}` is empty", fields.image)),
        Some(other) => {
            let (field, found) = (&fields.image, kind(other));
            return Err(format!(
                "its `{field}` is {found} where one path is needed, such as `\"a.png\"`"
            ));
        }
    };
    let mut item = Item {
        id: name(row, fields, id)?,
        turns: Vec::new(),
        options: Vec::new(),
        right: None,
        labels: labels(row, &fields.labels)?,
        ..Item::default()
    };
    match row.get("conversations") {
        Some(Value::Array(list)) => item.turns = conversation(list, image.is_some())?,
        Some(other) => {
            let found = kind(other);
            return Err(format!("its `conversations` is {found} and no list"));
        }
        None => ask(row, fields, &mut item)?,
    }
    Ok(Record { item, image })
}

fn name(row: &Row, fields: &Fields, id: String) -> Result<String, String> {
    match look_up(row, &fields.id) {
        None | Some(Value::Null) => Ok(id),
        Some(Value::String(id)) => Ok(id.clone()),
        Some(Value::Number(id)) => Ok(id.to_string()),
        Some(_) => Err(format!("its `{}` is neither text nor a number", fields.id)),
    }
}

/// The labels of an item: none, a word or a list of words.
pub(super) fn labels(row: &Row, field: &str) -> Result<Vec<String>, String> {
    let word = |entry: &Value| match entry {
        Value::String(word) => Some(word.clone()),
        _ => None,
    };
    let words = match look_up(row, field) {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::Array(list)) => list.iter().map(word).collect(),
        Some(one) => word(one).map(|word| vec![word]),
    };
    let mut words: Vec<String> = words.ok_or_else(|| {
        format!(
            "its `{field}` is neither a word nor a list of words; write such as `\"reasoning\"`"
        )
    })?;
    words.sort_unstable();
    words.dedup();
    Ok(words)
}

fn ask(row: &Row, fields: &Fields, item: &mut Item) -> Result<(), String> {
    let question = match look_up(row, &fields.question) {
        Some(Value::String(text)) if !text.trim().is_empty() => text.clone(),
        _ => return Err(format!("it has no text in the field `{}`", fields.question)),
    };
    let answer = look_up(row, &fields.answer);
    let answer = match look_up(row, &fields.options) {
        Some(Value::Array(list)) if list.is_empty() => open(answer, &fields.answer)?,
        None | Some(Value::Null) => open(answer, &fields.answer)?,
        list => {
            item.options = options(list)?;
            let right = right(answer, &item.options)?;
            item.right = Some(right);
            let text = item.options.get(right).cloned();
            text.ok_or("its answer is none of its options")?
        }
    };
    item.turns.push(Turn { question, answer });
    Ok(())
}

fn open(answer: Option<&Value>, field: &str) -> Result<String, String> {
    match answer {
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        Some(Value::Bool(yes)) => Ok(if *yes { "yes" } else { "no" }.to_owned()),
        _ => Err(format!("it has no text in the field `{field}`")),
    }
}

/// Turns of `human` and `gpt` that alternate, after one of `system` that is left out.
fn conversation(list: &[Value], picture: bool) -> Result<Vec<Turn>, String> {
    let part = |value: &Value, role: &str| match value.get("from") {
        Some(Value::String(from)) if from == role => match value.get("value") {
            Some(Value::String(text)) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    };
    let list = match list.split_first() {
        Some((first, rest)) if part(first, "system").is_some() => rest,
        _ => list,
    };
    let mut turns = Vec::new();
    for pair in list.chunks(2) {
        let turn = match pair {
            [question, answer] => part(question, "human").zip(part(answer, "gpt")),
            _ => None,
        };
        let (mut question, answer) = turn.ok_or_else(|| {
            let turn = turns.len() + 1;
            format!(
                "turn {turn} of its `conversations` is not a text from `human` and one from `gpt`"
            )
        })?;
        if picture && turns.is_empty() {
            question = without_picture(&question);
        }
        if question.trim().is_empty() {
            let turn = turns.len() + 1;
            return Err(format!("turn {turn} of its `conversations` asks nothing"));
        }
        turns.push(Turn { question, answer });
    }
    if turns.is_empty() {
        return Err("its `conversations` are empty".to_owned());
    }
    Ok(turns)
}

/// A question without what stands for the picture, and without the ends of lines around it.
fn without_picture(question: &str) -> String {
    let ends = ['\n', '\r'];
    let mut whole = String::new();
    for part in question.split(PICTURE) {
        let before = whole.trim_end_matches(ends);
        let after = part.trim_start_matches(ends);
        let between = before.len() < whole.len() || after.len() < part.len();
        let joint = if between && !before.is_empty() && !after.is_empty() {
            "\n"
        } else {
            ""
        };
        whole = format!("{before}{joint}{after}");
    }
    whole.trim().to_owned()
}
