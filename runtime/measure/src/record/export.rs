//! Records for other programs: one JSON object a line, or csv.

use serde::Serialize;

use super::{Record, RecordError};

#[derive(Serialize)]
struct Line<'r> {
    item: &'r str,
    prompt: String,
    output: &'r str,
    parsed: Option<&'r str>,
    score: f64,
    log_likelihoods: &'r [f64],
}

/// Writes one JSON object a line; the prompt's digest in hexadecimal.
pub fn to_jsonl(records: &[Record]) -> Result<Vec<u8>, RecordError> {
    super::check(records)?;
    let mut bytes = Vec::new();
    for record in records {
        let line = Line {
            item: &record.item,
            prompt: hexadecimal(record),
            output: &record.output,
            parsed: record.parsed.as_deref(),
            score: record.score,
            log_likelihoods: &record.options,
        };
        serde_json::to_writer(&mut bytes, &line).map_err(|error| failed(&error))?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

/// Writes csv with a line of headings; log-likelihoods stand in one field, parted by spaces.
///
/// A text that a spreadsheet would take for a formula begins with `'`; the JSON has it as it is.
pub fn to_csv(records: &[Record]) -> Result<Vec<u8>, RecordError> {
    super::check(records)?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = [
        "item",
        "prompt",
        "output",
        "parsed",
        "score",
        "log_likelihoods",
    ];
    writer.write_record(head).map_err(|error| failed(&error))?;
    for record in records {
        let options: Vec<String> = record.options.iter().map(f64::to_string).collect();
        let fields = [
            inert(&record.item),
            hexadecimal(record),
            inert(&record.output),
            inert(record.parsed.as_deref().unwrap_or_default()),
            record.score.to_string(),
            options.join(" "),
        ];
        writer
            .write_record(fields)
            .map_err(|error| failed(&error))?;
    }
    writer.into_inner().map_err(|error| failed(&error))
}

fn hexadecimal(record: &Record) -> String {
    blake3::Hash::from_bytes(record.prompt).to_hex().to_string()
}

fn inert(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

fn failed(error: &dyn std::error::Error) -> RecordError {
    RecordError::Write {
        reason: error.to_string(),
    }
}
