//! How a question is put to a language model.

use super::{Asking, Question};

/// The letter of an option, from 0: `A` to `Z`.
fn letter(option: usize) -> char {
    char::from(b'A' + (option % 26) as u8)
}

/// The words that a model goes on from.
///
/// Options stand under the question with their letters where one is to be named, and not where their
/// likelihoods are compared (as in the Language Model Evaluation Harness, `doc_to_text` of its
/// multiple-choice tasks). A text whose perplexity is asked for has no prompt.
pub fn prompt(question: &Question, asking: Asking) -> String {
    let text = &question.text;
    match asking {
        Asking::Choice => {
            let options = question.options.iter().enumerate();
            let options: String = options
                .map(|(at, option)| format!("{}. {option}\n", letter(at)))
                .collect();
            format!("Question: {text}\n{options}Answer:")
        }
        Asking::Likelihood | Asking::ShortAnswer => format!("Question: {text}\nAnswer:"),
        Asking::YesNo => format!("Question: {text} Yes or no?\nAnswer:"),
        Asking::Perplexity => String::new(),
    }
}

/// The words whose likelihood is that of an option.
pub fn continuation(option: &str) -> String {
    format!(" {option}")
}
