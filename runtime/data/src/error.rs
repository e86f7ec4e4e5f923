//! What can go wrong between a source file and a token file.

use std::fmt;
use std::io;

use crate::limits::{EXPANSION, LINE_BYTES};

/// A problem with data, worded for the person whose data it is.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The source file is not there.
    #[error("`{file}` does not exist; check the path")]
    Missing {
        /// The file as the source names it.
        file: String,
    },
    /// The source file cannot be opened or read.
    #[error("cannot read `{file}`: {source}")]
    Unreadable {
        /// The file as the source names it.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// The compressed file ends before its data does.
    #[error("`{file}` ends in the middle of its {format} data; copy or download it again")]
    CutShort {
        /// The file as the source names it.
        file: String,
        /// The compression format.
        format: Compression,
    },
    /// The file's ending promises a compression that its bytes do not have.
    #[error(
        "`{file}` is not valid {format} data ({reason}); check that its ending tells the truth"
    )]
    NotCompressed {
        /// The file as the source names it.
        file: String,
        /// The compression format.
        format: Compression,
        /// What the decoder said.
        reason: String,
    },
    /// The compressed file holds far more text than text packs to.
    #[error(
        "`{file}` holds more than {EXPANSION} times its size, which {format} data of a text does not; \
         decompress it, and name the plain file if it is what you want"
    )]
    Expands {
        /// The file as the source names it.
        file: String,
        /// The compression format.
        format: Compression,
    },
    /// A template has no place for a question or an answer.
    #[error("the template {text:?} must have `{{question}}` in it and end with `{{answer}}`")]
    Template {
        /// The template.
        text: String,
    },
    /// A question of a benchmark that cannot be asked.
    #[error("`{file}` line {line}: {reason}")]
    Question {
        /// The file as the source names it.
        file: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of questions that has none.
    #[error("`{file}` has no questions")]
    NoQuestions {
        /// The file as the source names it.
        file: String,
    },
    /// A line longer than [`LINE_BYTES`].
    #[error("`{file}` line {line}: longer than {limit} MiB; break it into several lines", limit = LINE_BYTES >> 20)]
    LineTooLong {
        /// The file as the source names it.
        file: String,
        /// 1-based line.
        line: u64,
    },
    /// Bytes that are not UTF-8.
    #[error(
        "`{file}` line {line}: byte {byte} of the line is not valid UTF-8; convert the file to UTF-8"
    )]
    NotUtf8 {
        /// The file as the source names it.
        file: String,
        /// 1-based line.
        line: u64,
        /// 1-based byte within the line.
        byte: usize,
    },
    /// A line that is not JSON.
    #[error("`{file}` line {line}, column {column}: {reason}; each line must be one JSON object")]
    NotJson {
        /// The file as the source names it.
        file: String,
        /// 1-based line.
        line: u64,
        /// 1-based byte column, as the JSON parser counts.
        column: usize,
        /// What the parser expected.
        reason: String,
    },
    /// A line that is JSON but not an object.
    #[error(
        "`{file}` line {line}: found {found} where a JSON object is needed, such as `{{\"text\": \"…\"}}`"
    )]
    NotAnObject {
        /// The file as the source names it.
        file: String,
        /// 1-based line.
        line: u64,
        /// The kind of value found.
        found: &'static str,
    },
    /// A field that the source names and the line does not have.
    #[error("`{file}` line {line}: no field `{field}`; {}", fields_here(.fields))]
    NoField {
        /// The file as the source names it.
        file: String,
        /// 1-based line.
        line: u64,
        /// The field as the source names it.
        field: String,
        /// The fields that the object has, sorted.
        fields: Vec<String>,
    },
    /// A field that is there but not text.
    #[error("`{file}` line {line}: field `{field}` is {found} where a string is needed")]
    NotAString {
        /// The file as the source names it.
        file: String,
        /// 1-based line.
        line: u64,
        /// The field as the source names it.
        field: String,
        /// The kind of value found.
        found: &'static str,
    },
    /// A field of labels that is neither a word nor a list of words.
    #[error(
        "`{file}` line {line}: field `{field}` is {found} where labels are needed; write a string such as `\"code\"`, or an array of strings"
    )]
    NotLabels {
        /// The file as the source names it.
        file: String,
        /// 1-based line.
        line: u64,
        /// The field as the source names it.
        field: String,
        /// The kind of value found.
        found: String,
    },
    /// A jsonl source that names no field.
    #[error("`{file}`: no field is named; name the fields that hold the text, such as `text`")]
    NoFieldsNamed {
        /// The file as the source names it.
        file: String,
    },
    /// A source without any text.
    #[error("{origin} has no documents; every document in it is empty or there is none")]
    NoDocuments {
        /// The source: a file in backticks, or a few words.
        origin: String,
    },
    /// A filter that no document passes.
    #[error(
        "none of the {documents} documents of {origin} belongs to this part; compare the labels in it with those that the study asks for"
    )]
    NoneBelongs {
        /// The source: a file in backticks, or a few words.
        origin: String,
        /// Its documents.
        documents: u64,
    },
    /// A held-out share outside (0, 1).
    #[error(
        "a held-out share of {numerator}/{denominator} leaves one side empty; choose a share between 0 and 1"
    )]
    HeldOutShare {
        /// The share's numerator.
        numerator: u64,
        /// The share's denominator.
        denominator: u64,
    },
    /// A source too small to have two sides.
    #[error("{origin} has one distinct document and a held-out part needs a second one; add text")]
    OneDocument {
        /// The source: a file in backticks, or a few words.
        origin: String,
    },
    /// The caller's writer failed.
    #[error("cannot write the {what}: {source}")]
    Write {
        /// The artifact being written.
        what: &'static str,
        /// What the writer said.
        source: io::Error,
    },
    /// A document too large for the documents file's length field.
    #[error("a document has {bytes} bytes and at most 4294967295 fit; cut it into smaller ones")]
    DocumentTooLong {
        /// Its size in bytes.
        bytes: usize,
    },
    /// Bytes that are not the artifact they should be.
    #[error("not a {what}: {reason}; make it again")]
    Damaged {
        /// The kind of artifact.
        what: &'static str,
        /// Where and how it differs.
        reason: String,
    },
    /// A wanted vocabulary that cannot even hold the bytes.
    #[error(
        "a vocabulary of {wanted} is too small: the end token and the 256 bytes need {minimum}; ask for {minimum} or more"
    )]
    VocabularyTooSmall {
        /// The size asked for.
        wanted: usize,
        /// The smallest size that works.
        minimum: usize,
    },
    /// A `tokenizer.json` that cannot be used.
    #[error("cannot use this tokenizer: {reason}")]
    Tokenizer {
        /// Why, and what to do.
        reason: String,
    },
    /// A problem with items and their pictures.
    #[error(transparent)]
    Items(#[from] crate::items::ItemError),
    /// Shares that do not describe a mixture.
    #[error(transparent)]
    Shares(#[from] crate::shares::ShareError),
    /// A request for tokens beyond the end of a token file.
    #[error("tokens {start} to {end} were asked for and the token file has {len}; read within it")]
    BeyondEnd {
        /// First token asked for.
        start: u64,
        /// One past the last token asked for.
        end: u64,
        /// Tokens in the file.
        len: u64,
    },
    /// A batch whose buffers, files and stream do not fit together.
    #[error("a batch does not fit: {reason}")]
    Batch {
        /// Which part disagrees with which.
        reason: String,
    },
}

/// A compression that a source file's ending can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// `.gz`
    Gzip,
    /// `.zst`
    Zstd,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        })
    }
}

fn fields_here(fields: &[String]) -> String {
    match fields {
        [] => "the object is empty".to_owned(),
        [one] => format!("its only field is `{one}`"),
        many => format!("its fields are `{}`", many.join("`, `")),
    }
}
