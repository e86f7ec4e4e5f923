//! Records for other programs: one JSON object a line, or csv.

use super::{Record, RecordError, check, failed};

/// The columns of csv, and of parquet: the fields of [`Record`].
pub(super) const COLUMNS: [&str; 17] = [
    "id",
    "prompt",
    "cut",
    "labels",
    "output",
    "answer",
    "right",
    "credit",
    "log_likelihoods",
    "lengths",
    "question",
    "expected",
    "explanation",
    "finish",
    "prompt_tokens",
    "completion_tokens",
    "requests",
];

/// Writes one JSON object a line; the prompt's digest in hexadecimal, and only what is there.
pub fn to_jsonl(records: &[Record]) -> Result<Vec<u8>, RecordError> {
    check(records)?;
    let mut bytes = Vec::new();
    for record in records {
        serde_json::to_writer(&mut bytes, record).map_err(|error| failed(&error))?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

/// Writes csv with a line of headings; numbers of a list stand in one field, parted by blanks, labels
/// by semicolons. What is not there is empty.
///
/// A text that a spreadsheet would take for a formula begins with `'`; the JSON has it as it is.
pub fn to_csv(records: &[Record]) -> Result<Vec<u8>, RecordError> {
    check(records)?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(COLUMNS)
        .map_err(|error| failed(&error))?;
    for record in records {
        writer
            .write_record(fields(record))
            .map_err(|error| failed(&error))?;
    }
    writer.into_inner().map_err(|error| failed(&error))
}

fn fields(record: &Record) -> [String; COLUMNS.len()] {
    let text = |text: &Option<String>| inert(text.as_deref().unwrap_or_default());
    let taken = |of: fn(&super::Usage) -> u64| {
        let number = record.usage.as_ref().map(of);
        number.map(|number| number.to_string()).unwrap_or_default()
    };
    let answer = record.answer.as_ref().map(ToString::to_string);
    let right = record.right.map(|right| right.to_string());
    [
        inert(&record.id),
        record.prompt_digits(),
        record.cut.to_string(),
        inert(&record.labels.join(";")),
        text(&record.output),
        text(&answer),
        right.unwrap_or_default(),
        record.credit.map(|own| own.to_string()).unwrap_or_default(),
        parted(&record.log_likelihoods),
        parted(&record.lengths),
        text(&record.question),
        text(&record.expected),
        text(&record.explanation),
        text(&record.finish),
        taken(|own| own.prompt_tokens),
        taken(|own| own.completion_tokens),
        taken(|own| own.requests),
    ]
}

fn parted(numbers: &[impl ToString]) -> String {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    numbers.join(" ")
}

fn inert(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}
