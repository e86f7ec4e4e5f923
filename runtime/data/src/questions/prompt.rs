//! How a question is put to a language model.

use super::{Asking, Question};
use crate::error::DataError;

/// How a turn is written: text with the places of a question and, at its end, of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    before: String,
    between: String,
    /// White space before the answer, which belongs to its first word.
    space: String,
}

const QUESTION: &str = "{question}";
const ANSWER: &str = "{answer}";

impl Default for Template {
    /// `Question: …` on one line and `Answer: …` on the next.
    fn default() -> Self {
        Self {
            before: "Question: ".to_owned(),
            between: "\nAnswer:".to_owned(),
            space: " ".to_owned(),
        }
    }
}

impl Template {
    /// Reads a template with `{question}` in it and `{answer}` at its end.
    ///
    /// # Errors
    /// [`DataError::Template`] where either is missing.
    pub fn new(text: &str) -> Result<Self, DataError> {
        let parts = text.strip_suffix(ANSWER);
        let parts = parts.and_then(|text| text.split_once(QUESTION));
        let (before, between) = parts.ok_or_else(|| DataError::Template {
            text: text.to_owned(),
        })?;
        let kept = between.trim_end();
        Ok(Self {
            before: before.to_owned(),
            between: kept.to_owned(),
            space: between.get(kept.len()..).unwrap_or_default().to_owned(),
        })
    }

    /// A question up to where the answer begins.
    pub fn prompt(&self, question: &str) -> String {
        format!("{}{question}{}", self.before, self.between)
    }

    /// An answer as it goes on from a prompt.
    pub fn continuation(&self, answer: &str) -> String {
        format!("{}{answer}", self.space)
    }
}

/// The letter of an option, from 0: `A` to `Z`.
fn letter(option: usize) -> char {
    char::from(b'A' + (option % 26) as u8)
}

/// The words of a question as they stand in a prompt.
///
/// Options stand under the question with their letters where one is to be named, and not where their
/// likelihoods are compared (as in the Language Model Evaluation Harness, `doc_to_text` of its
/// multiple-choice tasks).
pub fn body(question: &Question, asking: Asking) -> String {
    let text = &question.text;
    match asking {
        Asking::Choice => {
            let options = question.options.iter().enumerate();
            let options: String = options
                .map(|(at, option)| format!("\n{}. {option}", letter(at)))
                .collect();
            format!("{text}{options}")
        }
        Asking::YesNo => format!("{text} Yes or no?"),
        Asking::Likelihood | Asking::ShortAnswer | Asking::Perplexity => text.clone(),
    }
}

/// What was said before a question, a line for each question and answer; empty where nothing was.
pub fn earlier(question: &Question) -> String {
    let turns = question.before.iter();
    turns
        .map(|turn| format!("{}\n{}\n", turn.question, turn.answer))
        .collect()
}
