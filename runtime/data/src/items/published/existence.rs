//! MLE-Bench, the Multi-Level Existence Bench: a folder of pictures with `metadata.jsonl`, or parquet.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::rows::{self, text, texts, wrong_files};
use crate::error::DataError;
use crate::items::file::unpacked;
use crate::items::intake::{Found, Intake};
use crate::items::located::PictureFolder;
use crate::items::record::Row;
use crate::items::{Item, Turn};

/// Visits the items of one `sub_task`, such as `existence_0-30`. Files are `metadata.jsonl` with the folder
/// of its pictures, or one of parquet that has them in it.
pub(super) fn visit(
    sub_task: &str,
    files: &[PathBuf],
    intake: &mut Intake<'_, '_>,
) -> Result<(), DataError> {
    let Some(path) = files.first() else {
        return Err(wrong_files(files));
    };
    let mut beside = PictureFolder::new(path.parent().unwrap_or(Path::new("")));
    let mut count = 0_u64;
    rows::visit(path, &mut |at, row| {
        count += 1;
        let own = text(&row, "sub_task").map_err(|reason| at.wrong(reason))?;
        if own != sub_task {
            return Ok(ControlFlow::Continue(()));
        }
        let found = match row.get("image") {
            Some(Value::Object(image)) => packed(image),
            _ => {
                let name = text(&row, "file_name").map_err(|reason| at.wrong(reason))?;
                beside.locate(at, name)?.read()
            }
        };
        let item = item(&row, count).map_err(|reason| at.wrong(reason))?;
        intake.take(at, item, Some(found))
    })
}

/// A picture of parquet, which has its bytes and the path that it once had.
fn packed(image: &Row) -> Found<'static> {
    let name = image.get("path").and_then(Value::as_str);
    let bytes = image.get("bytes").and_then(Value::as_str);
    let none = || "it has no bytes in `image`".to_owned();
    Found {
        name: name.unwrap_or("image").to_owned(),
        bytes: bytes.ok_or_else(none).and_then(unpacked).map(Into::into),
    }
}

fn item(row: &Row, count: u64) -> Result<Item, String> {
    let options = texts(row, "choices")?;
    let answer = text(row, "answer")?;
    let is = |option: &String| option.trim().eq_ignore_ascii_case(answer.trim());
    let right = options.iter().position(is);
    let right = right.ok_or_else(|| format!("its answer `{answer}` is none of its `choices`"))?;
    let answer = options.get(right).cloned().unwrap_or_default();
    let id = match row.get("id") {
        Some(Value::String(id)) => id.clone(),
        Some(Value::Number(id)) => id.to_string(),
        _ => count.to_string(),
    };
    Ok(Item {
        id,
        turns: vec![Turn {
            question: text(row, "question")?.trim().to_owned(),
            answer,
        }],
        options,
        right: Some(right),
        ..Item::default()
    })
}
