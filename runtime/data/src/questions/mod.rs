//! Questions of benchmarks: read from files and put into words.

pub(crate) mod choice;
mod prompt;
mod read;
pub(crate) mod table;

use crate::items::{Form, Turn};

pub use prompt::{Template, body, earlier};
pub use read::read_questions;

/// How questions are asked and scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// Options with letters, of which the answer names one.
    Choice,
    /// Options, the likeliest of which is the answer.
    Likelihood,
    /// Yes or no.
    YesNo,
    /// A few words.
    ShortAnswer,
    /// The perplexity of a text.
    Perplexity,
}

/// A question with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Its name in the file, or the number of its line or row.
    pub id: String,
    /// What was asked and answered before, in order; empty where nothing was.
    pub before: Vec<Turn>,
    /// The question; the text itself where its perplexity is asked for, or what stands before the words of its
    /// answer, which are then measured.
    pub text: String,
    /// What there is to choose from; empty where nothing is.
    pub options: Vec<String>,
    /// The right answer.
    pub answer: Answer,
    /// How it is put.
    pub form: Form,
}

/// The right answer to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The option of this number, from 0.
    Option(usize),
    /// Yes, or no.
    YesNo(bool),
    /// Any of these words.
    Words(Vec<String>),
    /// There is none: text is measured.
    None,
}

#[cfg(test)]
mod tests;
