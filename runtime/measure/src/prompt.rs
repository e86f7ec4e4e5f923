//! How a question is put to a model, and the digest by which equal prompts are known.

use std::fmt::Write as _;

/// Stands where a picture goes; one line for each picture, before the question.
pub const IMAGE: &str = "<image>";

/// Version of the wording. It is part of each digest, and rises when a prompt's text changes.
pub const WORDING: u32 = 1;

/// Most options that a letter can name.
pub const MOST_OPTIONS: usize = 26;

/// What is asked for beside the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The answer alone.
    Direct,
    /// An explanation that ends in the answer.
    Explain,
}

/// What kind of answer a question wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// One of these options, which are given the letters from `A` on.
    Choice(Vec<String>),
    /// `Yes` or `No`.
    YesNo,
    /// A word or a phrase.
    Short,
}

/// A question of a benchmark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Its text.
    pub text: String,
    /// What kind of answer it wants.
    pub format: Format,
    /// BLAKE3 digests of its pictures' bytes, in the order they are shown; empty where pictures are
    /// withheld.
    pub pictures: Vec<[u8; 32]>,
}

/// A question as the model reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The text, with [`IMAGE`] on a line of its own for each picture.
    pub text: String,
    /// BLAKE3 of the wording's version, the text and the pictures' digests.
    pub digest: [u8; 32],
}

/// A question that cannot be put.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// Too few or too many options.
    #[error("the question has {found} options; give it between 2 and {MOST_OPTIONS}")]
    Options {
        /// How many there are.
        found: usize,
    },
    /// An option without text.
    #[error("option `{letter}` is empty; give each option a text")]
    EmptyOption {
        /// Its letter.
        letter: char,
    },
    /// The picture's mark within a text, where it would be taken for a picture.
    #[error(
        "the question's text contains `{IMAGE}`, which stands for a picture; write it otherwise"
    )]
    Mark,
}

/// The letter of an option; options are counted from 0.
///
/// Past [`MOST_OPTIONS`] there is none.
pub fn letter(option: usize) -> Option<char> {
    let offset = u8::try_from(option)
        .ok()
        .filter(|&at| usize::from(at) < MOST_OPTIONS)?;
    Some(char::from(b'A' + offset))
}

/// Puts a question.
///
/// Options stand one a line, as `A. text`. The closing lines of direct prompts are those of
/// LLaVA-1.5 and Cambrian-1 (the paper prints no prompts); those of explanations are our own, and
/// ask for the form that [`crate::parse::choice`] reads first.
pub fn put(question: &Question, mode: Mode) -> Result<Prompt, PromptError> {
    let mut text = String::new();
    for _ in &question.pictures {
        text.push_str(IMAGE);
        text.push('\n');
    }
    text.push_str(question.text.trim());
    let mut marked = question.text.contains(IMAGE);
    if let Format::Choice(options) = &question.format {
        if !(2..=MOST_OPTIONS).contains(&options.len()) {
            return Err(PromptError::Options {
                found: options.len(),
            });
        }
        for (letter, option) in ('A'..='Z').zip(options) {
            if option.trim().is_empty() {
                return Err(PromptError::EmptyOption { letter });
            }
            marked |= option.contains(IMAGE);
            // Writing to a `String` cannot fail.
            let _ = write!(text, "\n{letter}. {}", option.trim());
        }
    }
    if marked {
        return Err(PromptError::Mark);
    }
    text.push('\n');
    text.push_str(closing(&question.format, mode));
    let digest = digest(&text, &question.pictures);
    Ok(Prompt { text, digest })
}

fn closing(format: &Format, mode: Mode) -> &'static str {
    match (format, mode) {
        (Format::Choice(_), Mode::Direct) => {
            "Answer with the option's letter from the given choices directly."
        }
        (Format::YesNo, Mode::Direct) => "Please answer yes or no.",
        (Format::Short, Mode::Direct) => "Answer the question using a single word or phrase.",
        (Format::Choice(_), Mode::Explain) => {
            "Explain your reasoning in detail, then end with \"Answer: \" and the option's letter."
        }
        (Format::YesNo, Mode::Explain) => {
            "Explain your reasoning in detail, then end with \"Answer: \" and yes or no."
        }
        (Format::Short, Mode::Explain) => {
            "Explain your reasoning in detail, then end with \"Answer: \" and a single word or phrase."
        }
    }
}

/// Lengths go before what varies in length, so that no two prompts have the same bytes.
fn digest(text: &str, pictures: &[[u8; 32]]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("vpc-measure prompt");
    hasher.update(&WORDING.to_le_bytes());
    hasher.update(&(text.len() as u64).to_le_bytes());
    hasher.update(text.as_bytes());
    for picture in pictures {
        hasher.update(picture);
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colours(pictures: Vec<[u8; 32]>) -> Question {
        Question {
            text: "Which colour? ".to_owned(),
            format: Format::Choice(vec!["red".to_owned(), "blue".to_owned()]),
            pictures,
        }
    }

    #[test]
    fn options_are_lettered_below_the_pictures() {
        let prompt = put(&colours(vec![[1; 32]]), Mode::Direct).unwrap();
        assert_eq!(
            prompt.text,
            "<image>\nWhich colour?\nA. red\nB. blue\n\
             Answer with the option's letter from the given choices directly."
        );
    }

    #[test]
    fn whatever_differs_in_a_prompt_differs_in_its_digest() {
        let mut questions = vec![
            colours(vec![]),
            colours(vec![[1; 32]]),
            colours(vec![[2; 32]]),
        ];
        questions.push(colours(vec![[1; 32], [2; 32]]));
        questions.push(colours(vec![[2; 32], [1; 32]]));
        questions.push(Question {
            format: Format::YesNo,
            ..colours(vec![])
        });
        questions.push(Question {
            format: Format::Short,
            ..colours(vec![])
        });
        let mut digests = std::collections::BTreeSet::new();
        for question in &questions {
            for mode in [Mode::Direct, Mode::Explain] {
                digests.insert(put(question, mode).unwrap().digest);
            }
        }
        assert_eq!(digests.len(), 14);
        let again = put(&questions[0], Mode::Direct).unwrap();
        assert!(digests.contains(&again.digest));
    }

    #[test]
    fn what_cannot_be_put_is_said() {
        let choice = |options: &[&str]| Question {
            format: Format::Choice(options.iter().map(|&text| text.to_owned()).collect()),
            ..colours(vec![])
        };
        let error = |question: &Question| put(question, Mode::Direct).unwrap_err();
        assert_eq!(error(&choice(&["one"])), PromptError::Options { found: 1 });
        assert_eq!(
            error(&choice(&["x"; 27])),
            PromptError::Options { found: 27 }
        );
        assert_eq!(
            error(&choice(&["x", " "])),
            PromptError::EmptyOption { letter: 'B' }
        );
        assert_eq!(error(&choice(&["x", "an <image>"])), PromptError::Mark);
        let text = "see <image>".to_owned();
        assert_eq!(
            error(&Question {
                text,
                ..colours(vec![])
            }),
            PromptError::Mark
        );
        assert_eq!(
            (letter(0), letter(25), letter(26)),
            (Some('A'), Some('Z'), None)
        );
    }
}
