//! What a model answered to each question of a benchmark, and the forms it is filed and handed on in.

mod columns;
mod export;
mod parquet_file;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use columns::{decode, encode};
pub use export::{to_csv, to_jsonl};
pub use parquet_file::to_parquet;

/// The file of answers in a job: columns as [`encode`] writes them.
pub const FILE: &str = "answers.vpcr";

/// What became of one question. As JSON it leaves out what is not there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record {
    /// The question's name in its file; nothing keeps a file from giving one twice.
    pub id: String,
    /// blake3 of what the model was given: the prompt, or the text whose perplexity is measured.
    #[serde(serialize_with = "in_hexadecimal")]
    pub prompt: [u8; 32],
    /// Whether the beginning of the prompt did not fit the model's context.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// Words that tell sorts of items apart, such as a subject; of items that carry them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// What the model wrote, up to the end of the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The answer read from it; `None` where none was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// Whether it is right, and altogether so; `None` where nothing is right or wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right: Option<bool>,
    /// What it counts, from 0 to 1, where that is in between.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credit: Option<f64>,
    /// log p of each option in their order, or of the text, in nats.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log_likelihoods: Vec<f64>,
    /// UTF-8 bytes of each option, or tokens of the text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lengths: Vec<u64>,
    /// What was asked, where it was to be explained: for who judges the explanation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// The right answer in words, as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What was written before the answer, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
    /// Why the text of a model elsewhere ended, where that was not by itself, such as `length`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish: Option<String>,
    /// What a model elsewhere took for it.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// What was understood of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// The option of this number, from 0.
    Option(u32),
    /// Yes, or no.
    YesNo(bool),
    /// Words.
    Words(String),
}

/// What answers of a model elsewhere took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of prompts, as the endpoint counts them.
    pub prompt_tokens: u64,
    /// Tokens of answers.
    pub completion_tokens: u64,
    /// Requests that were sent.
    pub requests: u64,
}

impl Record {
    /// A question of this name that was put in these words, and nothing of its answer.
    pub fn of(id: &str, words: &str) -> Self {
        Self {
            id: id.to_owned(),
            prompt: *blake3::hash(words.as_bytes()).as_bytes(),
            cut: false,
            labels: Vec::new(),
            output: None,
            answer: None,
            right: None,
            credit: None,
            log_likelihoods: Vec::new(),
            lengths: Vec::new(),
            question: None,
            expected: None,
            explanation: None,
            finish: None,
            usage: None,
        }
    }

    /// The same with what its answer counts, from 0 to 1.
    #[must_use]
    pub fn credited(self, credit: f64) -> Self {
        let is_whole = credit <= 0.0 || credit >= 1.0;
        Self {
            right: Some(credit >= 1.0),
            credit: (!is_whole).then_some(credit),
            ..self
        }
    }

    /// What its answer counts, from 0 to 1; nothing where it could not be read.
    pub fn score(&self) -> f64 {
        let whole = f64::from(u8::from(self.right == Some(true)));
        self.credit.unwrap_or(whole)
    }

    /// The prompt's digest in hexadecimal.
    fn prompt_digits(&self) -> String {
        blake3::Hash::from_bytes(self.prompt).to_hex().to_string()
    }
}

impl Usage {
    /// Adds what another took.
    pub fn add(&mut self, other: Self) {
        self.prompt_tokens += other.prompt_tokens;
        self.completion_tokens += other.completion_tokens;
        self.requests += other.requests;
    }
}

impl fmt::Display for Answer {
    /// The option's number from 0, `true`, `false`, or the words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option(number) => number.fmt(f),
            Self::YesNo(yes) => yes.fmt(f),
            Self::Words(words) => words.fmt(f),
        }
    }
}

fn in_hexadecimal<S: serde::Serializer>(prompt: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&blake3::Hash::from_bytes(*prompt).to_hex())
}

/// Records that cannot be written, or bytes that are none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A log-likelihood, or what an answer counts, that is no number.
    #[error(
        "a number of the question `{id}` is not finite; look at the weights of the model that answered"
    )]
    NotFinite {
        /// The question.
        id: String,
    },
    /// More than the layout holds.
    #[error("the records have more than {limit} MiB; write them in several parts")]
    TooLarge {
        /// The limit in MiB.
        limit: usize,
    },
    /// Bytes that are not records.
    #[error("not a file of records: {reason}; make it again")]
    Damaged {
        /// How they differ.
        reason: String,
    },
    /// A library that packs or writes failed.
    #[error("cannot write the records: {reason}")]
    Write {
        /// What it said.
        reason: String,
    },
}

/// Holds records to what a reader relies on: finite numbers.
fn check(records: &[Record]) -> Result<(), RecordError> {
    let is_sound = |record: &&Record| {
        let mut numbers = record.log_likelihoods.iter().chain(&record.credit);
        numbers.all(|own| own.is_finite())
    };
    match records.iter().find(|record| !is_sound(record)) {
        Some(record) => Err(RecordError::NotFinite {
            id: record.id.clone(),
        }),
        None => Ok(()),
    }
}

fn failed(error: &dyn std::error::Error) -> RecordError {
    RecordError::Write {
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests;
